//! The way out: HTTPS to Clerk. Only functions whose name says so come here, never a policy.

mod backend_api;
mod http;

use clerk_core::key_set::{KeySet, MAX_JWKS_BYTES};

pub(crate) use backend_api::BackendApi;
pub(crate) use http::{FetchError, Response};

/// Fetches and parses the JWKS at an address that was checked when it was configured.
///
/// # Errors
/// The server could not be reached, answered otherwise than 200, or sent no usable key set.
pub(crate) fn fetch_key_set(url: &str) -> Result<KeySet, FetchError> {
    fetch_key_set_while(url, || true)
}

/// The same, given up with [`FetchError::Abandoned`] once the caller, who is asked every 50 ms, says no.
pub(crate) fn fetch_key_set_while(
    url: &str,
    may_wait: impl FnMut() -> bool,
) -> Result<KeySet, FetchError> {
    let body = http::fetch(url, MAX_JWKS_BYTES, may_wait)?;
    let text = std::str::from_utf8(&body).map_err(|_| FetchError::NotText)?;
    Ok(KeySet::parse(text)?)
}
