//! `clerk.inspect_token`: why is this token refused?

use clerk_core::token;
use pgrx::prelude::*;

use crate::clock;
use crate::session_cache::with_trust;

#[pg_extern(sql = false)]
fn inspect_token(
    token: Option<&[u8]>,
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
    let at = at.unwrap_or_else(now);
    let at = clock::from_timestamp(i64::from(at));
    let inspection = with_trust(|trust| {
        // Bytes, since no encoding of the database may make this fail.
        token::inspect(
            &String::from_utf8_lossy(token.unwrap_or_default()),
            trust,
            at,
        )
    });
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
            format!("{} {}", sentence(&failure.detail), failure.reason.hint()),
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

fn now() -> TimestampWithTimeZone {
    // SAFETY: reads the clock of the running transaction.
    TimestampWithTimeZone::try_from(unsafe { pg_sys::GetCurrentTransactionStartTimestamp() })
        .unwrap_or_else(|_| TimestampWithTimeZone::positive_infinity())
}

fn sentence(detail: &str) -> String {
    if detail.ends_with('.') {
        detail.to_owned()
    } else {
        format!("{detail}.")
    }
}
