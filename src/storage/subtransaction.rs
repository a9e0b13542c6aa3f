//! Work that may fail alone.

use std::fmt::Display;
use std::ptr;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

/// Whether the error is one that a specification can cause: an argument, a definition, a name or a right. What
/// may pass by itself, a lock that is not had for example, is not.
pub(crate) fn is_of_specification(code: PgSqlErrorCode) -> bool {
    // The class is the first two of five characters, six bits each.
    let character = |place: i32| char::from(((code as i32 >> (6 * place)) & 0x3f) as u8 + b'0');
    let class: String = [character(0), character(1)].iter().collect();
    ["0A", "22", "23", "2B", "3F", "42", "54", "P0"].contains(&class.as_str())
}

/// Runs the work in a transaction within the transaction: where it fails, by an error of its own or of
/// Postgres, what it did is undone and its message is given. A cancelled query, and what is not tolerable, goes
/// on up.
pub(crate) fn in_subtransaction<R, E: Display>(
    is_tolerable: impl Fn(PgSqlErrorCode) -> bool + std::panic::UnwindSafe + std::panic::RefUnwindSafe,
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
                if report.sql_error_code() != PgSqlErrorCode::ERRCODE_QUERY_CANCELED
                    && is_tolerable(report.sql_error_code()) =>
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
