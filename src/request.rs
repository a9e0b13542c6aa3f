//! What a gateway tells about the request: the settings that PostgREST makes in each transaction.
//!
//! A setting of another's prefix has no hook here, so it is looked up at each use.

mod lookup;

use std::ffi::CStr;

use clerk_core::authorization_header;
use pgrx::pg_sys;

/// JSON object of the request's headers, names in lower case.
pub(crate) const HEADERS: &CStr = c"request.headers";
/// JSON object of the claims that the gateway verified.
pub(crate) const CLAIMS: &CStr = c"request.jwt.claims";
const METHOD: &CStr = c"request.method";

/// A setting that is neither unset nor empty. After a transaction that set it locally a custom setting
/// is empty, not missing.
#[derive(Copy, Clone)]
pub(crate) struct RequestSetting<'a> {
    pub(crate) text: &'a CStr,
    /// Whether the running transaction set it, so that its end will restore what was before. Always
    /// true in a parallel worker: see [`crate::parallel`].
    pub(crate) is_of_this_transaction: bool,
}

/// The setting as of now. The text must be copied or compared before anything assigns it anew.
#[inline]
pub(crate) fn setting<'a>(name: &'static CStr) -> Option<RequestSetting<'a>> {
    let record = lookup::find_record(name);
    // SAFETY: a live record; one of type PGC_STRING is a config_string, whose variable holds NULL or
    // a C string.
    unsafe {
        if record.is_null() || (*record).vartype != pg_sys::config_type::PGC_STRING {
            return None;
        }
        let value = *(*record.cast::<pg_sys::config_string>()).variable;
        if value.is_null() || *value == 0 {
            return None;
        }
        Some(RequestSetting {
            text: CStr::from_ptr(value),
            is_of_this_transaction: !(*record).stack.is_null() || pg_sys::ParallelWorkerNumber >= 0,
        })
    }
}

/// Whether a value that an earlier transaction left behind is in force.
pub(crate) fn has_stale_setting() -> bool {
    [HEADERS, CLAIMS]
        .into_iter()
        .filter_map(setting)
        .any(|setting| !setting.is_of_this_transaction)
}

/// Whether the statement runs on behalf of PostgREST, which answers by SQLSTATE.
pub(crate) fn came_through_postgrest() -> bool {
    setting(METHOD).is_some() || setting(HEADERS).is_some()
}

/// The bearer token in the JSON of `request.headers`.
pub(crate) fn bearer_token(headers: &CStr) -> Option<String> {
    let headers: serde_json::Value = serde_json::from_slice(headers.to_bytes()).ok()?;
    let authorization = headers.get("authorization")?.as_str()?;
    authorization_header::bearer_token(authorization).map(str::to_owned)
}
