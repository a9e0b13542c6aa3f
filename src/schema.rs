//! The files in `sql/`, in the order in which the extension's script has them.

use pgrx::extension_sql_file;

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
    "../sql/sync_runs.sql",
    name = "sync_runs",
    requires = ["webhooks"]
);
extension_sql_file!(
    "../sql/backfill.sql",
    name = "backfill",
    requires = ["sync_runs"]
);
extension_sql_file!(
    "../sql/sync_care.sql",
    name = "sync_care",
    requires = ["backfill"]
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
