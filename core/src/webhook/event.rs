//! The envelope of an event, and what the event changes.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::event_type::{Effect, EventType};
use crate::json_text::inspect;
use crate::resource::{
    Deletion, FieldError, Kind, MAX_NESTING, Problem, Record, check_holdable, is_identifier,
    read_id,
};
use crate::time::UnixMillis;

/// The longest body of a delivery, in bytes. Clerk's have some 4,000.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Timestamps below it are seconds: Clerk counts milliseconds, its OpenAPI examples and Svix's "Send
/// Example" seconds. As milliseconds it is March 1973.
const FIRST_MILLIS: i64 = 100_000_000_000;

/// An event as it came. Its data is left unread until the event is applied.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// What happened.
    pub event_type: EventType,
    /// The Clerk instance where it happened.
    pub instance_id: String,
    /// When Clerk made the event.
    pub timestamp: UnixMillis,
    /// The text of `data`.
    data: Option<&'a RawValue>,
    /// Whether anything in the body is nothing that jsonb can hold.
    is_suspicious: bool,
}

/// Why a body is no event. No message holds anything of the body but the name of a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// Longer than [`MAX_BODY_BYTES`].
    #[error("the body has {bytes} bytes; up to {MAX_BODY_BYTES} are accepted")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Nested deeper than [`MAX_NESTING`].
    #[error("the body is nested deeper than {MAX_NESTING} levels")]
    TooDeep,
    /// No JSON object, or one that has a member of the envelope twice.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// A member of the envelope is missing or of a wrong type.
    #[error("the event's field {0}")]
    Field(#[from] FieldError),
}

/// Where an object's state stands in time: its own time first, the event's where that is the same.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// `updated_at` of the object; for a deletion, which has none, the event's time.
    pub updated_at: UnixMillis,
    /// The event's time.
    pub event_at: UnixMillis,
}

/// What an event asks the tables to become.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The object is so, as of its version.
    Upsert(Box<Upsert>),
    /// The object is gone. Final: no other event revives it, whatever its version.
    Delete(Delete),
    /// Nothing.
    Ignored(WhyIgnored),
}

/// A row to write: the columns of the record, and where it stands. Serialises to one flat object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Upsert {
    /// The instance it belongs to.
    pub instance_id: String,
    /// When Clerk made the event.
    pub event_at: UnixMillis,
    /// The columns, `updated_at` among them.
    #[serde(flatten)]
    pub record: Record,
}

/// A row to bury. Serialises to one flat object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delete {
    /// The instance it belongs to.
    pub instance_id: String,
    /// When Clerk made the event.
    pub event_at: UnixMillis,
    /// What is gone.
    #[serde(flatten)]
    pub deletion: Deletion,
}

/// Why an event changes nothing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum WhyIgnored {
    /// A known type of something that is not mirrored.
    NotMirrored,
    /// A type that this version does not know.
    UnknownType,
    /// A deletion that does not say of what; Clerk's schema allows it.
    DeletionWithoutId,
}

/// The envelope's members as texts: each is looked at by its own rule.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    event_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    instance_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// Refuses a body that is too long, before its signature is looked at.
///
/// # Errors
/// It is longer than [`MAX_BODY_BYTES`].
pub fn check_size(body: &[u8]) -> Result<(), EventError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(EventError::TooLong { bytes: body.len() });
    }
    Ok(())
}

impl<'a> Event<'a> {
    /// Reads the envelope of a body whose signature was verified.
    ///
    /// Strict about what the ledger and the order need (`object`, `type`, `timestamp`, `instance_id`);
    /// what else there is may hold anything, and `data` is only known to be JSON.
    ///
    /// # Errors
    /// The body is no event.
    pub fn parse(body: &'a str) -> Result<Self, EventError> {
        check_size(body.as_bytes())?;
        let findings = inspect(body);
        if findings.nesting > MAX_NESTING {
            return Err(EventError::TooDeep);
        }
        // A derived struct would be read from an array too.
        if !body
            .trim_start_matches([' ', '\t', '\n', '\r'])
            .starts_with('{')
        {
            return Err(EventError::NotAnObject);
        }
        let envelope: Envelope<'a> =
            serde_json::from_str(body).map_err(|_| EventError::NotAnObject)?;
        if read_text(envelope.object, "object")? != "event" {
            return Err(FieldError::new("object", Problem::WrongObject).into());
        }
        Ok(Self {
            event_type: EventType::from_name(&read_identifier(envelope.event_type, "type")?),
            instance_id: read_identifier(envelope.instance_id, "instance_id")?,
            timestamp: read_timestamp(envelope.timestamp)?,
            data: envelope.data,
            is_suspicious: findings.unholdable.is_some(),
        })
    }

    /// The text of the event's data; None where it has none.
    pub fn data(&self) -> Option<&'a str> {
        self.data.map(RawValue::get)
    }

    /// What it is about, as far as that can be read where its data is not what it should be: so that its text goes when
    /// the object is erased.
    pub fn subject(&self) -> Option<(Kind, String)> {
        match self.event_type.effect() {
            Effect::Upsert(kind) | Effect::Delete(kind) => Some((kind, read_id(self.data?)?)),
            Effect::Ignored => None,
        }
    }

    /// Reads the data by the event's type.
    ///
    /// # Errors
    /// A field of the data is missing, lies about its type or is nothing that jsonb can hold. The error
    /// names the field and never holds its value. The event itself can be stored.
    pub fn change(&self) -> Result<Change, FieldError> {
        let data = || {
            let data = self
                .data
                .ok_or_else(|| FieldError::new("data", Problem::Missing))?;
            if self.is_suspicious {
                check_holdable(data)?;
            }
            Ok(data)
        };
        match self.event_type.effect() {
            Effect::Ignored => Ok(Change::Ignored(match self.event_type {
                EventType::Unknown(_) => WhyIgnored::UnknownType,
                _ => WhyIgnored::NotMirrored,
            })),
            Effect::Upsert(kind) => Ok(Change::Upsert(Box::new(Upsert {
                instance_id: self.instance_id.clone(),
                event_at: self.timestamp,
                record: Record::read(kind, data()?)?,
            }))),
            Effect::Delete(kind) => Ok(match Deletion::read(kind, data()?)? {
                None => Change::Ignored(WhyIgnored::DeletionWithoutId),
                Some(deletion) => Change::Delete(Delete {
                    instance_id: self.instance_id.clone(),
                    event_at: self.timestamp,
                    deletion,
                }),
            }),
        }
    }
}

impl Version {
    /// Whether a state of this version replaces one of the stored version: not older. Of two with the
    /// same version the one that arrives later counts.
    pub fn replaces(self, stored: Self) -> bool {
        self >= stored
    }
}

impl Upsert {
    /// Whether this state replaces a known one of the same object: not older, and of the same version the later
    /// arrival, but that a session which has ended does not begin again.
    pub fn replaces(&self, known: &Self) -> bool {
        let is_revival = known.record.is_ended_session() && !self.record.is_ended_session();
        self.version().replaces(known.version())
            && !(is_revival && self.version() == known.version())
    }

    /// Where this state stands in time.
    pub fn version(&self) -> Version {
        Version {
            updated_at: self.record.updated_at(),
            event_at: self.event_at,
        }
    }
}

impl Delete {
    /// Where the deletion stands in time. For display and purging: it counts whatever is stored.
    pub fn version(&self) -> Version {
        Version {
            updated_at: self.event_at,
            event_at: self.event_at,
        }
    }
}

fn read_text(value: Option<&RawValue>, field: &'static str) -> Result<String, FieldError> {
    let value = value.ok_or_else(|| FieldError::new(field, Problem::Missing))?;
    serde_json::from_str(value.get()).map_err(|_| FieldError::new(field, Problem::NotText))
}

fn read_identifier(value: Option<&RawValue>, field: &'static str) -> Result<String, FieldError> {
    let text = read_text(value, field)?;
    if is_identifier(&text) {
        Ok(text)
    } else {
        Err(FieldError::new(field, Problem::NotIdentifier))
    }
}

/// Integers only, in milliseconds or seconds.
fn read_timestamp(value: Option<&RawValue>) -> Result<UnixMillis, FieldError> {
    let value = value.ok_or_else(|| FieldError::new("timestamp", Problem::Missing))?;
    let number: Option<i64> = serde_json::from_str(value.get()).ok();
    number
        .map(|number| match number {
            0..FIRST_MILLIS => number * 1000,
            _ => number,
        })
        .and_then(UnixMillis::from_millis)
        .ok_or_else(|| FieldError::new("timestamp", Problem::NotTime))
}
