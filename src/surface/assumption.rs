//! `clerk._assume_session`: a session that nobody signed, for explanations and tests. Its SQL is in
//! `sql/explain.sql`; who may call it is decided there.

use std::ffi::CStr;

use clerk_core::token;
use pgrx::pg_sys::Datum;
use pgrx::{direct_function_call_as_datum, pg_getarg_datum, pg_sys};

use super::call::{Answer, c_functions};
use crate::errors::SessionError;
use crate::settings::token::assume;

c_functions! {
    fn clerk_assume_session(fcinfo) { assume_session(pg_getarg_datum(fcinfo, 0)) }
}

/// Puts claims, a jsonb, into force until the transaction ends; NULL is explicitly nobody.
fn assume_session(claims: Option<Datum>) -> Answer {
    match claims {
        None => assume(None),
        Some(claims) => {
            let json = jsonb_text(claims);
            token::assume_session(&json).map_err(SessionError::NoSession)?;
            assume(Some(&json));
        }
    }
    Ok(Some(Datum::null()))
}

/// As Postgres writes it: numbers keep their digits, control characters are escaped.
fn jsonb_text(jsonb: Datum) -> String {
    // SAFETY: jsonb_out takes a jsonb and gives a C string in the current memory context.
    unsafe {
        let text = direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(jsonb)]);
        text.map_or_else(String::new, |text| {
            CStr::from_ptr(text.cast_mut_ptr())
                .to_string_lossy()
                .into_owned()
        })
    }
}
