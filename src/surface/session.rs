//! The functions of requests and policies. Their SQL is in `sql/functions.sql`.

use pgrx::datum::Interval;
use pgrx::pg_sys::Datum;
use pgrx::{pg_getarg, pg_getarg_datum};

use clerk_core::claims::{Organization, Session};
use clerk_core::reason::quote;

use super::call::{Answer, c_functions, text_argument, text_datum};
use super::claims;
use crate::errors::SessionError;
use crate::session_cache::with_session;
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

    fn clerk_claims(_fcinfo) { claims::copy_all() }

    fn clerk_claim(fcinfo) { claims::extract_text(pg_getarg_datum(fcinfo, 0)) }

    fn clerk_has_role(fcinfo) { asked(text_argument(fcinfo, 0), Session::has_role) }

    fn clerk_has_permission(fcinfo) { asked(text_argument(fcinfo, 0), Session::has_permission) }

    fn clerk_has_feature(fcinfo) { asked(text_argument(fcinfo, 0), Session::has_feature) }

    fn clerk_has_plan(fcinfo) { asked(text_argument(fcinfo, 0), Session::has_plan) }

    fn clerk_reverified_preset(fcinfo) { asked(text_argument(fcinfo, 0), Session::reverified_preset) }

    fn clerk_reverified(fcinfo) {
        let within: Option<Interval> = pg_getarg(fcinfo, 1);
        let minutes = within.map_or(0.0, |within| minutes_of(&within));
        asked(text_argument(fcinfo, 0), |session, level| session.reverified(level, minutes))
    }

    fn clerk_require_user(_fcinfo) {
        let user = text_of(|session| Some(session.user_id()))?;
        if user.is_none() { Err(SessionError::UserRequired) } else { Ok(user) }
    }

    fn clerk_require_role(fcinfo) {
        required(text_argument(fcinfo, 0), Session::has_role, SessionError::RoleRequired)
    }

    fn clerk_require_permission(fcinfo) {
        required(text_argument(fcinfo, 0), Session::has_permission, SessionError::PermissionRequired)
    }

    fn clerk_announce_trust_change(fcinfo) {
        trust::announce_change(fcinfo);
        Ok(Some(Datum::null()))
    }
}

#[inline]
fn text_of(field: impl for<'s> FnOnce(&'s Session) -> Option<&'s str>) -> Answer {
    with_session(|cached| {
        cached
            .and_then(|cached| field(&cached.session))
            .map(text_datum)
    })
}

/// A question with one text: no session and a NULL text are both a no.
#[inline]
fn holds(
    text: Option<&str>,
    test: impl FnOnce(&Session, &str) -> bool,
) -> Result<bool, SessionError> {
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
        Err(missing(text.map_or_else(|| "NULL".to_owned(), quote)))
    }
}

/// A month counts 30 days and a day 24 hours, as in Postgres' own comparison of intervals.
fn minutes_of(interval: &Interval) -> f64 {
    interval.as_micros() as f64 / 60e6
}
