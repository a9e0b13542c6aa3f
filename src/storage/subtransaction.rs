//! Work that may fail alone.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::ptr;

use pgrx::pg_sys::panic::{CaughtError, ErrorReportWithLevel};
use pgrx::prelude::*;

/// An error of Postgres, or one that code in the database raised.
pub(crate) struct Failure<'a>(&'a ErrorReportWithLevel);

impl Failure<'_> {
    /// Whether the error is one that a specification can cause: an argument, a definition, a name or a right. What
    /// may pass by itself, a lock that is not had for example, is not.
    pub(crate) fn is_of_specification(&self) -> bool {
        let sqlstate = self.sqlstate();
        ["0A", "22", "23", "2B", "3F", "42", "54", "P0"].contains(&&sqlstate[..2])
    }

    /// Whether somebody wants the whole statement to end: a cancel, a timeout. By where it was raised, since
    /// everybody may raise an error with the code of a cancel.
    fn is_from_outside(&self) -> bool {
        self.is_raised_in("ProcessInterrupts")
    }

    /// A lock that was not had in time. It is raised where a cancel is.
    fn is_of_lock_timeout(&self) -> bool {
        self.sqlstate() == "55P03"
    }

    fn is_of_deadlock(&self) -> bool {
        self.is_raised_in("DeadLockReport")
    }

    fn is_own(&self) -> bool {
        !self.is_from_outside() && !self.is_of_deadlock()
    }

    fn is_raised_in(&self, function: &str) -> bool {
        let place = self.0.function_name().unwrap_or_default();
        place.contains(function)
    }

    /// The five characters, of six bits each.
    fn sqlstate(&self) -> String {
        let code = self.0.sql_error_code() as i32;
        (0..5)
            .map(|place| char::from(b'0' + ((code >> (6 * place)) & 0x3f) as u8))
            .collect()
    }
}

/// Why work was undone.
pub(crate) struct Reason {
    /// Errors of the work's own count as internal ones.
    sqlstate: String,
    message: String,
}

impl Reason {
    /// Whether somebody held a lock that it needs, or two waited for each other.
    pub(crate) fn is_of_locks(&self) -> bool {
        ["40P01", "55P03"].contains(&self.sqlstate.as_str())
    }

    /// Whether the server lacked something: memory, room for locks, disk. Of many events at once that is no fault of theirs.
    pub(crate) fn is_of_server(&self) -> bool {
        ["53", "58"].contains(&&self.sqlstate[..2])
    }

    /// SQLSTATE and message, for the ledger. A message about a value (class 22) quotes it, and one from outside of the
    /// database (38, HV) may, so that only the code is told; messages about constraints name the constraint and its table
    /// alone, and those that a trigger raises say what its author lets them say.
    pub(crate) fn describe(&self) -> String {
        let code = &self.sqlstate;
        if ["22", "38", "HV"].contains(&&code[..2]) {
            return format!("{code}: a value was refused");
        }
        let message: String = self.message.chars().take(500).collect();
        format!("{code}: {message}")
    }
}

/// How the work ended where it did not succeed.
enum End {
    /// By an error of its own.
    Told(String),
    /// By one of Postgres, or of what it called.
    Raised(Box<CaughtError>),
}

/// Runs the work in a transaction within the transaction: where it fails, by an error of its own or of
/// Postgres, what it did is undone and its message is given. What comes from outside (a cancel, a timeout, a
/// deadlock), and what is not tolerable, goes on up.
pub(crate) fn in_subtransaction<R, E: Display>(
    is_tolerable: impl Fn(&Failure<'_>) -> bool,
    work: impl FnOnce() -> Result<R, E>,
) -> Result<R, String> {
    let is_tolerable = |failure: &Failure<'_>| failure.is_own() && is_tolerable(failure);
    run(false, is_tolerable, work).map_err(|reason| reason.message)
}

/// Runs what only asks, and undoes all that it did, whether or not it failed: what somebody else wrote may do
/// more than it is asked for.
pub(crate) fn in_undone_subtransaction<R, E: Display>(
    is_tolerable: impl Fn(&Failure<'_>) -> bool,
    work: impl FnOnce() -> Result<R, E>,
) -> Result<R, String> {
    let is_tolerable = |failure: &Failure<'_>| failure.is_own() && is_tolerable(failure);
    run(true, is_tolerable, work).map_err(|reason| reason.message)
}

/// Runs what can be tried again, and says more about why it failed: by a deadlock or for want of a lock, too, since what
/// it locked is given back.
pub(crate) fn attempt<R, E: Display>(work: impl FnOnce() -> Result<R, E>) -> Result<R, Reason> {
    let is_tolerable =
        |failure: &Failure<'_>| !failure.is_from_outside() || failure.is_of_lock_timeout();
    run(false, is_tolerable, work)
}

fn run<R, E: Display>(
    is_undone: bool,
    is_tolerable: impl Fn(&Failure<'_>) -> bool,
    work: impl FnOnce() -> Result<R, E>,
) -> Result<R, Reason> {
    // SAFETY: Postgres' own sequence, as in plpgsql: the subtransaction has ended, and the memory context and
    // resource owner of before are back, before anything is told or raised.
    let outcome = unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let outcome = PgTryBuilder::new(AssertUnwindSafe(|| {
            work().map_err(|error| End::Told(error.to_string()))
        }))
        .catch_others(|error| Err(End::Raised(Box::new(error))))
        .execute();
        if outcome.is_ok() && !is_undone {
            pg_sys::ReleaseCurrentSubTransaction();
        } else {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        outcome
    };
    outcome.map_err(|end| match end {
        End::Told(message) => Reason {
            sqlstate: "XX000".to_owned(),
            message,
        },
        End::Raised(error) => match &*error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)
                if is_tolerable(&Failure(report)) =>
            {
                Reason {
                    sqlstate: Failure(report).sqlstate(),
                    message: report.message().to_owned(),
                }
            }
            _ => error.rethrow(),
        },
    })
}
