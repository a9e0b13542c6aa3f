//! Invitations to organizations.

use serde::Serialize;

use super::fields::{FieldError, Fields};
use super::json_object::JsonObject;
use crate::time::UnixMillis;

/// A row of `clerk.organization_invitations`. None where the object does not say.
///
/// `data` holds `url`, with a ticket that accepts the invitation: as secret as the invitation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Invitation {
    /// `orginv_…`
    pub id: String,
    /// The organization; an accepted invitation names it deeper inside.
    pub organization_id: Option<String>,
    /// Who is invited.
    pub email_address: String,
    /// Key of the role that the invited will have.
    pub role: String,
    /// Name of that role.
    pub role_name: Option<String>,
    /// `pending`, `accepted`, `revoked` or `expired`.
    pub status: Option<String>,
    /// The user who invited.
    pub inviter_id: Option<String>,
    /// The user who accepted.
    pub user_id: Option<String>,
    /// Metadata that the membership will have.
    pub public_metadata: Option<JsonObject>,
    /// Metadata for the backend alone.
    pub private_metadata: Option<JsonObject>,
    /// When it expires.
    pub expires_at: Option<UnixMillis>,
    /// When it was made.
    pub created_at: Option<UnixMillis>,
    /// When it was changed last.
    pub updated_at: UnixMillis,
    /// The whole object; not part of what it serialises to.
    #[serde(skip_serializing)]
    pub data: JsonObject,
}

impl Invitation {
    pub(super) fn read(fields: &Fields<'_>, data: JsonObject) -> Result<Self, FieldError> {
        let inner_organization = find_inner_organization(fields)?;
        Ok(Self {
            id: fields.identifier("id")?,
            organization_id: fields
                .identifier_or_empty("organization_id")?
                .or(inner_organization),
            email_address: fields.text("email_address")?,
            role: fields.identifier("role")?,
            role_name: fields.text_or_null("role_name")?,
            status: fields.text_if_present("status")?,
            inviter_id: fields.identifier_or_empty("inviter_id")?,
            user_id: fields.identifier_or_empty("user_id")?,
            public_metadata: fields.json_or_null("public_metadata")?,
            private_metadata: fields.json_or_null("private_metadata")?,
            expires_at: fields.time_or_null("expires_at")?,
            created_at: fields.time_if_present("created_at")?,
            updated_at: fields.time("updated_at")?,
            data,
        })
    }
}

/// `data.public_organization_data.id` of an accepted invitation.
fn find_inner_organization(fields: &Fields<'_>) -> Result<Option<String>, FieldError> {
    let Some(inner) = fields.object_or_null("data")? else {
        return Ok(None);
    };
    match inner.object_or_null("public_organization_data")? {
        Some(organization) => organization.identifier_or_empty("id"),
        None => Ok(None),
    }
}
