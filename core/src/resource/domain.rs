//! Domains of organizations.

use serde::Serialize;

use super::fields::{FieldError, Fields};
use super::json_object::JsonObject;
use super::user::is_verified;
use crate::time::UnixMillis;

/// A row of `clerk.organization_domains`. None where the object does not say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Domain {
    /// `orgdmn_…`
    pub id: String,
    /// The organization.
    pub organization_id: String,
    /// The domain, such as `example.com`.
    pub name: String,
    /// How people with an address there join: `manual_invitation`, `automatic_invitation`,
    /// `automatic_suggestion` or `enterprise_sso`.
    pub enrollment_mode: Option<String>,
    /// Whether `verification` says that the domain was verified.
    pub verified: bool,
    /// Whether `ownership_verification` says so.
    pub ownership_verified: bool,
    /// Whether `affiliation_verification` says so.
    pub affiliation_verified: bool,
    /// When it was added.
    pub created_at: Option<UnixMillis>,
    /// When it was changed last.
    pub updated_at: UnixMillis,
    /// The whole object; not part of what it serialises to.
    #[serde(skip_serializing)]
    pub data: JsonObject,
}

impl Domain {
    pub(super) fn read(fields: &Fields<'_>, data: JsonObject) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.identifier("id")?,
            organization_id: fields.identifier("organization_id")?,
            name: fields.text("name")?,
            enrollment_mode: fields.text_or_null("enrollment_mode")?,
            verified: is_verified(fields, "verification")?,
            ownership_verified: is_verified(fields, "ownership_verification")?,
            affiliation_verified: is_verified(fields, "affiliation_verification")?,
            created_at: fields.time_if_present("created_at")?,
            updated_at: fields.time("updated_at")?,
            data,
        })
    }
}
