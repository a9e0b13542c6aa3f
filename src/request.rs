//! What a gateway tells about the request: the settings that PostgREST makes in each transaction.
//!
//! A setting of another's prefix has no hook here, so it is read by name at each use.

use std::ffi::{CStr, c_char};

use clerk_core::authorization_header;

/// JSON object of the request's headers, names in lower case.
pub(crate) const HEADERS: &CStr = c"request.headers";
/// JSON object of the claims that the gateway verified.
pub(crate) const CLAIMS: &CStr = c"request.jwt.claims";
const METHOD: &CStr = c"request.method";

unsafe extern "C-unwind" {
    // Declared here without pgrx's guard (a sigsetjmp), since it is called for every row.
    fn GetConfigOption(
        name: *const c_char,
        missing_ok: bool,
        restrict_privileged: bool,
    ) -> *const c_char;
}

/// The setting's value; unset and empty are both None. After a transaction that set it locally a
/// custom setting is empty, not missing.
#[inline]
pub(crate) fn setting<'a>(name: &CStr) -> Option<&'a CStr> {
    // SAFETY: with missing_ok and without restrict_privileged the lookup raises no error. The caller
    // copies or compares the text at once, before anything could assign the setting anew.
    unsafe {
        let value = GetConfigOption(name.as_ptr(), true, false);
        if value.is_null() || *value == 0 { None } else { Some(CStr::from_ptr(value)) }
    }
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
