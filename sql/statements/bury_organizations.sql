-- Buries the organizations in the JSON array $1, known or not, and erases what is personal
-- where their instance says so. Final.
WITH gone AS (
    SELECT DISTINCT ON (id) id, instance_id, clerk._time(event_at) AS event_at, clerk._erases(instance_id) AS erases
    FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (id text, instance_id text, event_at bigint)
    ORDER BY id, event_at
), buried AS (
    INSERT INTO clerk.organizations AS stored (id, instance_id, event_at, deleted_at, synced_at)
    SELECT id, instance_id, event_at, event_at, pg_catalog.clock_timestamp() FROM gone ORDER BY id COLLATE "C"
    ON CONFLICT (id) DO UPDATE SET
        instance_id = excluded.instance_id,
        event_at = excluded.event_at,
        deleted_at = excluded.deleted_at,
        synced_at = excluded.synced_at,
        name = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.name END,
        slug = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.slug END,
        image_url = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.image_url END,
        has_image = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.has_image END,
        max_allowed_memberships = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.max_allowed_memberships END,
        members_count = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.members_count END,
        admin_delete_enabled = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.admin_delete_enabled END,
        created_by = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.created_by END,
        public_metadata = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.public_metadata END,
        private_metadata = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.private_metadata END,
        data = CASE WHEN clerk._erases(excluded.instance_id) THEN '{}' ELSE stored.data END
    WHERE stored.deleted_at IS NULL AND stored.instance_id IN ('', excluded.instance_id)
), members AS (
    UPDATE clerk.organization_memberships AS stored SET
        deleted_at = gone.event_at,
        synced_at = pg_catalog.clock_timestamp(),
        role_name = CASE WHEN NOT gone.erases THEN stored.role_name END,
        public_metadata = CASE WHEN NOT gone.erases THEN stored.public_metadata END,
        private_metadata = CASE WHEN NOT gone.erases THEN stored.private_metadata END,
        data = CASE WHEN gone.erases THEN '{}' ELSE stored.data END
    FROM gone
    WHERE stored.organization_id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
), invitations AS (
    UPDATE clerk.organization_invitations AS stored SET
        deleted_at = gone.event_at,
        synced_at = pg_catalog.clock_timestamp(),
        email_address = CASE WHEN NOT gone.erases THEN stored.email_address END,
        role_name = CASE WHEN NOT gone.erases THEN stored.role_name END,
        public_metadata = CASE WHEN NOT gone.erases THEN stored.public_metadata END,
        private_metadata = CASE WHEN NOT gone.erases THEN stored.private_metadata END,
        data = CASE WHEN gone.erases THEN '{}' ELSE stored.data END
    FROM gone
    WHERE stored.organization_id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
), domains AS (
    UPDATE clerk.organization_domains AS stored SET
        deleted_at = gone.event_at,
        synced_at = pg_catalog.clock_timestamp(),
        name = CASE WHEN NOT gone.erases THEN stored.name END,
        enrollment_mode = CASE WHEN NOT gone.erases THEN stored.enrollment_mode END,
        verified = CASE WHEN NOT gone.erases THEN stored.verified END,
        ownership_verified = CASE WHEN NOT gone.erases THEN stored.ownership_verified END,
        affiliation_verified = CASE WHEN NOT gone.erases THEN stored.affiliation_verified END,
        data = CASE WHEN gone.erases THEN '{}' ELSE stored.data END
    FROM gone
    WHERE stored.organization_id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
), subscriptions AS (
    UPDATE clerk.subscriptions AS stored SET
        deleted_at = gone.event_at,
        synced_at = pg_catalog.clock_timestamp(),
        data = CASE WHEN gone.erases THEN '{}' ELSE stored.data END
    FROM gone
    WHERE stored.organization_id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
)
SELECT id FROM gone
