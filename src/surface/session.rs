//! The functions of requests and policies. Their SQL is in `sql/functions.sql`.

use std::ffi::CStr;

use pgrx::datum::Interval;
use pgrx::pg_sys::Datum;
use pgrx::prelude::*;
use pgrx::{direct_function_call_as_datum, pg_getarg, pg_getarg_datum};

use clerk_core::claims::{Organization, Session};

use super::call::{Answer, c_functions, text_datum};
use crate::errors::SessionError;
use crate::session_cache::{CachedSession, with_session};
use crate::storage::trust;

c_functions! {
    fn clerk_user_id(_fcinfo) { text_of(|session| Some(session.user_id())) }

    fn clerk_session_id(_fcinfo) { text_of(Session::session_id) }

    fn clerk_actor_id(_fcinfo) { text_of(Session::actor_id) }

    fn clerk_org_id(_fcinfo) { text_of(|session| session.organization().map(Organization::id)) }

    fn clerk_org_slug(_fcinfo) {
        text_of(|session| session.organization().and_then(Organization::slug))
    }

    fn clerk_org_role(_fcinfo) {
        text_of(|session| session.organization().and_then(Organization::role))
    }

    fn clerk_claims(_fcinfo) { with_session(claims_copy)? }

    fn clerk_claim(fcinfo) { claim_at(pg_getarg_datum(fcinfo, 0)) }

    fn clerk_has_role(fcinfo) { asked(pg_getarg(fcinfo, 0), Session::has_role) }

    fn clerk_has_permission(fcinfo) { asked(pg_getarg(fcinfo, 0), Session::has_permission) }

    fn clerk_has_feature(fcinfo) { asked(pg_getarg(fcinfo, 0), Session::has_feature) }

    fn clerk_has_plan(fcinfo) { asked(pg_getarg(fcinfo, 0), Session::has_plan) }

    fn clerk_reverified_preset(fcinfo) { asked(pg_getarg(fcinfo, 0), Session::reverified_preset) }

    fn clerk_reverified(fcinfo) {
        let within: Option<Interval> = pg_getarg(fcinfo, 1);
        let minutes = within.map_or(0.0, |within| minutes_of(&within));
        asked(pg_getarg(fcinfo, 0), |session, level| session.reverified(level, minutes))
    }

    fn clerk_require_user(_fcinfo) {
        let user = text_of(|session| Some(session.user_id()))?;
        if user.is_none() { Err(SessionError::UserRequired) } else { Ok(user) }
    }

    fn clerk_require_role(fcinfo) {
        required(pg_getarg(fcinfo, 0), Session::has_role, SessionError::RoleRequired)
    }

    fn clerk_require_permission(fcinfo) {
        required(pg_getarg(fcinfo, 0), Session::has_permission, SessionError::PermissionRequired)
    }

    fn clerk_announce_trust_change(fcinfo) {
        trust::announce_change(fcinfo);
        Ok(Some(Datum::null()))
    }
}

#[inline]
fn text_of(field: impl for<'s> FnOnce(&'s Session) -> Option<&'s str>) -> Answer {
    with_session(|cached| cached.and_then(|cached| field(&cached.session)).map(text_datum))
}

/// A question with one text: no session and a NULL text are both a no.
#[inline]
fn holds(text: Option<&str>, test: impl FnOnce(&Session, &str) -> bool) -> Result<bool, SessionError> {
    with_session(|cached| match (cached, text) {
        (Some(cached), Some(text)) => test(&cached.session, text),
        _ => false,
    })
}

#[inline]
fn asked(text: Option<&str>, test: impl FnOnce(&Session, &str) -> bool) -> Answer {
    Ok(Some(Datum::from(holds(text, test)?)))
}

fn required(
    text: Option<&str>,
    test: impl FnOnce(&Session, &str) -> bool,
    missing: impl FnOnce(String) -> SessionError,
) -> Answer {
    if holds(text, test)? {
        Ok(Some(Datum::from(true)))
    } else {
        Err(missing(text.unwrap_or("NULL").to_owned()))
    }
}

/// A month counts 30 days and a day 24 hours, as in Postgres' own comparison of intervals.
fn minutes_of(interval: &Interval) -> f64 {
    interval.as_micros() as f64 / 60e6
}

/// The claims as a new jsonb datum.
fn claims_copy(cached: Option<&CachedSession>) -> Answer {
    let Some(cached) = cached else { return Ok(None) };
    let jsonb = jsonb_of(cached)?;
    // SAFETY: the source is a whole varlena; its size stands in its header.
    unsafe {
        let source = jsonb.as_ptr().cast::<pg_sys::varlena>();
        let size = pgrx::varsize(source);
        let copy = pg_sys::palloc(size);
        std::ptr::copy_nonoverlapping(source.cast::<u8>(), copy.cast::<u8>(), size);
        Ok(Some(Datum::from(copy)))
    }
}

fn claim_at(path: Option<Datum>) -> Answer {
    let Some(path) = path else { return Ok(None) };
    with_session(|cached| {
        let Some(cached) = cached else { return Ok(None) };
        let jsonb = jsonb_of(cached)?;
        // SAFETY: jsonb_extract_path_text takes a jsonb, which it only reads, and a text array.
        Ok(unsafe {
            direct_function_call_as_datum(
                pg_sys::jsonb_extract_path_text,
                &[Some(Datum::from(jsonb.as_ptr())), Some(path)],
            )
        })
    })?
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
    let Ok(json) = std::ffi::CString::new(json) else {
        return Err(SessionError::ClaimsNotRepresentable);
    };
    // Postgres would quote the claims in the error's CONTEXT, and those are personal.
    PgTryBuilder::new(|| {
        // SAFETY: jsonb_in takes a C string in the server's encoding and gives a varlena in the
        // current memory context, which is copied to aligned memory of our own.
        unsafe {
            let text = in_server_encoding(&json);
            let datum = direct_function_call_as_datum(
                pg_sys::jsonb_in,
                &[Some(Datum::from(text.as_ptr()))],
            );
            let varlena = datum.map_or(std::ptr::null_mut(), Datum::cast_mut_ptr::<pg_sys::varlena>);
            if varlena.is_null() {
                return Err(SessionError::ClaimsNotRepresentable);
            }
            let size = pgrx::varsize(varlena);
            let mut copy = vec![0_u64; size.div_ceil(8)].into_boxed_slice();
            std::ptr::copy_nonoverlapping(
                varlena.cast::<u8>(),
                copy.as_mut_ptr().cast::<u8>(),
                size,
            );
            pg_sys::pfree(varlena.cast());
            Ok(copy)
        }
    })
    .catch_when(PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER, |_| {
        Err(SessionError::ClaimsNotRepresentable)
    })
    .catch_when(PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION, |_| {
        Err(SessionError::ClaimsNotRepresentable)
    })
    .catch_when(PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, |_| {
        Err(SessionError::ClaimsNotRepresentable)
    })
    .catch_when(PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED, |_| {
        Err(SessionError::ClaimsNotRepresentable)
    })
    .execute()
}

/// # Safety
/// On the backend's thread.
unsafe fn in_server_encoding(text: &CStr) -> &CStr {
    // SAFETY: gives back the text itself, or a converted palloc'ed C string.
    unsafe {
        CStr::from_ptr(pg_sys::pg_any_to_server(
            text.as_ptr(),
            text.count_bytes() as i32,
            pg_sys::pg_enc::PG_UTF8 as i32,
        ))
    }
}
