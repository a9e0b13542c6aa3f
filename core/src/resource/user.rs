//! Users.

use serde::Serialize;

use super::fields::{FieldError, Fields};
use super::json_object::JsonObject;
use crate::time::UnixMillis;

/// A row of `clerk.users`. None where the object does not say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct User {
    /// `user_…`
    pub id: String,
    /// The application's own id of the user.
    pub external_id: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The e-mail address whose id is `primary_email_address_id`; never simply the first one.
    pub primary_email_address: Option<String>,
    /// Whether that address was verified.
    pub primary_email_address_verified: bool,
    /// The phone number whose id is `primary_phone_number_id`.
    pub primary_phone_number: Option<String>,
    /// Whether that number was verified.
    pub primary_phone_number_verified: bool,
    /// The wallet whose id is `primary_web3_wallet_id`.
    pub primary_web3_wallet: Option<String>,
    /// `image_url`, or `profile_image_url` of older objects.
    pub image_url: Option<String>,
    /// Whether the image is the user's own.
    pub has_image: Option<bool>,
    /// Language, such as `en-US`.
    pub locale: Option<String>,
    /// Banned by an administrator.
    pub banned: Option<bool>,
    /// Locked after too many failed attempts.
    pub locked: Option<bool>,
    /// Taken away by the directory of an enterprise.
    pub deprovisioned: Option<bool>,
    /// Whether a password is set.
    pub password_enabled: Option<bool>,
    /// Whether a second factor is set up.
    pub two_factor_enabled: Option<bool>,
    /// Last sign-in.
    pub last_sign_in_at: Option<UnixMillis>,
    /// Last activity, to the day or so.
    pub last_active_at: Option<UnixMillis>,
    /// When the terms were accepted.
    pub legal_accepted_at: Option<UnixMillis>,
    /// Metadata that the user can read.
    pub public_metadata: Option<JsonObject>,
    /// Metadata for the backend alone.
    pub private_metadata: Option<JsonObject>,
    /// Metadata that the user can write: never a ground for a right.
    pub unsafe_metadata: Option<JsonObject>,
    /// When the user was created.
    pub created_at: Option<UnixMillis>,
    /// When the user was changed last.
    pub updated_at: UnixMillis,
    /// The whole object; not part of what it serialises to.
    #[serde(skip_serializing)]
    pub data: JsonObject,
}

impl User {
    pub(super) fn read(fields: &Fields<'_>, data: JsonObject) -> Result<Self, FieldError> {
        let email = find_primary(
            fields,
            "primary_email_address_id",
            "email_addresses",
            "email_address",
        )?;
        let phone = find_primary(
            fields,
            "primary_phone_number_id",
            "phone_numbers",
            "phone_number",
        )?;
        let wallet = find_primary(
            fields,
            "primary_web3_wallet_id",
            "web3_wallets",
            "web3_wallet",
        )?;
        let old_image_url = fields.text_or_null("profile_image_url")?;
        Ok(Self {
            id: fields.identifier("id")?,
            external_id: fields.text_or_null("external_id")?,
            username: fields.text_or_null("username")?,
            first_name: fields.text_or_null("first_name")?,
            last_name: fields.text_or_null("last_name")?,
            primary_email_address_verified: email.as_ref().is_some_and(|email| email.verified),
            primary_email_address: email.map(|email| email.value),
            primary_phone_number_verified: phone.as_ref().is_some_and(|phone| phone.verified),
            primary_phone_number: phone.map(|phone| phone.value),
            primary_web3_wallet: wallet.map(|wallet| wallet.value),
            image_url: fields.text_or_null("image_url")?.or(old_image_url),
            has_image: fields.flag_if_present("has_image")?,
            locale: fields.text_or_null("locale")?,
            banned: fields.flag_if_present("banned")?,
            locked: fields.flag_if_present("locked")?,
            deprovisioned: fields.flag_or_null("deprovisioned")?,
            password_enabled: fields.flag_if_present("password_enabled")?,
            two_factor_enabled: fields.flag_if_present("two_factor_enabled")?,
            last_sign_in_at: fields.time_or_null("last_sign_in_at")?,
            last_active_at: fields.time_or_null("last_active_at")?,
            legal_accepted_at: fields.time_or_null("legal_accepted_at")?,
            public_metadata: fields.json_or_null("public_metadata")?,
            private_metadata: fields.json_or_null("private_metadata")?,
            unsafe_metadata: fields.json_or_null("unsafe_metadata")?,
            created_at: fields.time_if_present("created_at")?,
            updated_at: fields.time("updated_at")?,
            data,
        })
    }
}

/// An e-mail address, phone number or wallet.
struct Identification {
    value: String,
    verified: bool,
}

/// The element of a list whose `id` is the one that the user names, by the rule of Clerk's SDK: the first
/// with that id, or none. The ids and values of the others must be texts too.
fn find_primary(
    user: &Fields<'_>,
    id_name: &str,
    list_name: &str,
    value_name: &str,
) -> Result<Option<Identification>, FieldError> {
    let primary_id = user.text_or_null(id_name)?;
    let mut primary = None;
    for item in user.objects(list_name)? {
        let id = item.text_or_null("id")?;
        let value = item.text_or_null(value_name)?;
        if primary.is_none() && id.is_some() && id == primary_id {
            primary = Some(Identification {
                value: match value {
                    Some(value) => value,
                    None => item.text(value_name)?,
                },
                verified: is_verified(&item, "verification")?,
            });
        }
    }
    Ok(primary)
}

/// Whether a verification's `status` is `verified`; not if there is none.
pub(super) fn is_verified(fields: &Fields<'_>, name: &str) -> Result<bool, FieldError> {
    let status = match fields.object_or_null(name)? {
        Some(verification) => verification.text_or_null("status")?,
        None => None,
    };
    Ok(status.as_deref() == Some("verified"))
}
