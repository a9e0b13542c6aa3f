//! Clerk's Backend API: one connection, the key and the version of the API.

use clerk_core::backend_api::api_key::ApiKey;
use clerk_core::backend_api::{VERSION, VERSION_HEADER};
use clerk_core::endpoint;
use ureq::http::header::{self, HeaderName, HeaderValue};

use super::http::{Client, FetchError, Response};

/// The longest answer that is read, in bytes: a page of 500 users with 128 KiB each. Clerk's users have some 3 KiB.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// A connection to the API with a key.
pub(crate) struct BackendApi {
    client: Client,
    base_url: String,
}

impl BackendApi {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// The address is not one of the API, or there are no root certificates.
    pub(crate) fn open(base_url: &str, key: &ApiKey) -> Result<Self, FetchError> {
        endpoint::check_api_url(base_url)?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose()))
            .map_err(|_| FetchError::Header)?;
        // Never part of what the client logs or shows.
        bearer.set_sensitive(true);
        let headers = vec![
            (header::AUTHORIZATION, bearer),
            (
                HeaderName::try_from(VERSION_HEADER).map_err(|_| FetchError::Header)?,
                HeaderValue::from_static(VERSION),
            ),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ];
        Ok(Self {
            client: Client::open(base_url, headers)?,
            base_url: base_url.to_owned(),
        })
    }

    /// Asks for a path, with its query, behind the base address. The caller may give up with [`FetchError::Abandoned`]: it
    /// is asked every 50 ms.
    ///
    /// # Errors
    /// No answer came, whatever its status.
    pub(crate) fn get(
        &self,
        target: &str,
        may_wait: impl FnMut() -> bool,
    ) -> Result<Response, FetchError> {
        let url = format!("{}{target}", self.base_url);
        self.client.get(url, LONGEST_ANSWER, may_wait)
    }
}
