//! `clerk._assume_session`: a session that nobody signed, for explanations and tests. Its SQL is in
//! `sql/explain.sql`; who may call it is decided there.

use clerk_core::token;
use pgrx::pg_getarg_datum;
use pgrx::pg_sys::Datum;

use super::call::{Answer, c_functions, jsonb_text};
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
