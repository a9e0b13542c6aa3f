-- Buries the organization memberships in the JSON array $1, known or not, and erases what is personal
-- where their instance says so. Final.
WITH gone AS (
    SELECT DISTINCT ON (id) id, instance_id, clerk._time(event_at) AS event_at, organization_id, user_id, clerk._erases(instance_id) AS erases
    FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (id text, instance_id text, event_at bigint, organization_id text, user_id text)
    ORDER BY id, event_at
), buried AS (
    INSERT INTO clerk.organization_memberships AS stored (id, instance_id, event_at, deleted_at, synced_at, organization_id, user_id)
    SELECT id, instance_id, event_at, event_at, pg_catalog.clock_timestamp(), organization_id, user_id FROM gone ORDER BY id COLLATE "C"
    ON CONFLICT (id) DO UPDATE SET
        instance_id = excluded.instance_id,
        event_at = excluded.event_at,
        deleted_at = excluded.deleted_at,
        synced_at = excluded.synced_at,
        role_name = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.role_name END,
        public_metadata = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.public_metadata END,
        private_metadata = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.private_metadata END,
        data = CASE WHEN clerk._erases(excluded.instance_id) THEN '{}' ELSE stored.data END
    WHERE stored.deleted_at IS NULL AND stored.instance_id IN ('', excluded.instance_id)
)
SELECT id FROM gone
