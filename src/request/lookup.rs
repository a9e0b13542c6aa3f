//! The record of a setting by its name, for every row.
//!
//! Declared without pgrx's guard (a sigsetjmp): none of these functions raises an error as called
//! here.

use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys::config_generic;

/// The record, or NULL. It stays valid until a library defines a setting.
///
/// By hash, since Postgres 16.
#[cfg(not(any(feature = "pg14", feature = "pg15")))]
#[inline]
pub(super) fn find_record(name: &'static CStr) -> *const config_generic {
    unsafe extern "C-unwind" {
        fn find_option(
            name: *const c_char,
            create_placeholders: bool,
            skip_errors: bool,
            level: c_int,
        ) -> *mut config_generic;
    }
    // SAFETY: with skip_errors and without create_placeholders it only looks.
    unsafe { find_option(name.as_ptr(), false, true, 0) }
}

/// The record, or NULL. It stays valid until a library defines a setting.
///
/// By binary search before Postgres 16, some nine comparisons of names; so the place in the table is
/// remembered, and only the name there compared.
#[cfg(any(feature = "pg14", feature = "pg15"))]
#[inline]
pub(super) fn find_record(name: &'static CStr) -> *const config_generic {
    use std::cell::Cell;
    use std::ptr;

    unsafe extern "C-unwind" {
        fn get_guc_variables() -> *mut *mut config_generic;
        fn GetNumConfigOptions() -> c_int;
        fn GetConfigOption(
            name: *const c_char,
            missing_ok: bool,
            restrict_privileged: bool,
        ) -> *const c_char;
    }
    thread_local! {
        static PLACES: [(&'static CStr, Cell<usize>); 3] = const {
            [
                (super::HEADERS, Cell::new(0)),
                (super::CLAIMS, Cell::new(0)),
                (super::METHOD, Cell::new(0)),
            ]
        };
    }
    PLACES.with(|places| {
        let Some((_, place)) = places.iter().find(|(known, _)| ptr::eq(*known, name)) else {
            return ptr::null();
        };
        // SAFETY: the table and its length belong together, and every entry is a live record with a
        // name. With missing_ok and without restrict_privileged GetConfigOption raises no error.
        unsafe {
            let table = get_guc_variables();
            let count = usize::try_from(GetNumConfigOptions()).unwrap_or(0);
            let record_at = |at: usize| *table.add(at);
            let is_named = |record: *const config_generic| {
                CStr::from_ptr((*record).name)
                    .to_bytes()
                    .eq_ignore_ascii_case(name.to_bytes())
            };
            let at = place.get();
            if at < count && is_named(record_at(at)) {
                return record_at(at).cast_const();
            }
            if GetConfigOption(name.as_ptr(), true, false).is_null() {
                return ptr::null();
            }
            match (0..count).find(|&at| is_named(record_at(at))) {
                Some(at) => {
                    place.set(at);
                    record_at(at).cast_const()
                }
                None => ptr::null(),
            }
        }
    })
}
