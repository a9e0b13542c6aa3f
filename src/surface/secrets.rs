//! `clerk.set_secret` and `clerk.remove_secret`. Their SQL is in `sql/webhooks.sql`.

use clerk_core::backend_api::api_key::ApiKey;
use clerk_core::webhook::signature::Secret;
use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::signing_keys::refuse_read_only;
use crate::errors::AdministrationError;
use crate::storage::secrets;

/// 30 days.
const LONGEST_OVERLAP_MICROS: i128 = 30 * 86_400_000_000;

#[pg_extern(sql = false)]
fn set_secret(
    name: Option<&str>,
    value: Option<&str>,
    old_expires_in: Option<Interval>,
) -> Result<(), ErrorReport> {
    refuse_read_only(c"clerk.set_secret()");
    let name = check_name(name)?;
    let value = value.ok_or(AdministrationError::MissingArgument("value"))?;
    let is_api_key = secrets::is_api_key(name);
    if is_api_key {
        ApiKey::parse(value).map_err(AdministrationError::from)?;
    } else {
        Secret::parse(value).map_err(AdministrationError::from)?;
    }
    let overlap = old_expires_in.ok_or(AdministrationError::MissingArgument("old_expires_in"))?;
    if !(0..=LONGEST_OVERLAP_MICROS).contains(&overlap.as_micros()) {
        return Err(AdministrationError::SecretOverlap.into());
    }
    // Clerk accepts an old key until it is deleted there; we have no use for it.
    if is_api_key {
        secrets::remove(name).map_err(AdministrationError::from)?;
    }
    Ok(secrets::replace(name, value.trim(), overlap).map_err(AdministrationError::from)?)
}

#[pg_extern(sql = false)]
fn secret_in_hand() -> Option<String> {
    secrets::in_hand()
}

#[pg_extern(sql = false)]
fn remove_secret(name: Option<&str>) -> Result<bool, ErrorReport> {
    refuse_read_only(c"clerk.remove_secret()");
    Ok(secrets::remove(check_name(name)?).map_err(AdministrationError::from)?)
}

fn check_name(name: Option<&str>) -> Result<&str, AdministrationError> {
    let name = name.ok_or(AdministrationError::MissingArgument("name"))?;
    if secrets::is_of_webhooks(name) || secrets::is_api_key(name) {
        Ok(name)
    } else {
        Err(AdministrationError::SecretName)
    }
}
