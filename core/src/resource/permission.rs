//! Permissions that roles give.

use serde::Serialize;

use super::fields::{FieldError, Fields};
use super::json_object::JsonObject;
use crate::time::UnixMillis;

/// A row of `clerk.permissions`. None where the object does not say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Permission {
    /// `perm_…`
    pub id: String,
    /// Key, such as `org:invoices:create`.
    pub key: String,
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// `system` or `user`.
    #[serde(rename = "type")]
    pub permission_type: Option<String>,
    /// When it was created.
    pub created_at: Option<UnixMillis>,
    /// When it was changed last.
    pub updated_at: UnixMillis,
    /// The whole object; not part of what it serialises to.
    #[serde(skip_serializing)]
    pub data: JsonObject,
}

impl Permission {
    pub(super) fn read(fields: &Fields<'_>, data: JsonObject) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.identifier("id")?,
            key: fields.identifier("key")?,
            name: fields.text_if_present("name")?,
            description: fields.text_or_null("description")?,
            permission_type: fields.text_if_present("type")?,
            created_at: fields.time_if_present("created_at")?,
            updated_at: fields.time("updated_at")?,
            data,
        })
    }
}
