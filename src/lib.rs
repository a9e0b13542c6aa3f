//! clerk_sync: Clerk identity inside Postgres.
//!
//! Layers, one way only: `clerk_core` decides, `storage` and `clerk_api` bring what it needs,
//! `surface` is what SQL sees, `worker` what runs by itself. The SQL itself lies in `sql/`.

mod clerk_api;
mod clock;
mod errors;
mod key_refresh;
mod maintenance;
mod parallel;
mod protection;
mod request;
mod schema;
mod session_cache;
mod settings;
mod storage;
mod surface;
mod sync;
mod worker;

use pgrx::prelude::*;

::pgrx::pg_module_magic!(name, version);

/// Runs once in each process that loads the library.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    parallel::refuse_late_loading();
    settings::register();
    storage::trust::watch_changes();
    storage::secrets::watch_changes();
    parallel::guard_executor();
    worker::register();
}
