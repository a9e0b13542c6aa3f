//! Memberships of users in organizations.

use serde::Serialize;

use super::fields::{FieldError, Fields};
use super::json_object::JsonObject;
use crate::time::UnixMillis;

/// A row of `clerk.organization_memberships`. None where the object does not say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Membership {
    /// `orgmem_…`
    pub id: String,
    /// The organization.
    pub organization_id: String,
    /// The user.
    pub user_id: String,
    /// Key of the role, as Clerk writes it: `org:admin`, or `admin` in old instances.
    pub role: String,
    /// Name of the role.
    pub role_name: Option<String>,
    /// Keys of the role's permissions, system permissions among them.
    pub permissions: Vec<String>,
    /// Metadata that members can read.
    pub public_metadata: Option<JsonObject>,
    /// Metadata for the backend alone.
    pub private_metadata: Option<JsonObject>,
    /// When the user became a member.
    pub created_at: Option<UnixMillis>,
    /// When the membership was changed last.
    pub updated_at: UnixMillis,
    /// The whole object; not part of what it serialises to.
    #[serde(skip_serializing)]
    pub data: JsonObject,
}

impl Membership {
    pub(super) fn read(fields: &Fields<'_>, data: JsonObject) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.identifier("id")?,
            organization_id: fields.object("organization")?.identifier("id")?,
            user_id: fields.object("public_user_data")?.identifier("user_id")?,
            role: fields.identifier("role")?,
            role_name: fields.text_or_null("role_name")?,
            permissions: fields.identifiers("permissions")?,
            public_metadata: fields.json_or_null("public_metadata")?,
            private_metadata: fields.json_or_null("private_metadata")?,
            created_at: fields.time_if_present("created_at")?,
            updated_at: fields.time("updated_at")?,
            data,
        })
    }
}
