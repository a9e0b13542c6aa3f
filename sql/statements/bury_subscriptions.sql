-- Buries the subscriptions in the JSON array $1 that are known. Final.
WITH gone AS (
    SELECT DISTINCT ON (id) id, instance_id, clerk._time(event_at) AS event_at, clerk._erases(instance_id) AS erases
    FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (id text, instance_id text, event_at bigint)
    ORDER BY id, event_at
)
UPDATE clerk.subscriptions AS stored SET
    deleted_at = gone.event_at,
    synced_at = pg_catalog.clock_timestamp(),
    data = CASE WHEN gone.erases THEN '{}' ELSE stored.data END
FROM gone
WHERE stored.id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
