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
mod session_cache;
mod settings;
mod storage;
mod surface;
mod sync;
mod worker;

use pgrx::extension_sql_file;
use pgrx::prelude::*;

::pgrx::pg_module_magic!(name, version);

extension_sql_file!("../sql/schema.sql", name = "schema", bootstrap);
extension_sql_file!("../sql/tables.sql", name = "tables", requires = ["schema"]);
extension_sql_file!(
    "../sql/functions.sql",
    name = "functions",
    requires = ["tables"]
);
extension_sql_file!(
    "../sql/memberships.sql",
    name = "memberships",
    requires = ["functions"]
);
extension_sql_file!(
    "../sql/mirror_people.sql",
    name = "mirror_people",
    requires = ["memberships"]
);
extension_sql_file!(
    "../sql/mirror_organizations.sql",
    name = "mirror_organizations",
    requires = ["mirror_people"]
);
extension_sql_file!(
    "../sql/mirror.sql",
    name = "mirror",
    requires = ["mirror_organizations"]
);
extension_sql_file!(
    "../sql/webhook_tables.sql",
    name = "webhook_tables",
    requires = ["mirror"]
);
extension_sql_file!(
    "../sql/administration.sql",
    name = "administration",
    requires = ["webhook_tables"]
);
extension_sql_file!(
    "../sql/webhooks.sql",
    name = "webhooks",
    requires = ["administration"]
);
extension_sql_file!(
    "../sql/sync_care.sql",
    name = "sync_care",
    requires = ["webhooks"]
);
extension_sql_file!(
    "../sql/people.sql",
    name = "people",
    requires = ["sync_care"]
);
extension_sql_file!(
    "../sql/maintenance.sql",
    name = "maintenance",
    requires = ["people"]
);
extension_sql_file!(
    "../sql/policies.sql",
    name = "policies",
    requires = ["maintenance"]
);
extension_sql_file!(
    "../sql/explain.sql",
    name = "explain",
    requires = ["policies"]
);
extension_sql_file!("../sql/grants.sql", name = "grants", finalize);

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
