//! What both kinds of processes need: signals, waiting, transactions whose errors do not end the process.

use std::collections::HashMap;
use std::ffi::CStr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

use crate::errors;

/// The same failure is logged once in this time.
const SILENCE: Duration = Duration::from_secs(60);

/// SIGTERM ends a running query and a wait at once, as in a backend; SIGHUP is noted for [`wait`].
/// SIGINT cancels a query by Postgres' own handler.
pub(super) fn take_signals() {
    #[cfg(not(feature = "pg18"))]
    use pg_sys::pqsignal;
    #[cfg(feature = "pg18")]
    use pg_sys::pqsignal_be as pqsignal;
    // The bindings' own wrappers are Rust functions, and would guard what must not be.
    unsafe extern "C-unwind" {
        fn die(signal: i32);
        fn SignalHandlerForConfigReload(signal: i32);
    }
    // SAFETY: Postgres' own handlers, installed before signals are let in.
    unsafe {
        pqsignal(pg_sys::SIGTERM as i32, Some(die));
        pqsignal(pg_sys::SIGHUP as i32, Some(SignalHandlerForConfigReload));
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// Sets what no setting of the database or of the server may decide for this process.
pub(super) fn fix_settings(application_name: &CStr) {
    for (name, value) in [
        (c"application_name", application_name),
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"default_transaction_read_only", c"off"),
        (c"default_transaction_isolation", c"read committed"),
        // What an application locks must not keep the keys from being refreshed.
        (c"lock_timeout", c"2s"),
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        (c"transaction_timeout", c"0"),
    ] {
        // SAFETY: known settings with valid values.
        unsafe {
            pg_sys::SetConfigOption(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_OVERRIDE,
            );
        }
    }
}

/// Waits for the time to pass or for a signal; then serves interrupts and reads the settings again where
/// they changed. Ends the process where it was told to end, or the postmaster is gone.
pub(super) fn wait(time: Duration) {
    let milliseconds = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    // SAFETY: on the process' own latch.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            (pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH) as i32,
            milliseconds as _,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    serve_signals();
}

/// As after [`wait`], without waiting. Outside of transactions.
pub(super) fn serve_signals() {
    // A cancelled query that is over already is no error here.
    let _ = catch_error(|| {
        pgrx::check_for_interrupts!();
        Ok(())
    });
    // SAFETY: outside of a transaction, as Postgres' own processes do it.
    unsafe {
        if (&raw const pg_sys::ConfigReloadPending).read_volatile() != 0 {
            (&raw mut pg_sys::ConfigReloadPending).write_volatile(0);
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

/// Runs the work in a transaction of its own. An error of it, of Postgres, or a panic aborts the
/// transaction and is described.
pub(super) fn in_transaction<R>(work: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    let outcome = catch_error(|| {
        // SAFETY: Postgres' own sequence; the commit is within reach of the handler, since it can fail.
        unsafe {
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            let result = work()?;
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
            Ok(result)
        }
    });
    // SAFETY: outside of transactions. Without the report, autovacuum would not hear of dead rows.
    unsafe {
        if outcome.is_err() {
            pg_sys::AbortCurrentTransaction();
        }
        pg_sys::pgstat_report_stat(false);
    }
    outcome
}

/// Runs the work and describes its error, where it has one. Leaves a transaction as it is.
pub(super) fn catch_error<R>(work: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    PgTryBuilder::new(AssertUnwindSafe(work))
        .catch_others(|error| Err(describe(&error)))
        .catch_rust_panic(|error| Err(describe(&error)))
        .execute()
}

fn describe(error: &CaughtError) -> String {
    match error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
            errors::describe_without_data(report.sql_error_code(), report.message())
        }
        CaughtError::RustPanic { .. } => "an internal error (panic)".to_owned(),
    }
}

/// Says in `pg_stat_activity` what the process does; None: it waits.
pub(super) fn show_activity(what: Option<&CStr>) {
    let (state, what) = match what {
        Some(what) => (pg_sys::BackendState::STATE_RUNNING, what),
        None => (pg_sys::BackendState::STATE_IDLE, c""),
    };
    // SAFETY: the text is copied.
    unsafe { pg_sys::pgstat_report_activity(state, what.as_ptr()) };
}

/// Logs failures, each kind once a minute at most.
#[derive(Default)]
pub(super) struct Complaints(HashMap<&'static str, Instant>);

impl Complaints {
    /// Logs the outcome where it is a failure; gives the result where it is none.
    pub(super) fn hear<R>(&mut self, step: &'static str, outcome: Result<R, String>) -> Option<R> {
        let error = match outcome {
            Ok(result) => return Some(result),
            Err(error) => error,
        };
        let is_silent = self
            .0
            .get(step)
            .is_some_and(|last| last.elapsed() < SILENCE);
        if !is_silent {
            self.0.insert(step, Instant::now());
            errors::log_failed_step(step, &error);
        }
        None
    }
}
