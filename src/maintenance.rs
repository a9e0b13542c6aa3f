//! The steps that keep a database up to date, each one batch: called by the worker in transactions of
//! their own, and by `clerk.run_maintenance()`.

use std::ffi::CStr;
use std::ptr;

use pgrx::prelude::*;

use crate::storage::locks::{self, Work};

/// Rows of one batch.
pub(crate) const BATCH: i32 = 500;

/// How a batch went.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// So many rows; fewer than asked for: nothing is left.
    Done(i32),
    /// This version of the extension has nothing to do here.
    Absent,
    /// Another session is at it.
    Busy,
}

/// Applies webhook events that are due, at most so many. Sessions that do it at the same time take
/// different events.
pub(crate) fn drain(rows: i32) -> Result<Batch, String> {
    call_where_present(c"clerk._drain(integer)", c"SELECT clerk._drain($1)", rows)
}

/// Deletes what is past its retention, at most so many rows; one session at a time.
pub(crate) fn purge(rows: i32, extension: pg_sys::Oid) -> Result<Batch, String> {
    if !locks::claim_until_commit(Work::Purge, extension) {
        return Ok(Batch::Busy);
    }
    call_where_present(c"clerk._purge(integer)", c"SELECT clerk._purge($1)", rows)
}

fn call_where_present(signature: &CStr, statement: &CStr, rows: i32) -> Result<Batch, String> {
    if !is_present(signature) {
        return Ok(Batch::Absent);
    }
    select_integer(statement, rows).map(Batch::Done)
}

fn is_present(signature: &CStr) -> bool {
    // SAFETY: to_regprocedure takes a text and gives NULL where there is no such function.
    unsafe {
        let name = pg_sys::cstring_to_text(signature.as_ptr());
        let found = pgrx::direct_function_call_as_datum(
            pg_sys::to_regprocedure,
            &[Some(pg_sys::Datum::from(name))],
        );
        found.is_some()
    }
}

/// Runs a statement with one parameter and one result. Not by pgrx's client: that would assign a
/// transaction id to every call, and so write to the WAL while nothing happens.
fn select_integer(statement: &CStr, argument: i32) -> Result<i32, String> {
    let mut types = [pg_sys::INT4OID];
    let mut values = [pg_sys::Datum::from(argument)];
    // SAFETY: Postgres' own sequence inside a transaction; after an error, its end cleans up.
    unsafe {
        pg_sys::SPI_connect();
        let outcome = pg_sys::SPI_execute_with_args(
            statement.as_ptr(),
            1,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            ptr::null(),
            false,
            1,
        );
        let mut is_null = true;
        let mut result = pg_sys::Datum::from(0);
        if outcome == pg_sys::SPI_OK_SELECT as i32 && pg_sys::SPI_processed == 1 {
            let rows = pg_sys::SPI_tuptable;
            let row = *(*rows).vals;
            result = pg_sys::SPI_getbinval(row, (*rows).tupdesc, 1, &raw mut is_null);
        }
        pg_sys::SPI_finish();
        if is_null {
            return Err("a function of clerk_sync gave no count".to_owned());
        }
        Ok(result.value() as i32)
    }
}
