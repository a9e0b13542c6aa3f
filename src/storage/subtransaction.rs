//! Work that may fail alone.

use std::fmt::Display;
use std::ptr;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

/// Runs the work in a transaction within the transaction: where it fails, by an error of its own or of
/// Postgres, what it did is undone and its message is given. Not for a cancelled query, which goes on up.
pub(crate) fn in_subtransaction<R, E: Display>(
    work: impl FnOnce() -> Result<R, E>,
) -> Result<R, String> {
    // SAFETY: Postgres' own sequence, as in plpgsql: the memory context and resource owner of before
    // are put back on both ways out.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let outcome = PgTryBuilder::new(std::panic::AssertUnwindSafe(|| {
            work().map_err(|error| error.to_string())
        }))
        .catch_others(|error| match &error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)
                if report.sql_error_code() != PgSqlErrorCode::ERRCODE_QUERY_CANCELED =>
            {
                Err(report.message().to_owned())
            }
            _ => error.rethrow(),
        })
        .execute();
        match &outcome {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        outcome
    }
}
