//! The claims as jsonb, and single claims out of them, with Postgres' own rules.

use std::ffi::CString;
use std::ptr;

use pgrx::pg_sys::Datum;
use pgrx::prelude::*;
use pgrx::{direct_function_call_as_datum, varlena};

use super::call::{Answer, varlena_datum};
use crate::errors::SessionError;
use crate::session_cache::{CachedSession, ClaimMemo, with_session};

/// A longer path is looked up each time, so that a caller cannot fill the backend's memory with paths.
const LONGEST_REMEMBERED: usize = 1024;

/// What jsonb_in says of valid JSON that it cannot hold.
const UNREPRESENTABLE: [PgSqlErrorCode; 4] = [
    PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER,
    PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
    PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
    PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
];

/// The claims as a new jsonb datum.
pub(super) fn copy_all() -> Answer {
    with_session(|cached| {
        let Some(cached) = cached else {
            return Ok(None);
        };
        let jsonb = jsonb_of(cached)?;
        // SAFETY: a whole varlena, whose size stands in its header.
        let data = unsafe { varlena_bytes(jsonb.as_ptr().cast()) };
        Ok(Some(varlena_datum(data)))
    })?
}

/// The claim at a path, a text array, as `#>>` gives it.
pub(super) fn extract_text(path: Option<Datum>) -> Answer {
    let Some(path) = path else { return Ok(None) };
    // SAFETY: the argument's type is text[].
    let path = unsafe { pg_sys::pg_detoast_datum(path.cast_mut_ptr()) };
    with_session(|cached| {
        let Some(cached) = cached else {
            return Ok(None);
        };
        // SAFETY: detoasted above.
        let path_bytes = unsafe { varlena_bytes(path) };
        if path_bytes.len() > LONGEST_REMEMBERED {
            return Ok(find_text(jsonb_of(cached)?, path)
                .as_deref()
                .map(varlena_datum));
        }
        // A policy asks for the same claim for every row.
        let mut memo = cached.claim.borrow_mut();
        let memo = match &mut *memo {
            Some(memo) if *memo.path == *path_bytes => memo,
            memo => memo.insert(ClaimMemo {
                text: find_text(jsonb_of(cached)?, path),
                path: path_bytes.into(),
            }),
        };
        Ok(memo.text.as_deref().map(varlena_datum))
    })?
}

/// The text at the path.
fn find_text(jsonb: &[u64], path: *mut pg_sys::varlena) -> Option<Box<[u8]>> {
    // SAFETY: jsonb_extract_path_text takes a jsonb, which it only reads, and a text array; it gives
    // a plain text in the current memory context.
    unsafe {
        let text = direct_function_call_as_datum(
            pg_sys::jsonb_extract_path_text,
            &[Some(Datum::from(jsonb.as_ptr())), Some(Datum::from(path))],
        )?;
        Some(varlena_bytes(text.cast_mut_ptr()).into())
    }
}

/// The data of a varlena that is neither compressed nor external.
///
/// # Safety
/// It must be whole, and outlive the use of the slice.
unsafe fn varlena_bytes<'a>(source: *const pg_sys::varlena) -> &'a [u8] {
    // SAFETY: the caller's promise; both header forms are told apart.
    unsafe {
        let data = varlena::vardata_any(source).cast::<u8>();
        std::slice::from_raw_parts(data, varlena::varsize_any_exhdr(source))
    }
}

/// The claims as jsonb, parsed by Postgres at the first use: numbers keep their digits.
fn jsonb_of(cached: &CachedSession) -> Result<&[u64], SessionError> {
    if let Some(jsonb) = cached.jsonb.get() {
        return Ok(jsonb);
    }
    let jsonb = parse_jsonb(cached.session.claims_json())?;
    Ok(cached.jsonb.get_or_init(|| jsonb))
}

fn parse_jsonb(json: &str) -> Result<Box<[u64]>, SessionError> {
    let Ok(json) = CString::new(json) else {
        return Err(SessionError::ClaimsNotRepresentable);
    };
    // Postgres would quote the claims in the error's CONTEXT, and those are personal.
    let attempt = PgTryBuilder::new(|| {
        // SAFETY: jsonb_in takes a C string and gives a varlena in the
        // current memory context, which is copied to aligned memory of our own.
        unsafe {
            let datum = direct_function_call_as_datum(
                pg_sys::jsonb_in,
                &[Some(Datum::from(json.as_ptr()))],
            );
            let varlena = datum.map_or(ptr::null_mut(), Datum::cast_mut_ptr::<pg_sys::varlena>);
            if varlena.is_null() {
                return Err(SessionError::ClaimsNotRepresentable);
            }
            let size = varlena::varsize(varlena);
            let mut copy = vec![0_u64; size.div_ceil(8)].into_boxed_slice();
            ptr::copy_nonoverlapping(varlena.cast::<u8>(), copy.as_mut_ptr().cast::<u8>(), size);
            pg_sys::pfree(varlena.cast());
            Ok(copy)
        }
    });
    UNREPRESENTABLE
        .into_iter()
        .fold(attempt, |attempt, code| {
            attempt.catch_when(code, |_| Err(SessionError::ClaimsNotRepresentable))
        })
        .execute()
}
