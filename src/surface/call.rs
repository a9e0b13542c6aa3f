//! The frame around the functions that policies call for every row.
//!
//! Not `#[pg_extern]`, for two reasons. Under PostgREST a bad token must end in SQLSTATE `PT401`, and
//! pgrx' error type holds only the codes of Postgres' own table. And these functions run for every
//! row, so nothing stands between Postgres and the cached session but the unwind guard.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

use pgrx::{PgLogLevel, direct_function_call_as_datum, pg_sys};

use crate::errors::{Report, SessionError};

/// What a function gives: a datum, NULL, or an error.
pub(super) type Answer = Result<Option<pg_sys::Datum>, SessionError>;

/// Exports C functions in Postgres' version-1 calling convention.
macro_rules! c_functions {
    ($($(#[$doc:meta])* fn $name:ident($fcinfo:ident) $body:block)*) => {$(
        const _: () = {
            #[unsafe(export_name = concat!("pg_finfo_", stringify!($name)))]
            extern "C" fn function_info() -> &'static ::pgrx::pg_sys::Pg_finfo_record {
                static VERSION_1: ::pgrx::pg_sys::Pg_finfo_record =
                    ::pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
                &VERSION_1
            }
        };
        $(#[$doc])*
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name(
            fcinfo: ::pgrx::pg_sys::FunctionCallInfo,
        ) -> ::pgrx::pg_sys::Datum {
            // SAFETY: Postgres calls with the function's own call data.
            unsafe {
                $crate::surface::call::answer(fcinfo, |$fcinfo| $body)
            }
        }
    )*};
}
pub(super) use c_functions;

/// An error as C strings in Postgres' memory: plain data, so that nothing is left to drop when
/// Postgres jumps out of [`raise`].
#[derive(Copy, Clone)]
struct RawReport {
    sqlstate: c_int,
    message: *const c_char,
    detail: *const c_char,
    hint: *const c_char,
}

#[derive(Copy, Clone)]
enum Outcome {
    Value(pg_sys::Datum),
    Null,
    Raise(RawReport),
}

/// Runs the body of a function and gives its answer to Postgres.
///
/// # Safety
/// `fcinfo` must be what Postgres passed to the function.
#[inline(always)]
pub(super) unsafe fn answer(
    fcinfo: pg_sys::FunctionCallInfo,
    body: impl FnOnce(pg_sys::FunctionCallInfo) -> Answer,
) -> pg_sys::Datum {
    // SAFETY: on the backend's thread; a panic or Postgres error in the body becomes an ERROR here.
    let outcome = unsafe {
        pg_sys::panic::pgrx_extern_c_guard(|| match body(fcinfo) {
            Ok(Some(datum)) => Outcome::Value(datum),
            Ok(None) => Outcome::Null,
            Err(error) => Outcome::Raise(RawReport::from(error.report())),
        })
    };
    match outcome {
        Outcome::Value(datum) => datum,
        Outcome::Null => {
            // SAFETY: see above.
            unsafe { (*fcinfo).isnull = true };
            pg_sys::Datum::null()
        }
        // SAFETY: no value that needs dropping is alive in this frame or the one that exports it.
        Outcome::Raise(report) => unsafe { raise(report) },
    }
}

impl From<Report> for RawReport {
    fn from(report: Report) -> Self {
        Self {
            sqlstate: report.sqlstate.encode(),
            message: to_postgres(&report.message),
            detail: to_postgres(&report.detail),
            hint: to_postgres(&report.hint),
        }
    }
}

/// Copies into Postgres' memory; NULL for the empty text.
fn to_postgres(text: &str) -> *const c_char {
    if text.is_empty() {
        return ptr::null();
    }
    let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
    // SAFETY: pstrdup copies a C string.
    unsafe { pg_sys::pstrdup(text.as_ptr()) }
}

/// Reports an ERROR with any SQLSTATE. Does not return.
///
/// # Safety
/// The caller's frames up to Postgres must hold nothing that needs dropping.
#[cold]
unsafe fn raise(report: RawReport) -> ! {
    unsafe extern "C-unwind" {
        fn errstart(level: c_int, domain: *const c_char) -> bool;
        fn errcode(sqlstate: c_int) -> c_int;
        fn errmsg(format: *const c_char, ...) -> c_int;
        fn errdetail(format: *const c_char, ...) -> c_int;
        fn errhint(format: *const c_char, ...) -> c_int;
        fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
    }
    const TEXT: *const c_char = c"%s".as_ptr();
    // SAFETY: Postgres' own sequence for ereport(ERROR), with valid C strings.
    unsafe {
        errstart(PgLogLevel::ERROR as c_int, ptr::null());
        errcode(report.sqlstate);
        errmsg(TEXT, report.message);
        if !report.detail.is_null() {
            errdetail(TEXT, report.detail);
        }
        if !report.hint.is_null() {
            errhint(TEXT, report.hint);
        }
        errfinish(c"call.rs".as_ptr(), line!() as c_int, c"raise".as_ptr());
    }
    unreachable!("ereport(ERROR) does not return")
}

/// A text argument; None for NULL. CREATE EXTENSION refuses databases that are not UTF-8, so that
/// other bytes can only come through a function that somebody declared by hand: they match nothing.
///
/// # Safety
/// `fcinfo` must be what Postgres passed to a function whose argument `number` is a text.
#[inline]
pub(super) unsafe fn text_argument<'a>(
    fcinfo: pg_sys::FunctionCallInfo,
    number: usize,
) -> Option<&'a str> {
    // SAFETY: the caller's promise; a text's bytes stay in place during the call.
    let bytes: &'a [u8] = unsafe { pgrx::pg_getarg(fcinfo, number) }?;
    std::str::from_utf8(bytes).ok()
}

/// The text of a jsonb as Postgres writes it: numbers keep their digits, control characters are escaped,
/// and no parser of ours sets limits before the checks begin.
pub(super) fn jsonb_text(jsonb: pg_sys::Datum) -> String {
    // SAFETY: jsonb_out takes a jsonb and gives a C string in the current memory context.
    unsafe {
        let text = direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(jsonb)]);
        text.map_or_else(String::new, |text| {
            let text = CStr::from_ptr(text.cast_mut_ptr());
            text.to_string_lossy().into_owned()
        })
    }
}

/// A text datum.
#[inline]
pub(super) fn text_datum(text: &str) -> pg_sys::Datum {
    varlena_datum(text.as_bytes())
}

/// A copy of the bytes as a varlena in the current memory context.
///
/// Always a copy: a datum may outlive the session that it came from, within one expression even.
#[inline]
pub(super) fn varlena_datum(bytes: &[u8]) -> pg_sys::Datum {
    unsafe extern "C-unwind" {
        // Without pgrx's guard (a sigsetjmp), since it runs for every row.
        fn palloc_extended(size: usize, flags: c_int) -> *mut c_void;
    }
    let size = pg_sys::VARHDRSZ + bytes.len();
    // SAFETY: with MCXT_ALLOC_NO_OOM it returns NULL instead of raising an error, and a size is only
    // refused above 1 GB, while no token exceeds 16 KiB. The copy fits exactly.
    unsafe {
        let varlena = palloc_extended(size, pg_sys::MCXT_ALLOC_NO_OOM as c_int);
        assert!(!varlena.is_null(), "out of memory");
        pgrx::set_varsize_4b(varlena.cast(), size as i32);
        let data = varlena.cast::<u8>().add(pg_sys::VARHDRSZ);
        ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        pg_sys::Datum::from(varlena)
    }
}
