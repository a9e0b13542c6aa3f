//! The record of a setting in Postgres' table of settings.

use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys::config_generic;

/// The record of a setting, or NULL. It stays valid until a library defines a setting.
///
/// Declared without pgrx's guard (a sigsetjmp), since it is called for every row: it raises no error.
#[cfg(not(any(feature = "pg14", feature = "pg15")))]
#[inline]
pub(crate) fn find(name: &CStr) -> *mut config_generic {
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

/// The record of a setting, or NULL. It stays valid until a library defines a setting.
///
/// Before Postgres 16 the lookup by name is not exported, only the sorted table.
#[cfg(any(feature = "pg14", feature = "pg15"))]
pub(crate) fn find(name: &CStr) -> *mut config_generic {
    (0..count())
        .map(at)
        .find(|&record| is_named(record, name))
        .unwrap_or(std::ptr::null_mut())
}

/// The record at the place where it was found last, or NULL; the place is kept up to date.
///
/// A search takes some nine comparisons of names, and this one.
#[cfg(any(feature = "pg14", feature = "pg15"))]
#[inline]
pub(crate) fn find_again(name: &CStr, place: &std::cell::Cell<usize>) -> *mut config_generic {
    unsafe extern "C-unwind" {
        fn GetConfigOption(
            name: *const c_char,
            missing_ok: bool,
            restrict_privileged: bool,
        ) -> *const c_char;
    }
    if place.get() < count() && is_named(at(place.get()), name) {
        return at(place.get());
    }
    // SAFETY: with missing_ok and without restrict_privileged it raises no error. It searches by
    // halves, so that a setting that is not there costs little.
    if unsafe { GetConfigOption(name.as_ptr(), true, false) }.is_null() {
        return std::ptr::null_mut();
    }
    match (0..count()).find(|&index| is_named(at(index), name)) {
        Some(index) => {
            place.set(index);
            at(index)
        }
        None => std::ptr::null_mut(),
    }
}

#[cfg(any(feature = "pg14", feature = "pg15"))]
#[inline]
fn count() -> usize {
    unsafe extern "C-unwind" {
        fn GetNumConfigOptions() -> c_int;
    }
    // SAFETY: reads a variable.
    usize::try_from(unsafe { GetNumConfigOptions() }).unwrap_or(0)
}

/// The record at a place below [`count`].
#[cfg(any(feature = "pg14", feature = "pg15"))]
#[inline]
fn at(index: usize) -> *mut config_generic {
    unsafe extern "C-unwind" {
        fn get_guc_variables() -> *mut *mut config_generic;
    }
    debug_assert!(index < count());
    // SAFETY: the table has `count` entries, and every caller has compared.
    unsafe { *get_guc_variables().add(index) }
}

/// Names of settings are compared without regard to case; nearly always they are the same to the letter.
#[cfg(any(feature = "pg14", feature = "pg15"))]
#[inline]
fn is_named(record: *const config_generic, name: &CStr) -> bool {
    // SAFETY: every entry of the table is a live record with a name, a C string.
    unsafe {
        let known = (*record).name;
        libc::strcmp(known, name.as_ptr()) == 0
            || CStr::from_ptr(known)
                .to_bytes()
                .eq_ignore_ascii_case(name.to_bytes())
    }
}
