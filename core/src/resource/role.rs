//! Roles in organizations.

use serde::Serialize;

use super::fields::{FieldError, Fields};
use super::json_object::JsonObject;
use crate::time::UnixMillis;

/// A row of `clerk.roles`. None where the object does not say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Role {
    /// `role_…`
    pub id: String,
    /// Key, such as `org:admin`.
    pub key: String,
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Whether the creator of an organization may have it.
    pub is_creator_eligible: Option<bool>,
    /// Keys of its permissions.
    pub permissions: Vec<String>,
    /// When it was created.
    pub created_at: Option<UnixMillis>,
    /// When it was changed last.
    pub updated_at: UnixMillis,
    /// The whole object; not part of what it serialises to.
    #[serde(skip_serializing)]
    pub data: JsonObject,
}

impl Role {
    pub(super) fn read(fields: &Fields<'_>, data: JsonObject) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.identifier("id")?,
            key: fields.identifier("key")?,
            name: fields.text_if_present("name")?,
            description: fields.text_or_null("description")?,
            is_creator_eligible: fields.flag_if_present("is_creator_eligible")?,
            permissions: fields
                .objects("permissions")?
                .iter()
                .map(|permission| permission.identifier("key"))
                .collect::<Result<_, _>>()?,
            created_at: fields.time_if_present("created_at")?,
            updated_at: fields.time("updated_at")?,
            data,
        })
    }
}
