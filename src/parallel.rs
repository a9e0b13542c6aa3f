//! Parallel workers, and what they cannot see.
//!
//! A worker gets the values of PostgREST's settings from its leader, but not when they were made. So
//! while a value that an earlier transaction left behind is in force, queries run without workers,
//! and the leader refuses it. `clerk_sync.token` needs none of this: its value carries its transaction.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};

use crate::request;

unsafe extern "C-unwind" {
    fn MemoryContextAlloc(context: pg_sys::MemoryContext, size: usize) -> *mut c_void;
    #[cfg(not(feature = "pg18"))]
    fn standard_ExecutorRun(
        query: *mut pg_sys::QueryDesc,
        direction: pg_sys::ScanDirection::Type,
        count: u64,
        execute_once: bool,
    );
    #[cfg(feature = "pg18")]
    fn standard_ExecutorRun(
        query: *mut pg_sys::QueryDesc,
        direction: pg_sys::ScanDirection::Type,
        count: u64,
    );
}

thread_local! {
    static NEXT: Cell<pg_sys::ExecutorRun_hook_type> = const { Cell::new(None) };
}

/// Refuses to be loaded first in a worker that is at work already.
///
/// Such a worker got the settings as placeholders, and cannot tell when they were set. It happens where
/// neither the leader nor an earlier query has called a function of ours: behind a function in a
/// procedural language, say, which loads nothing until it runs.
pub(crate) fn refuse_late_loading() {
    // SAFETY: reads variables of this process.
    let too_late =
        unsafe { pg_sys::ParallelWorkerNumber >= 0 && !pg_sys::InitializingParallelWorker };
    if too_late {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "clerk_sync cannot be loaded in a running parallel worker",
            "refuse_late_loading",
        )
        .set_hint(
            "Add clerk_sync to session_preload_libraries, or call clerk_user_id() once before.",
        )
        .report(PgLogLevel::ERROR);
    }
}

/// Puts [`run`] before the executor. Called once a process from `_PG_init`.
pub(crate) fn guard_executor() {
    // SAFETY: the usual way to chain a hook, on the backend's thread.
    unsafe {
        NEXT.set(pg_sys::ExecutorRun_hook);
        pg_sys::ExecutorRun_hook = Some(run);
    }
}

/// Without pgrx's guard, on purpose: an error of the query must pass as it is, with its own SQLSTATE
/// and fields. Nothing in this frame needs dropping, and nothing in it panics.
#[cfg(not(feature = "pg18"))]
unsafe extern "C-unwind" fn run(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
    execute_once: bool,
) {
    // SAFETY: called by Postgres with a started query.
    unsafe {
        keep_workers_away(query);
        match NEXT.get() {
            Some(next) => next(query, direction, count, execute_once),
            None => standard_ExecutorRun(query, direction, count, execute_once),
        }
    }
}

/// See above; Postgres 18 has one parameter less.
#[cfg(feature = "pg18")]
unsafe extern "C-unwind" fn run(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
) {
    // SAFETY: called by Postgres with a started query.
    unsafe {
        keep_workers_away(query);
        match NEXT.get() {
            Some(next) => next(query, direction, count),
            None => standard_ExecutorRun(query, direction, count),
        }
    }
}

/// Gather nodes run their plan in the leader where the plan as a whole asks for no parallel mode. The
/// plan may be cached, so a copy is changed; it lives as long as the query.
unsafe fn keep_workers_away(query: *mut pg_sys::QueryDesc) {
    // SAFETY: the query was started, so it has a plan and an executor state.
    unsafe {
        let plan = (*query).plannedstmt;
        if !(*plan).parallelModeNeeded || !request::has_stale_setting() {
            return;
        }
        let size = size_of::<pg_sys::PlannedStmt>();
        let copy =
            MemoryContextAlloc((*(*query).estate).es_query_cxt, size).cast::<pg_sys::PlannedStmt>();
        ptr::copy_nonoverlapping(plan, copy, 1);
        (*copy).parallelModeNeeded = false;
        (*query).plannedstmt = copy;
    }
}
