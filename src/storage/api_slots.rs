//! The budget of requests to the Backend API: a sequence, which all sessions of the database share. It is not
//! transactional: whoever takes a slot keeps nobody waiting, however long his transaction lasts.

use std::time::Duration;

use clerk_core::backend_api::budget;
use clerk_core::time::UnixMicros;
use pgrx::prelude::*;

use super::statement::Statement;

/// How long before its time a slot is taken.
const NEAR: Duration = Duration::from_millis(500);

thread_local! {
    static LAST: Statement = const { Statement::new("SELECT last_value FROM clerk.api_slots", &[]) };
    static SET_BACK: Statement = const { Statement::new(
        "SELECT pg_catalog.setval('clerk.api_slots', $1)",
        &[PgBuiltInOids::INT8OID],
    ) };
    // Two that set it forward at the same time set it to the same.
    static TAKE: Statement = const { Statement::new(
        "SELECT pg_catalog.max(CASE WHEN slot < $2 THEN pg_catalog.setval('clerk.api_slots',
            greatest($2, (SELECT last_value FROM clerk.api_slots))) ELSE slot END)
        FROM (SELECT pg_catalog.nextval('clerk.api_slots') AS slot FROM pg_catalog.generate_series(1, $1) OFFSET 0) AS x",
        &[PgBuiltInOids::INT4OID, PgBuiltInOids::INT8OID],
    ) };
    static BLOCK: Statement = const { Statement::new(
        "SELECT pg_catalog.setval('clerk.api_slots', $1) WHERE (SELECT last_value FROM clerk.api_slots) < $1",
        &[PgBuiltInOids::INT8OID],
    ) };
}

/// What became of a request's turn.
pub(crate) enum Turn {
    /// It comes after this time, which is short.
    After(Duration),
    /// Others are waiting: nothing was taken, and so long nothing will be to be had.
    NotYet(Duration),
}

/// Takes so many slots, where their turn is near.
pub(crate) fn take(slots: u32, now: UnixMicros) -> Result<Turn, spi::Error> {
    let last = LAST.with(|statement| {
        statement.look(&[], |rows| Ok(rows.first().get_one()?.unwrap_or_default()))
    })?;
    match budget::queue_behind(last, now) {
        Some(wait) if wait > NEAR => return Ok(Turn::NotYet(wait - NEAR)),
        Some(_) => {}
        None => {
            let slot = budget::slot_after(now, Duration::ZERO);
            SET_BACK.with(|statement| statement.run(&[slot.into()], |_| Ok(())))?;
        }
    }
    let slots = i32::try_from(slots).unwrap_or(i32::MAX);
    TAKE.with(|statement| {
        statement.run(&[slots.into(), budget::first_slot(now).into()], |rows| {
            let last: i64 = rows.first().get_one()?.unwrap_or_default();
            // Its turn begins with the first of its slots.
            Ok(Turn::After(budget::wait_for(
                last - i64::from(slots - 1),
                now,
            )))
        })
    })
}

/// Lets nobody have a slot before this one: Clerk asked for a pause.
pub(crate) fn block_until(slot: i64) -> Result<(), spi::Error> {
    BLOCK.with(|statement| statement.run(&[slot.into()], |_| Ok(())))
}
