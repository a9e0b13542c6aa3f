//! What a gateway tells about the request: the settings that PostgREST makes in each transaction.
//!
//! A setting of another's prefix has no hook here, so it is looked up at each use.

use std::ffi::{CStr, CString, c_char};
use std::marker::PhantomData;

use clerk_core::authorization_header;
use pgrx::pg_sys;

use crate::settings::record;

/// The settings of interest.
#[derive(Copy, Clone)]
pub(crate) enum RequestSetting {
    /// `request.headers`: JSON object of the request's headers, names in lower case.
    Headers,
    /// `request.jwt.claims`: JSON object of the claims that the gateway verified.
    Claims,
    /// `request.method`
    Method,
}

/// The longest value looked at, in bytes. No gateway passes longer headers on, and a client must not be
/// able to fill the backend's memory with copies; a longer value counts as none.
const LONGEST: usize = 64 * 1024;

/// A value that is neither unset nor empty. After a transaction that set it locally a custom setting is
/// empty, not missing.
#[derive(Copy, Clone)]
pub(crate) struct RequestValue<'a> {
    /// A C string that stays in place until the setting is assigned.
    text: *const c_char,
    /// Whether the running transaction set it, so that its end will restore what was before. Always
    /// true in a parallel worker: see [`crate::parallel`].
    pub(crate) is_of_this_transaction: bool,
    lifetime: PhantomData<&'a CStr>,
}

impl RequestValue<'_> {
    /// Whether the text is this one; compared for every row.
    #[inline]
    pub(crate) fn is(self, text: &CStr) -> bool {
        // SAFETY: both are C strings; strcmp reads no further than the shorter one's end.
        unsafe { libc::strcmp(self.text, text.as_ptr()) == 0 }
    }

    /// A copy; None where it is longer than [`LONGEST`].
    pub(crate) fn to_owned(self) -> Option<CString> {
        // SAFETY: a C string, looked at up to its end or the limit.
        unsafe {
            if libc::strnlen(self.text, LONGEST + 1) > LONGEST {
                return None;
            }
            Some(CStr::from_ptr(self.text).to_owned())
        }
    }
}

impl RequestSetting {
    fn name(self) -> &'static CStr {
        match self {
            Self::Headers => c"request.headers",
            Self::Claims => c"request.jwt.claims",
            Self::Method => c"request.method",
        }
    }

    /// Uses the value as of now. Nothing may assign the setting anew meanwhile.
    #[inline]
    pub(crate) fn with<R>(self, use_value: impl FnOnce(Option<RequestValue<'_>>) -> R) -> R {
        let record = self.record();
        // SAFETY: a live record; one of type PGC_STRING is a config_string, whose variable holds NULL
        // or a C string, which stays in place until the setting is assigned.
        let value = unsafe {
            if record.is_null() || (*record).vartype != pg_sys::config_type::PGC_STRING {
                None
            } else {
                let text = *(*record.cast::<pg_sys::config_string>()).variable;
                (!text.is_null() && *text != 0).then(|| RequestValue {
                    text,
                    is_of_this_transaction: !(*record).stack.is_null()
                        || pg_sys::ParallelWorkerNumber >= 0,
                    lifetime: PhantomData,
                })
            }
        };
        use_value(value)
    }

    #[cfg(not(any(feature = "pg14", feature = "pg15")))]
    #[inline]
    fn record(self) -> *const pg_sys::config_generic {
        record::find(self.name())
    }

    #[cfg(any(feature = "pg14", feature = "pg15"))]
    #[inline]
    fn record(self) -> *const pg_sys::config_generic {
        use std::cell::Cell;
        thread_local! {
            static PLACES: [Cell<usize>; 3] = const { [const { Cell::new(0) }; 3] };
        }
        PLACES.with(|places| record::find_again(self.name(), &places[self as usize]))
    }
}

/// Whether a value that an earlier transaction left behind is in force.
pub(crate) fn has_stale_setting() -> bool {
    [RequestSetting::Headers, RequestSetting::Claims]
        .into_iter()
        .any(|setting| {
            setting.with(|value| value.is_some_and(|value| !value.is_of_this_transaction))
        })
}

/// Whether the statement runs on behalf of PostgREST, which answers by SQLSTATE.
pub(crate) fn came_through_postgrest() -> bool {
    [RequestSetting::Method, RequestSetting::Headers]
        .into_iter()
        .any(|setting| setting.with(|value| value.is_some()))
}

/// The bearer token in the JSON of `request.headers`.
pub(crate) fn bearer_token(headers: &CStr) -> Option<String> {
    let headers: serde_json::Value = serde_json::from_slice(headers.to_bytes()).ok()?;
    let authorization = headers.get("authorization")?.as_str()?;
    authorization_header::bearer_token(authorization).map(str::to_owned)
}
