//! The path on which names are looked up: the catalogs' while we ask, the caller's for what the caller wrote.

use std::ffi::{CStr, CString, c_int};

use pgrx::prelude::*;

/// Where only Postgres' own names are found.
const CATALOG: &str = "pg_catalog, pg_temp";

/// The caller's `search_path`.
pub(crate) fn current() -> String {
    // SAFETY: a setting's text, valid until the setting changes; copied at once.
    unsafe {
        let text = pg_sys::namespace_search_path;
        if text.is_null() {
            return String::new();
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}

/// Runs with the catalogs' path, and puts back what was.
pub(crate) fn with_catalog<R>(run: impl FnOnce() -> R) -> R {
    with(CATALOG, run)
}

/// The longest that the applying of events waits for a lock which an application holds, unless the session waits less.
const PATIENCE: (&CStr, i32) = (c"2s", 2000);

/// Runs without waiting long for a lock: what is not had in time is tried again later.
pub(crate) fn with_little_patience<R>(run: impl FnOnce() -> R) -> R {
    // SAFETY: reads a setting of this session.
    if (1..=PATIENCE.1).contains(&unsafe { pg_sys::LockTimeout }) {
        run()
    } else {
        with_settings(&[(c"lock_timeout", PATIENCE.0)], run)
    }
}

/// Runs with the caller's path behind Postgres' own schema: for what the caller wrote, and nothing else. An
/// operator that fits better than one of Postgres is taken from wherever it is found.
pub(crate) fn with_caller<R>(path: &str, run: impl FnOnce() -> R) -> R {
    if path.trim().is_empty() {
        with(CATALOG, run)
    } else {
        with(&format!("pg_catalog, {path}"), run)
    }
}

/// Runs with this path and no other, for what was made to be run there.
pub(crate) fn with_exactly<R>(path: &str, run: impl FnOnce() -> R) -> R {
    with(path, run)
}

/// As Postgres does it for a function's SET clause, but that nothing set meanwhile stays. An error needs no care:
/// the abort of its transaction puts settings back.
fn with<R>(path: &str, run: impl FnOnce() -> R) -> R {
    let path = CString::new(path).unwrap_or_default();
    let settings = [
        (c"search_path", path.as_c_str()),
        // Texts are quoted by the standard's rules, and names come back as they are.
        (c"standard_conforming_strings", c"on"),
        (c"quote_all_identifiers", c"off"),
    ];
    with_settings(&settings, run)
}

fn with_settings<R>(settings: &[(&CStr, &CStr)], run: impl FnOnce() -> R) -> R {
    restoring_settings(|| {
        for (name, value) in settings {
            // SAFETY: C strings that outlive the call; a level of settings is open.
            unsafe {
                pg_sys::set_config_option(
                    name.as_ptr(),
                    value.as_ptr(),
                    pg_sys::GucContext::PGC_USERSET,
                    pg_sys::GucSource::PGC_S_SESSION,
                    pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    PgLogLevel::ERROR as c_int,
                    false,
                );
            }
        }
        run()
    })
}

/// Puts back all that is set meanwhile, as if it had failed: also what is set for the session. After an error it is the end of
/// the (sub)transaction that does so.
pub(crate) fn restoring_settings<R>(run: impl FnOnce() -> R) -> R {
    // SAFETY: a level of settings that is closed below.
    let level = unsafe { pg_sys::NewGUCNestLevel() };
    let answer = run();
    // SAFETY: closes the level opened above.
    unsafe { pg_sys::AtEOXact_GUC(false, level) };
    answer
}
