-- Buries the permissions in the JSON array $1, known or not, and erases what is personal
-- where their instance says so. Final.
WITH gone AS (
    SELECT DISTINCT ON (id) id, instance_id, clerk._time(event_at) AS event_at, clerk._erases(instance_id) AS erases
    FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (id text, instance_id text, event_at bigint)
    ORDER BY id, event_at
), buried AS (
    INSERT INTO clerk.permissions AS stored (id, instance_id, event_at, deleted_at, synced_at)
    SELECT id, instance_id, event_at, event_at, pg_catalog.clock_timestamp() FROM gone ORDER BY id COLLATE "C"
    ON CONFLICT (id) DO UPDATE SET
        instance_id = excluded.instance_id,
        event_at = excluded.event_at,
        deleted_at = excluded.deleted_at,
        synced_at = excluded.synced_at,
        name = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.name END,
        description = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.description END,
        type = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.type END,
        data = CASE WHEN clerk._erases(excluded.instance_id) THEN '{}' ELSE stored.data END
    WHERE stored.deleted_at IS NULL AND stored.instance_id IN ('', excluded.instance_id)
)
SELECT id FROM gone
