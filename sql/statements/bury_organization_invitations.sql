-- Buries the organization invitations in the JSON array $1 that are known, and erases what is personal
-- where their instance says so. Final.
WITH gone AS (
    SELECT DISTINCT ON (id) id, instance_id, clerk._time(event_at) AS event_at, clerk._erases(instance_id) AS erases
    FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (id text, instance_id text, event_at bigint)
    ORDER BY id, event_at
)
UPDATE clerk.organization_invitations AS stored SET
    deleted_at = gone.event_at,
    synced_at = pg_catalog.clock_timestamp(),
    email_address = CASE WHEN NOT gone.erases THEN stored.email_address END,
    role_name = CASE WHEN NOT gone.erases THEN stored.role_name END,
    public_metadata = CASE WHEN NOT gone.erases THEN stored.public_metadata END,
    private_metadata = CASE WHEN NOT gone.erases THEN stored.private_metadata END,
    data = CASE WHEN gone.erases THEN '{}' ELSE stored.data END
FROM gone
WHERE stored.id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
