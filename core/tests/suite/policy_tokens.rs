//! A reader of Postgres' tokens, written from the manual (SQL syntax, lexical structure) and not from
//! the code under test, for `standard_conforming_strings` on.

/// One token, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A bare word, in lower case.
    Word(String),
    /// A name in double quotes.
    Name(String),
    /// A text, however it is quoted.
    Text(String),
    Number(String),
    Operator(String),
    /// A parenthesis or bracket.
    Open(char),
    Close(char),
    /// `,` `.` `;` `:` and `::`.
    Mark(&'static str),
    /// `$1`.
    Parameter,
    Comment,
    /// What begins no token of Postgres.
    Other(char),
}

/// The tokens of a text.
///
/// # Errors
/// Where a quote has no end.
pub fn tokens(sql: &str) -> Result<Vec<Token>, String> {
    let mut reader = Reader { rest: sql };
    let mut tokens = Vec::new();
    while let Some(token) = reader.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

/// The lowest and the last depth of brackets.
///
/// # Errors
/// Where a bracket is closed by one of another kind.
pub fn depths(tokens: &[Token]) -> Result<(usize, usize), String> {
    let mut open = Vec::new();
    let mut lowest = usize::MAX;
    for token in tokens {
        match token {
            Token::Open(bracket) => open.push(*bracket),
            Token::Close(bracket) => {
                let opening = if *bracket == ')' { '(' } else { '[' };
                if open.pop() != Some(opening) {
                    return Err(format!("{bracket} closes nothing"));
                }
            }
            _ => {}
        }
        lowest = lowest.min(open.len());
    }
    Ok((lowest, open.len()))
}

/// The tokens of exactly one statement without its semicolon: balanced, without comments, parameters
/// and semicolons.
///
/// # Errors
/// Where it is more, less, or unbalanced.
pub fn one_statement(sql: &str) -> Result<Vec<Token>, String> {
    if sql.contains('\0') {
        return Err("a NUL".to_owned());
    }
    let tokens = tokens(sql)?;
    for token in &tokens {
        if matches!(
            token,
            Token::Comment | Token::Parameter | Token::Other(_) | Token::Mark(";" | ":")
        ) {
            return Err(format!("{token:?} in {sql}"));
        }
    }
    match depths(&tokens)? {
        (_, 0) if !tokens.is_empty() => Ok(tokens),
        _ => Err(format!("not one statement: {sql}")),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Option<Token>, String> {
        self.rest = self
            .rest
            .trim_start_matches([' ', '\t', '\n', '\r', '\x0B', '\x0C']);
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let second = self.rest[first.len_utf8()..].chars().next();
        let token = match (first, second) {
            ('\'', _) => Token::Text(self.plain(1, '\'')?),
            ('e' | 'E', Some('\'')) => Token::Text(self.escaped()?),
            ('b' | 'B' | 'x' | 'X' | 'n' | 'N', Some('\'')) => Token::Text(self.plain(2, '\'')?),
            ('u' | 'U', Some('&')) if self.rest[2..].starts_with('\'') => {
                Token::Text(self.plain(3, '\'')?)
            }
            ('u' | 'U', Some('&')) if self.rest[2..].starts_with('"') => {
                Token::Name(self.plain(3, '"')?)
            }
            ('"', _) => Token::Name(self.plain(1, '"')?),
            ('$', Some(next)) if next.is_ascii_digit() => {
                self.cut_while(|other| other == '$' || other.is_ascii_digit());
                Token::Parameter
            }
            ('$', _) => Token::Text(self.dollar_quoted()?),
            ('-', Some('-')) => {
                self.cut_while(|other| other != '\n' && other != '\r');
                Token::Comment
            }
            ('/', Some('*')) => self.block_comment()?,
            (';', _) => self.mark(";"),
            (',', _) => self.mark(","),
            (':', Some(':')) => self.mark("::"),
            (':', Some('=')) => self.mark(":="),
            (':', _) => self.mark(":"),
            ('.', Some(next)) if next.is_ascii_digit() => self.number(),
            ('.', _) => self.mark("."),
            ('(' | '[', _) => {
                self.rest = &self.rest[1..];
                Token::Open(first)
            }
            (')' | ']', _) => {
                self.rest = &self.rest[1..];
                Token::Close(first)
            }
            _ if first.is_ascii_digit() => self.number(),
            _ if starts_word(first) => {
                let word = self.cut_while(|other| {
                    starts_word(other) || other.is_ascii_digit() || other == '$'
                });
                Token::Word(word.to_ascii_lowercase())
            }
            _ if is_operator(first) => self.operator(),
            _ => {
                self.rest = &self.rest[first.len_utf8()..];
                Token::Other(first)
            }
        };
        Ok(Some(token))
    }

    fn mark(&mut self, mark: &'static str) -> Token {
        self.rest = &self.rest[mark.len()..];
        Token::Mark(mark)
    }

    fn cut_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|other| !belongs(other));
        let (cut, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        cut.to_owned()
    }

    fn number(&mut self) -> Token {
        let number = self.cut_while(|other| other.is_ascii_digit() || other == '.');
        Token::Number(number)
    }

    /// An operator ends before a comment begins.
    fn operator(&mut self) -> Token {
        let whole = self.rest;
        let mut text = self.cut_while(is_operator);
        for comment in ["--", "/*"] {
            if let Some(at) = text.find(comment) {
                text.truncate(at);
            }
        }
        self.rest = &whole[text.len()..];
        Token::Operator(text)
    }

    /// After an opening of some bytes, up to the quote; a doubled quote is one of the text.
    fn plain(&mut self, opening: usize, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut rest = &self.rest[opening..];
        loop {
            let end = rest.find(quote).ok_or("a quote has no end")?;
            text.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            let Some(more) = rest.strip_prefix(quote) else {
                break;
            };
            text.push(quote);
            rest = more;
        }
        self.rest = rest;
        Ok(text)
    }

    fn escaped(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut characters = self.rest[2..].chars();
        loop {
            match characters.next().ok_or("a quote has no end")? {
                '\\' => text.push(match characters.next().ok_or("a quote has no end")? {
                    quoted @ ('\\' | '\'') => quoted,
                    other => return Err(format!("an escape that nobody writes: {other:?}")),
                }),
                '\'' if characters.as_str().starts_with('\'') => {
                    text.push('\'');
                    characters.next();
                }
                '\'' => break,
                other => text.push(other),
            }
        }
        self.rest = characters.as_str();
        Ok(text)
    }

    fn dollar_quoted(&mut self) -> Result<String, String> {
        let tag_end = self.rest[1..].find('$').ok_or("a lone dollar sign")? + 2;
        let (tag, rest) = self.rest.split_at(tag_end);
        if !tag[1..tag_end - 1].chars().all(starts_word_or_digit) {
            return Err("a lone dollar sign".to_owned());
        }
        let end = rest.find(tag).ok_or("a quote has no end")?;
        self.rest = &rest[end + tag.len()..];
        Ok(rest[..end].to_owned())
    }

    /// Block comments nest.
    fn block_comment(&mut self) -> Result<Token, String> {
        let mut depth = 0;
        loop {
            if let Some(rest) = self.rest.strip_prefix("/*") {
                (self.rest, depth) = (rest, depth + 1);
            } else if let Some(rest) = self.rest.strip_prefix("*/") {
                (self.rest, depth) = (rest, depth - 1);
            } else {
                let first = self.rest.chars().next().ok_or("a comment has no end")?;
                self.rest = &self.rest[first.len_utf8()..];
            }
            if depth == 0 {
                return Ok(Token::Comment);
            }
        }
    }
}

fn starts_word(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

fn starts_word_or_digit(character: char) -> bool {
    starts_word(character) || character.is_ascii_digit()
}

fn is_operator(character: char) -> bool {
    "+-*/<>=~!@#%^&|`?".contains(character)
}
