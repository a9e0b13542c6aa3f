//! Signing keys: added, removed, fetched. Their SQL is in `sql/administration.sql`.

use std::ffi::CStr;

use clerk_core::key_set::{KeySet, SigningKey};
use pgrx::datum::AnyElement;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::call::jsonb_text;
use crate::clerk_api;
use crate::errors::{self, Administration, AdministrationError};
use crate::storage::instances::{self, KeySource};
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

/// How one refresh went.
pub(super) struct Refresh {
    ok: bool,
    keys: i32,
    pub(super) detail: String,
}

/// Fetches and stores the keys of one instance. A failed fetch is noted and reported, not raised:
/// the last good keys stay, and the other instances get their turn.
pub(super) fn refresh(source: &KeySource) -> Administration<Refresh> {
    let set = match clerk_api::fetch_key_set(&source.jwks_url) {
        Ok(set) => set,
        Err(error) => {
            instances::record_fetch(&source.issuer, Some(&error.to_string()))?;
            errors::warn_of_failed_fetch(&source.jwks_url, &error);
            let detail = format!("not fetched: {error}");
            return Ok(Refresh {
                ok: false,
                keys: 0,
                detail,
            });
        }
    };
    if !instances::lock(&source.issuer)? {
        return Err(AdministrationError::UnknownIssuer);
    }
    let mut kept = 0;
    for key in set.keys() {
        let outcome = signing_keys::save(&source.issuer, key, KeyOrigin::Fetched)?;
        kept += usize::from(outcome == "kept");
    }
    let published: Vec<&str> = set.keys().iter().map(SigningKey::kid).collect();
    let removed = signing_keys::delete_unpublished(&source.issuer, &published)?;
    instances::record_fetch(&source.issuer, None)?;
    let mut detail = format!("fetched: {}", published.join(", "));
    for (what, count) in [
        ("kept as added by hand", kept),
        ("removed", removed),
        ("skipped", set.skipped().len()),
    ] {
        if count > 0 {
            detail.push_str(&format!("; {what}: {count}"));
        }
    }
    let keys = i32::try_from(published.len()).unwrap_or(i32::MAX);
    Ok(Refresh {
        ok: true,
        keys,
        detail,
    })
}

/// Raises Postgres' own error 25006 in a read-only transaction and on a standby, before any work.
pub(super) fn refuse_read_only(command: &CStr) {
    // SAFETY: a static C string.
    unsafe { pg_sys::PreventCommandIfReadOnly(command.as_ptr()) };
}
