//! Fields of a JSON object, read by their types. Errors name the field by its path, never its value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::json_text::find_bad_escape;
use crate::time::UnixMillis;

/// The longest id, role or key, in bytes. They are columns of indexes.
const LONGEST_IDENTIFIER: usize = 255;
/// The longest name of an unknown field that an error shows.
const LONGEST_SHOWN_NAME: usize = 64;

/// A field that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct FieldError {
    /// Its path, such as `email_addresses[0].id`.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Absent, or null where a value belongs.
    #[error("is missing or null")]
    Missing,
    /// Not a string.
    #[error("is not a text")]
    NotText,
    /// Not a boolean.
    #[error("is not true or false")]
    NotFlag,
    /// Not a 64-bit integer.
    #[error("is not an integer")]
    NotInteger,
    /// Not an integer of milliseconds between the years 1970 and 9999.
    #[error("is not a time in milliseconds")]
    NotTime,
    /// Not an object.
    #[error("is not an object")]
    NotObject,
    /// Not an array.
    #[error("is not a list")]
    NotList,
    /// Empty, longer than 255 bytes, or with control characters.
    #[error("is not an identifier: it is empty, too long or has control characters")]
    NotIdentifier,
    /// `deleted` of a deletion says that nothing is deleted.
    #[error("is false in a deletion")]
    NotDeleted,
    /// `object` names another kind of object than the event.
    #[error("names another kind of object")]
    WrongObject,
    /// Nested deeper than [`super::MAX_NESTING`].
    #[error("is nested too deep")]
    TooDeep,
    /// Holds U+0000.
    #[error("holds the character \\u0000, which jsonb cannot hold")]
    Nul,
    /// Holds half of a surrogate pair.
    #[error("holds half of a surrogate pair, which jsonb cannot hold")]
    LoneSurrogate,
    /// Holds a number with more digits than `numeric` has.
    #[error("holds a number with too many digits, which jsonb cannot hold")]
    NumberTooLarge,
}

/// An object's fields. Null counts as absent, except for those read as `..._if_present`.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// Path of the object with a dot at its end; empty for the outermost.
    prefix: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self {
            field: field.into(),
            problem,
        }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn of(object: &'a Map<String, Value>) -> Self {
        Self {
            object,
            prefix: String::new(),
        }
    }

    pub(super) fn error(&self, name: &str, problem: Problem) -> FieldError {
        FieldError::new(format!("{}{name}", self.prefix), problem)
    }

    pub(super) fn text(&self, name: &str) -> Result<String, FieldError> {
        self.require(name, self.text_or_null(name)?)
    }

    pub(super) fn text_or_null(&self, name: &str) -> Result<Option<String>, FieldError> {
        self.read(name, Problem::NotText, Value::as_str)
            .map(|text| text.map(str::to_owned))
    }

    pub(super) fn text_if_present(&self, name: &str) -> Result<Option<String>, FieldError> {
        self.refuse_null(name)?;
        self.text_or_null(name)
    }

    pub(super) fn identifier(&self, name: &str) -> Result<String, FieldError> {
        self.require(name, self.identifier_or_null(name)?)
    }

    pub(super) fn identifier_or_null(&self, name: &str) -> Result<Option<String>, FieldError> {
        let text = self.read(name, Problem::NotText, Value::as_str)?;
        if text.is_some_and(|text| !is_identifier(text)) {
            return Err(self.error(name, Problem::NotIdentifier));
        }
        Ok(text.map(str::to_owned))
    }

    /// Clerk's billing writes "" for none.
    pub(super) fn identifier_or_empty(&self, name: &str) -> Result<Option<String>, FieldError> {
        if self.object.get(name).and_then(Value::as_str) == Some("") {
            return Ok(None);
        }
        self.identifier_or_null(name)
    }

    pub(super) fn flag_if_present(&self, name: &str) -> Result<Option<bool>, FieldError> {
        self.refuse_null(name)?;
        self.flag_or_null(name)
    }

    pub(super) fn flag_or_null(&self, name: &str) -> Result<Option<bool>, FieldError> {
        self.read(name, Problem::NotFlag, Value::as_bool)
    }

    pub(super) fn integer_or_null(&self, name: &str) -> Result<Option<i64>, FieldError> {
        self.read(name, Problem::NotInteger, Value::as_i64)
    }

    pub(super) fn time(&self, name: &str) -> Result<UnixMillis, FieldError> {
        self.require(name, self.time_or_null(name)?)
    }

    pub(super) fn time_if_present(&self, name: &str) -> Result<Option<UnixMillis>, FieldError> {
        self.refuse_null(name)?;
        self.time_or_null(name)
    }

    pub(super) fn time_or_null(&self, name: &str) -> Result<Option<UnixMillis>, FieldError> {
        self.read(name, Problem::NotTime, |value| {
            value.as_i64().and_then(UnixMillis::from_millis)
        })
    }

    pub(super) fn map_or_null(&self, name: &str) -> Result<Option<Map<String, Value>>, FieldError> {
        self.read(name, Problem::NotObject, Value::as_object)
            .map(|object| object.cloned())
    }

    pub(super) fn object(&self, name: &str) -> Result<Self, FieldError> {
        self.require(name, self.object_or_null(name)?)
    }

    pub(super) fn object_or_null(&self, name: &str) -> Result<Option<Self>, FieldError> {
        let object = self.read(name, Problem::NotObject, Value::as_object)?;
        Ok(object.map(|object| Self {
            object,
            prefix: format!("{}{name}.", self.prefix),
        }))
    }

    /// The objects in a list; none where it is absent or null.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, FieldError> {
        self.list(name)?
            .iter()
            .enumerate()
            .map(|(index, item)| match item.as_object() {
                Some(object) => Ok(Self {
                    object,
                    prefix: format!("{}{name}[{index}].", self.prefix),
                }),
                None => Err(self.error(&format!("{name}[{index}]"), Problem::NotObject)),
            })
            .collect()
    }

    /// The identifiers in a list; none where it is absent or null.
    pub(super) fn identifiers(&self, name: &str) -> Result<Vec<String>, FieldError> {
        self.list(name)?
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let error = |problem| self.error(&format!("{name}[{index}]"), problem);
                match item.as_str() {
                    Some(text) if is_identifier(text) => Ok(text.to_owned()),
                    Some(_) => Err(error(Problem::NotIdentifier)),
                    None => Err(error(Problem::NotText)),
                }
            })
            .collect()
    }

    fn list(&self, name: &str) -> Result<&'a [Value], FieldError> {
        self.read(name, Problem::NotList, Value::as_array)
            .map(|list| list.map_or(&[][..], Vec::as_slice))
    }

    fn read<T>(
        &self,
        name: &str,
        problem: Problem,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => convert(value)
                .map(Some)
                .ok_or_else(|| self.error(name, problem)),
        }
    }

    fn require<T>(&self, name: &str, value: Option<T>) -> Result<T, FieldError> {
        value.ok_or_else(|| self.error(name, Problem::Missing))
    }

    fn refuse_null(&self, name: &str) -> Result<(), FieldError> {
        match self.object.get(name) {
            Some(Value::Null) => Err(self.error(name, Problem::Missing)),
            _ => Ok(()),
        }
    }
}

/// Not empty, at most 255 bytes, no control characters.
pub(crate) fn is_identifier(text: &str) -> bool {
    (1..=LONGEST_IDENTIFIER).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// The outermost field of an object's text with a bad escape; `data` where it is the name of one, or the
/// text is no object.
pub(super) fn name_of_bad_member(text: &str) -> Cow<'static, str> {
    serde_json::from_str::<BTreeMap<String, &RawValue>>(text)
        .ok()
        .and_then(|members| {
            members
                .into_iter()
                .find(|(_, value)| find_bad_escape(value.get()).is_some())
        })
        .map_or(Cow::Borrowed("data"), |(name, _)| shown_name(&name))
}

/// A field's name if it looks like one of Clerk's; another may be anything, so `data` stands for it.
pub(super) fn shown_name(name: &str) -> Cow<'static, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.is_empty() && name.len() <= LONGEST_SHOWN_NAME && name.bytes().all(is_plain) {
        Cow::Owned(name.to_owned())
    } else {
        Cow::Borrowed("data")
    }
}
