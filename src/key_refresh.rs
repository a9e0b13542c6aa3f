//! Fetching the keys of an instance, and storing what came.

use clerk_core::key_set::{KeySet, SigningKey};

use crate::clerk_api::{self, FetchError};
use crate::errors::{self, Administration, AdministrationError};
use crate::storage::instances::{self, KeySource};
use crate::storage::signing_keys::{self, KeyOrigin};

/// How one refresh went.
pub(crate) struct Refresh {
    pub(crate) ok: bool,
    /// Keys that are published now.
    pub(crate) keys: i32,
    pub(crate) detail: String,
}

/// Fetches and stores the keys of one instance. A failed fetch is noted and reported, not raised:
/// the last good keys stay, and the other instances get their turn.
pub(crate) fn refresh(source: &KeySource) -> Administration<Refresh> {
    let fetched = clerk_api::fetch_key_set(&source.jwks_url);
    if let Err(error) = &fetched {
        errors::warn_of_failed_fetch(&source.jwks_url, error);
    }
    store_fetched(source, &fetched)
}

/// Stores what a fetch brought, or notes why it brought nothing.
pub(crate) fn store_fetched(
    source: &KeySource,
    fetched: &Result<KeySet, FetchError>,
) -> Administration<Refresh> {
    let set = match fetched {
        Ok(set) => set,
        Err(error) => {
            instances::record_fetch(&source.issuer, Some(&error.to_string()))?;
            return Ok(Refresh {
                ok: false,
                keys: 0,
                detail: format!("not fetched: {error}"),
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
