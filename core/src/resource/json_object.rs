//! A JSON object that is passed on as it came.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

/// The text of a JSON object, byte by byte as Clerk wrote it; it serialises to that object. Equal if the
/// texts are. `Debug` does not show it: it is full of personal data.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct JsonObject(Box<RawValue>);

impl JsonObject {
    /// The object in a value; None if that is of another type.
    pub(super) fn of(value: &RawValue) -> Option<Self> {
        value
            .get()
            .starts_with('{')
            .then(|| Self(RawValue::to_owned(value)))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for JsonObject {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for JsonObject {}

impl fmt::Debug for JsonObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "JsonObject({} bytes)", self.text().len())
    }
}
