//! Sessions of users.

use serde::Serialize;

use super::fields::{FieldError, Fields};
use super::json_object::JsonObject;
use crate::time::UnixMillis;

/// A row of `clerk.sessions`. None where the object does not say.
///
/// `data` of an event holds the whole user besides, if Clerk sent it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Session {
    /// `sess_…`
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// The browser or device.
    pub client_id: Option<String>,
    /// `active`, `pending`, `revoked`, `ended`, `expired`, `removed`, `abandoned` or `replaced`.
    pub status: String,
    /// Who acts as the user, with `sub` at least; None for the user.
    pub actor: Option<JsonObject>,
    /// The organization that was active last.
    pub last_active_organization_id: Option<String>,
    /// Last activity.
    pub last_active_at: Option<UnixMillis>,
    /// When it expires.
    pub expire_at: Option<UnixMillis>,
    /// When it is abandoned.
    pub abandon_at: Option<UnixMillis>,
    /// When it began.
    pub created_at: Option<UnixMillis>,
    /// When it was changed last.
    pub updated_at: UnixMillis,
    /// The whole object; not part of what it serialises to.
    #[serde(skip_serializing)]
    pub data: JsonObject,
}

impl Session {
    pub(super) fn read(fields: &Fields<'_>, data: JsonObject) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.identifier("id")?,
            user_id: fields.identifier("user_id")?,
            client_id: fields.identifier_or_empty("client_id")?,
            status: fields.text("status")?,
            actor: fields.json_or_null("actor")?,
            last_active_organization_id: fields
                .identifier_or_empty("last_active_organization_id")?,
            last_active_at: fields.time_or_null("last_active_at")?,
            expire_at: fields.time_if_present("expire_at")?,
            abandon_at: fields.time_if_present("abandon_at")?,
            created_at: fields.time_if_present("created_at")?,
            updated_at: fields.time("updated_at")?,
            data,
        })
    }
}
