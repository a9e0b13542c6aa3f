//! Work that may fail alone.

use std::fmt::Display;
use std::ptr;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

/// Why the work failed.
pub(crate) struct Failure {
    pub(crate) code: PgSqlErrorCode,
    pub(crate) message: String,
}

/// Whether the error is one that a specification can cause: an argument, a definition, a name or a right. What
/// may pass by itself, a lock that is not had for example, is not.
pub(crate) fn is_of_specification(code: PgSqlErrorCode) -> bool {
    ["0A", "22", "23", "2B", "3F", "42", "54", "P0"].contains(&&sqlstate(code)[..2])
}

/// Runs the work in a transaction within the transaction: where it fails, by an error of its own or of
/// Postgres, what it did is undone and its message is given. A cancelled query, and what is not tolerable, goes
/// on up.
pub(crate) fn in_subtransaction<R, E: Display>(
    is_tolerable: impl Fn(PgSqlErrorCode) -> bool + std::panic::UnwindSafe + std::panic::RefUnwindSafe,
    work: impl FnOnce() -> Result<R, E>,
) -> Result<R, String> {
    attempt_where(is_tolerable, work).map_err(|failure| failure.message)
}

/// The same, with the SQLSTATE of Postgres' errors; errors of the work's own count as internal ones.
pub(crate) fn attempt<R, E: Display>(work: impl FnOnce() -> Result<R, E>) -> Result<R, Failure> {
    attempt_where(|_| true, work)
}

fn attempt_where<R, E: Display>(
    is_tolerable: impl Fn(PgSqlErrorCode) -> bool + std::panic::UnwindSafe + std::panic::RefUnwindSafe,
    work: impl FnOnce() -> Result<R, E>,
) -> Result<R, Failure> {
    // SAFETY: Postgres' own sequence, as in plpgsql: the memory context and resource owner of before
    // are put back on both ways out.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let outcome = PgTryBuilder::new(std::panic::AssertUnwindSafe(|| {
            work().map_err(|error| Failure {
                code: PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
                message: error.to_string(),
            })
        }))
        .catch_others(|error| match &error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)
                if report.sql_error_code() != PgSqlErrorCode::ERRCODE_QUERY_CANCELED
                    && is_tolerable(report.sql_error_code()) =>
            {
                Err(Failure {
                    code: report.sql_error_code(),
                    message: report.message().to_owned(),
                })
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

impl Failure {
    /// SQLSTATE and message, for the ledger. A message about a value (class 22) quotes it, so that only the
    /// code is told; messages about constraints name the constraint and its table alone.
    pub(crate) fn describe(&self) -> String {
        let code = sqlstate(self.code);
        if code.starts_with("22") {
            return format!("{code}: a value was refused");
        }
        let message: String = self.message.chars().take(500).collect();
        format!("{code}: {message}")
    }
}

/// The five characters, of six bits each.
fn sqlstate(code: PgSqlErrorCode) -> String {
    let code = code as i32;
    (0..5)
        .map(|place| char::from(b'0' + ((code >> (6 * place)) & 0x3f) as u8))
        .collect()
}
