//! The parameters of a list.

use super::answer::Answer;
use std::ops::RangeInclusive;

/// Most ids that one request may name.
const MOST_IDS: usize = 100;

/// Parameters, decoded, in the order in which they came.
pub(super) struct Query(Vec<(String, String)>);

/// Which part of a list is wanted.
pub(super) struct Page {
    pub(super) limit: usize,
    pub(super) offset: usize,
    pub(super) field: String,
    pub(super) is_descending: bool,
}

impl Query {
    /// Reads what follows the question mark. What is not `known` is refused, so that no filter is passed over.
    pub(super) fn parse(text: &str, known: &[&str]) -> Result<Self, Answer> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let query = Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        );
        match query.0.iter().find(|(name, _)| !known.contains(&&**name)) {
            None => Ok(query),
            Some((name, _)) => Err(Answer::refusal(
                "422 Unprocessable Entity",
                "form_param_unknown",
                &format!("{name} is not a valid parameter for this request"),
            )),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of a parameter that may be repeated.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.iter().filter(move |(known, _)| known == name);
        values.map(|(_, value)| value.as_str())
    }

    /// The values of `user_id`, or nothing where it is not given.
    pub(super) fn user_ids(&self) -> Result<Option<Vec<&str>>, Answer> {
        let ids: Vec<&str> = self.all("user_id").collect();
        if ids.len() > MOST_IDS {
            return Err(Answer::invalid("user_id", "has more than 100 values"));
        }
        Ok((!ids.is_empty()).then_some(ids))
    }

    pub(super) fn number(
        &self,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Answer> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Answer::invalid(
                name,
                &format!("must be a number from {} to {}", range.start(), range.end()),
            )),
        }
    }

    /// `limit`, `offset` and `order_by`, one of the fields.
    pub(super) fn page(&self, fields: &[&str]) -> Result<Page, Answer> {
        let limit = self.number("limit", 1..=500)?.unwrap_or(10);
        let offset = self.number("offset", 0..=i64::MAX)?.unwrap_or(0);
        let order = self.text("order_by").unwrap_or("-created_at");
        let field = order.strip_prefix(['+', '-']).unwrap_or(order);
        if !fields.contains(&field) {
            return Err(Answer::invalid(
                "order_by",
                &format!("must be one of {}", fields.join(", ")),
            ));
        }
        Ok(Page {
            limit: usize::try_from(limit).unwrap_or_default(),
            offset: usize::try_from(offset).unwrap_or(usize::MAX),
            field: field.to_owned(),
            is_descending: order.starts_with('-'),
        })
    }
}

/// Undoes percent encoding. A plus is a space, as in forms, and so a bare `+created_at` is no order.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        (rest, _) = match (first, byte) {
            (b'%', Some(byte)) => (&after[2..], bytes.push(byte)),
            (b'+', _) => (after, bytes.push(b' ')),
            _ => (after, bytes.push(*first)),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_must_be_percent_encoded() {
        let order = |text: &str| {
            let query = Query::parse(text, &["order_by"]).ok().unwrap();
            let page = query.page(&["created_at"]).ok()?;
            Some(page.is_descending)
        };
        assert_eq!(order("order_by=%2Bcreated_at"), Some(false));
        assert_eq!(order("order_by=%2Dcreated_at"), Some(true));
        assert_eq!(order("order_by=created_at"), Some(false));
        assert_eq!(order("order_by=+created_at"), None);
        assert_eq!(order(""), Some(true));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(Query::parse("limit=1&banned=true", &["limit"]).is_err());
        assert!(Query::parse("limit=501", &["limit"]).is_ok_and(|query| query.page(&[]).is_err()));
    }
}
