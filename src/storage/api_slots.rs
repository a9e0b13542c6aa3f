//! The budget of requests to the Backend API: a sequence, which all sessions of the database share. It is not
//! transactional: whoever takes a slot keeps nobody waiting, however long his transaction lasts.

use clerk_core::backend_api::budget;
use clerk_core::time::UnixMicros;
use pgrx::prelude::*;

use super::statement::Statement;

thread_local! {
    // Two that set it forward at the same time set it to the same.
    static TAKE: Statement = const { Statement::new(
        "SELECT pg_catalog.max(CASE WHEN slot < $2 THEN pg_catalog.setval('clerk.api_slots', $2) ELSE slot END)
        FROM (SELECT pg_catalog.nextval('clerk.api_slots') AS slot FROM pg_catalog.generate_series(1, $1) OFFSET 0) AS x",
        &[PgBuiltInOids::INT4OID, PgBuiltInOids::INT8OID],
    ) };
    static BLOCK: Statement = const { Statement::new(
        "SELECT pg_catalog.setval('clerk.api_slots', $1) WHERE (SELECT last_value FROM clerk.api_slots) < $1",
        &[PgBuiltInOids::INT8OID],
    ) };
}

/// Takes so many slots, and gives the last of them, of which the request waits for the time.
pub(crate) fn take(slots: u32, now: UnixMicros) -> Result<i64, spi::Error> {
    let slots = i32::try_from(slots).unwrap_or(i32::MAX);
    TAKE.with(|statement| {
        statement.run(&[slots.into(), budget::first_slot(now).into()], |rows| {
            Ok(rows.first().get_one()?.unwrap_or_default())
        })
    })
}

/// Lets nobody have a slot before this one: Clerk asked for a pause.
pub(crate) fn block_until(slot: i64) -> Result<(), spi::Error> {
    BLOCK.with(|statement| statement.run(&[slot.into()], |_| Ok(())))
}
