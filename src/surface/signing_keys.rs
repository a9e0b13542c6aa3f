//! Signing keys: added, removed, fetched. Their SQL is in `sql/administration.sql`.

use std::ffi::CStr;

use clerk_core::key_set::KeySet;
use pgrx::datum::AnyElement;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::call::jsonb_text;
use crate::errors::{Administration, AdministrationError};
use crate::key_refresh::{Refresh, refresh};
use crate::storage::instances;
use crate::storage::signing_keys::{self, KeyOrigin};

#[pg_extern(sql = false)]
fn add_signing_keys(
    issuer: &str,
    jwks: AnyElement,
) -> Result<TableIterator<'static, (name!(kid, Option<String>), name!(outcome, String))>, ErrorReport>
{
    refuse_read_only(c"clerk.add_signing_keys()");
    let outcomes = store_added_keys(issuer, &jsonb_text(jwks.datum()))?;
    Ok(TableIterator::new(outcomes))
}

fn store_added_keys(issuer: &str, jwks: &str) -> Administration<Vec<(Option<String>, String)>> {
    let set = KeySet::parse(jwks)?;
    if !instances::lock(issuer)? {
        return Err(AdministrationError::UnknownIssuer);
    }
    let mut outcomes = Vec::new();
    for key in set.keys() {
        let outcome = signing_keys::save(issuer, key, KeyOrigin::Added)?;
        outcomes.push((Some(key.kid().to_owned()), outcome));
    }
    for skipped in set.skipped() {
        outcomes.push((skipped.kid.clone(), format!("skipped: {}", skipped.why)));
    }
    Ok(outcomes)
}

#[pg_extern(sql = false)]
fn remove_signing_key(issuer: &str, kid: &str) -> Result<bool, ErrorReport> {
    refuse_read_only(c"clerk.remove_signing_key()");
    Ok(signing_keys::delete(issuer, kid).map_err(AdministrationError::from)?)
}

#[pg_extern(sql = false)]
fn refresh_signing_keys(
    issuer: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(instance, String),
            name!(ok, bool),
            name!(keys, i32),
            name!(detail, String),
        ),
    >,
    ErrorReport,
> {
    refuse_read_only(c"clerk.refresh_signing_keys()");
    let sources = instances::list_key_sources(issuer).map_err(AdministrationError::from)?;
    if sources.is_empty() {
        let error = match issuer {
            Some(_) => AdministrationError::UnknownIssuer,
            None => AdministrationError::NotConfigured,
        };
        return Err(error.into());
    }
    let mut rows = Vec::new();
    for source in sources {
        let Refresh { ok, keys, detail } = refresh(&source)?;
        rows.push((source.issuer, ok, keys, detail));
    }
    Ok(TableIterator::new(rows))
}

/// Raises Postgres' own error 25006 in a read-only transaction and on a standby, before any work.
pub(super) fn refuse_read_only(command: &CStr) {
    // SAFETY: a static C string.
    unsafe { pg_sys::PreventCommandIfReadOnly(command.as_ptr()) };
}
