//! `clerk.inspect_token`: why is this token refused?

use clerk_core::token;
use pgrx::prelude::*;

use crate::clock;
use crate::session_cache::with_trust;

#[pg_extern(sql = false)]
fn inspect_token(
    token: Option<&str>,
    at: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(check, String),
        name!(ok, Option<bool>),
        name!(reason, Option<String>),
        name!(detail, String),
    ),
> {
    let at = at.map_or_else(clock::transaction_start, |at| {
        clock::from_timestamp(i64::from(at))
    });
    let inspection = with_trust(|trust| token::inspect(token.unwrap_or_default(), trust, at));
    let verdict = match &inspection.verdict {
        Ok(session) if session.signed_in() => (Some(true), None, "accepted".to_owned()),
        Ok(_) => (
            Some(false),
            None,
            "valid, but counts as signed out".to_owned(),
        ),
        Err(failure) => (
            Some(false),
            Some(failure.reason.code().to_owned()),
            format!("{}. {}", failure.detail, failure.reason.hint()),
        ),
    };
    let mut rows: Vec<_> = inspection
        .checks
        .into_iter()
        .map(|check| {
            let reason = check.reason.map(|reason| reason.code().to_owned());
            (check.name.to_owned(), check.ok, reason, check.detail)
        })
        .collect();
    rows.push(("verdict".to_owned(), verdict.0, verdict.1, verdict.2));
    TableIterator::new(rows)
}
