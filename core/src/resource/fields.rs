//! Fields of a JSON object, read by their types. Errors name the field by its path, never its value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::json_object::JsonObject;
use crate::json_text::inspect;
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
///
/// Values stay texts until they are asked for: most of an object is only passed on.
pub(super) struct Fields<'a> {
    members: Members<'a>,
    /// Path of the object with a dot at its end; empty for the outermost.
    prefix: String,
}

/// Names and values in the order of the text. Of two with one name the last counts, as in jsonb.
struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self {
            field: field.into(),
            problem,
        }
    }
}

impl<'a> Fields<'a> {
    /// The fields of the outermost object; None if the value is none.
    pub(super) fn of(value: &'a RawValue) -> Option<Self> {
        Self::with_prefix(value, String::new)
    }

    fn with_prefix(value: &'a RawValue, prefix: impl FnOnce() -> String) -> Option<Self> {
        let members = serde_json::from_str(value.get()).ok()?;
        Some(Self {
            members,
            prefix: prefix(),
        })
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut members = self.members.0.iter().rev();
        members
            .find(|(known, _)| known.0 == name)
            .map(|(_, value)| *value)
    }

    pub(super) fn error(&self, name: &str, problem: Problem) -> FieldError {
        FieldError::new(format!("{}{name}", self.prefix), problem)
    }

    pub(super) fn text(&self, name: &str) -> Result<String, FieldError> {
        self.require(name, self.text_or_null(name)?)
    }

    pub(super) fn text_or_null(&self, name: &str) -> Result<Option<String>, FieldError> {
        self.read(name, Problem::NotText, as_text)
    }

    pub(super) fn text_if_present(&self, name: &str) -> Result<Option<String>, FieldError> {
        self.refuse_null(name)?;
        self.text_or_null(name)
    }

    pub(super) fn identifier(&self, name: &str) -> Result<String, FieldError> {
        self.require(name, self.identifier_or_null(name)?)
    }

    pub(super) fn identifier_or_null(&self, name: &str) -> Result<Option<String>, FieldError> {
        let text = self.text_or_null(name)?;
        if text.as_deref().is_some_and(|text| !is_identifier(text)) {
            return Err(self.error(name, Problem::NotIdentifier));
        }
        Ok(text)
    }

    /// Clerk's billing writes "" for none.
    pub(super) fn identifier_or_empty(&self, name: &str) -> Result<Option<String>, FieldError> {
        if self.get(name).is_some_and(|value| value.get() == "\"\"") {
            return Ok(None);
        }
        self.identifier_or_null(name)
    }

    pub(super) fn flag_if_present(&self, name: &str) -> Result<Option<bool>, FieldError> {
        self.refuse_null(name)?;
        self.flag_or_null(name)
    }

    pub(super) fn flag_or_null(&self, name: &str) -> Result<Option<bool>, FieldError> {
        self.read(name, Problem::NotFlag, |value| value.get().parse().ok())
    }

    pub(super) fn integer_or_null(&self, name: &str) -> Result<Option<i64>, FieldError> {
        self.read(name, Problem::NotInteger, as_integer)
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
            as_integer(value).and_then(UnixMillis::from_millis)
        })
    }

    pub(super) fn json_or_null(&self, name: &str) -> Result<Option<JsonObject>, FieldError> {
        self.read(name, Problem::NotObject, JsonObject::of)
    }

    pub(super) fn object(&self, name: &str) -> Result<Self, FieldError> {
        self.require(name, self.object_or_null(name)?)
    }

    pub(super) fn object_or_null(&self, name: &str) -> Result<Option<Self>, FieldError> {
        self.read(name, Problem::NotObject, |value| {
            Self::with_prefix(value, || format!("{}{name}.", self.prefix))
        })
    }

    /// The objects in a list; none where it is absent or null.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, FieldError> {
        self.list(name)?
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                Self::with_prefix(item, || format!("{}{name}[{index}].", self.prefix))
                    .ok_or_else(|| self.error(&format!("{name}[{index}]"), Problem::NotObject))
            })
            .collect()
    }

    /// The identifiers in a list; none where it is absent or null.
    pub(super) fn identifiers(&self, name: &str) -> Result<Vec<String>, FieldError> {
        self.list(name)?
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                let error = |problem| self.error(&format!("{name}[{index}]"), problem);
                match as_text(item) {
                    Some(text) if is_identifier(&text) => Ok(text),
                    Some(_) => Err(error(Problem::NotIdentifier)),
                    None => Err(error(Problem::NotText)),
                }
            })
            .collect()
    }

    fn list(&self, name: &str) -> Result<Vec<&'a RawValue>, FieldError> {
        let list = self.read(name, Problem::NotList, |value| {
            serde_json::from_str(value.get()).ok()
        })?;
        Ok(list.unwrap_or_default())
    }

    fn read<T>(
        &self,
        name: &str,
        problem: Problem,
        convert: impl FnOnce(&'a RawValue) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) if is_null(value) => Ok(None),
            Some(value) => convert(value)
                .map(Some)
                .ok_or_else(|| self.error(name, problem)),
        }
    }

    fn require<T>(&self, name: &str, value: Option<T>) -> Result<T, FieldError> {
        value.ok_or_else(|| self.error(name, Problem::Missing))
    }

    fn refuse_null(&self, name: &str) -> Result<(), FieldError> {
        if self.get(name).is_some_and(is_null) {
            return Err(self.error(name, Problem::Missing));
        }
        Ok(())
    }

    /// The name of the first field with something that jsonb cannot hold, as far as it can be shown.
    pub(super) fn name_of_unholdable(&self) -> Cow<'static, str> {
        let mut members = self.members.0.iter();
        members
            .find(|(_, value)| inspect(value.get()).unholdable.is_some())
            .map_or(Cow::Borrowed("data"), |(name, _)| shown_name(&name.0))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // Grows from nothing: a hostile list may hold a hundred thousand empty objects.
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

fn as_text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// JSON writes an integer as Rust does.
fn as_integer(value: &RawValue) -> Option<i64> {
    value.get().parse().ok()
}

/// Not empty, at most 255 bytes, no control characters.
pub(crate) fn is_identifier(text: &str) -> bool {
    (1..=LONGEST_IDENTIFIER).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// A field's name if it looks like one of Clerk's; another may be anything, so `data` stands for it.
fn shown_name(name: &str) -> Cow<'static, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.is_empty() && name.len() <= LONGEST_SHOWN_NAME && name.bytes().all(is_plain) {
        Cow::Owned(name.to_owned())
    } else {
        Cow::Borrowed("data")
    }
}
