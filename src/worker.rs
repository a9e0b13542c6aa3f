//! The background worker: what keeps a database up to date while nobody calls.
//!
//! Only where the library is in `shared_preload_libraries`. A launcher starts one worker for each
//! database in `clerk_sync.databases`; without any of it, `clerk.run_maintenance()` does the same once.

mod api;
mod launcher;
mod process;
mod rounds;
mod shared;

use std::time::Duration;

use pgrx::bgworkers::BackgroundWorkerBuilder;
use pgrx::pg_sys;

pub(crate) use shared::ask_for_keys;

/// Registers the launcher, where the postmaster preloads the library. Called by `_PG_init`.
pub(crate) fn register() {
    // SAFETY: reads a variable of this process.
    if !unsafe { pg_sys::process_shared_preload_libraries_in_progress } {
        return;
    }
    shared::request();
    BackgroundWorkerBuilder::new("clerk_sync launcher")
        .set_type("clerk_sync launcher")
        .set_library("clerk_sync")
        .set_function("clerk_sync_launcher_main")
        .enable_spi_access()
        .set_restart_time(Some(Duration::from_secs(5)))
        .load();
}
