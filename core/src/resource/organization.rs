//! Organizations.

use serde::Serialize;

use super::fields::{FieldError, Fields};
use super::json_object::JsonObject;
use crate::time::UnixMillis;

/// A row of `clerk.organizations`. None where the object does not say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Organization {
    /// `org_…`
    pub id: String,
    /// Name.
    pub name: String,
    /// Name in addresses; an instance may have none.
    pub slug: Option<String>,
    /// `image_url`, or `logo_url` of older objects.
    pub image_url: Option<String>,
    /// Whether the image is the organization's own.
    pub has_image: Option<bool>,
    /// The most memberships it may have; 0 is no limit.
    pub max_allowed_memberships: Option<i64>,
    /// How many members it had.
    pub members_count: Option<i64>,
    /// Whether its administrators may delete it.
    pub admin_delete_enabled: Option<bool>,
    /// The user who created it.
    pub created_by: Option<String>,
    /// Metadata that members can read.
    pub public_metadata: Option<JsonObject>,
    /// Metadata for the backend alone.
    pub private_metadata: Option<JsonObject>,
    /// When it was created.
    pub created_at: Option<UnixMillis>,
    /// When it was changed last.
    pub updated_at: UnixMillis,
    /// The whole object; not part of what it serialises to.
    #[serde(skip_serializing)]
    pub data: JsonObject,
}

impl Organization {
    pub(super) fn read(fields: &Fields<'_>, data: JsonObject) -> Result<Self, FieldError> {
        let old_image_url = fields.text_or_null("logo_url")?;
        Ok(Self {
            id: fields.identifier("id")?,
            name: fields.text("name")?,
            slug: fields.text_or_null("slug")?,
            image_url: fields.text_or_null("image_url")?.or(old_image_url),
            has_image: fields.flag_if_present("has_image")?,
            max_allowed_memberships: fields.integer_or_null("max_allowed_memberships")?,
            members_count: fields.integer_or_null("members_count")?,
            admin_delete_enabled: fields.flag_if_present("admin_delete_enabled")?,
            created_by: fields.identifier_or_empty("created_by")?,
            public_metadata: fields.json_or_null("public_metadata")?,
            private_metadata: fields.json_or_null("private_metadata")?,
            created_at: fields.time_if_present("created_at")?,
            updated_at: fields.time("updated_at")?,
            data,
        })
    }
}
