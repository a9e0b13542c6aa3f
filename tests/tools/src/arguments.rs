//! `--name value` arguments. Hand-written: the tool has a handful of commands and needs no more than this.

use crate::Outcome;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The options of one command, each given once, each with a value.
pub(crate) struct Arguments {
    options: BTreeMap<String, String>,
}

impl Arguments {
    /// Reads `--name value` pairs; a name outside `known` is an error, so that a typing error is not silence.
    pub(crate) fn parse(words: &[String], known: &[&str]) -> Outcome<Self> {
        let mut options = BTreeMap::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .filter(|name| known.contains(name))
                .ok_or_else(|| format!("unknown argument {word:?}; see clerk-testing help"))?;
            let value = words
                .next()
                .ok_or_else(|| format!("--{name} needs a value"))?;
            if options.insert(name.to_owned(), value.clone()).is_some() {
                return Err(format!("--{name} is given twice").into());
            }
        }
        Ok(Self { options })
    }

    /// The value of an option, or nothing.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// The value of an option that the command cannot do without.
    pub(crate) fn required(&self, name: &str) -> Outcome<&str> {
        self.text(name)
            .ok_or_else(|| format!("--{name} is missing; see clerk-testing help").into())
    }

    /// The value of a numeric option, or `default`.
    pub(crate) fn number<N: FromStr>(&self, name: &str, default: N) -> Outcome<N> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| format!("--{name}: {text:?} is not a number that fits").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Outcome<Arguments> {
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        Arguments::parse(&words, &["key", "at"])
    }

    #[test]
    fn options_are_read_by_name() {
        let arguments = parse(&["--at", "12", "--key", "dir"]).unwrap();
        assert_eq!(arguments.required("key").unwrap(), "dir");
        assert_eq!(arguments.number("at", 0).unwrap(), 12);
    }

    #[test]
    fn an_absent_option_takes_its_default() {
        assert_eq!(parse(&[]).unwrap().number("at", 7).unwrap(), 7);
    }

    #[test]
    fn a_wrong_argument_is_refused() {
        assert!(parse(&["--kez", "x"]).is_err());
        assert!(parse(&["--key"]).is_err());
        assert!(parse(&["--key", "a", "--key", "b"]).is_err());
        assert!(parse(&["--at", "soon"]).unwrap().number("at", 0).is_err());
    }
}
