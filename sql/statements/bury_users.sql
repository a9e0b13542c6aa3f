-- Buries the users in the JSON array $1, known or not, and erases what is personal
-- where their instance says so. Final.
WITH gone AS (
    SELECT DISTINCT ON (id) id, instance_id, clerk._time(event_at) AS event_at, clerk._erases(instance_id) AS erases
    FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (id text, instance_id text, event_at bigint)
    ORDER BY id, event_at
), buried AS (
    INSERT INTO clerk.users AS stored (id, instance_id, event_at, deleted_at, synced_at)
    SELECT id, instance_id, event_at, event_at, pg_catalog.clock_timestamp() FROM gone ORDER BY id COLLATE "C"
    ON CONFLICT (id) DO UPDATE SET
        instance_id = excluded.instance_id,
        event_at = excluded.event_at,
        deleted_at = excluded.deleted_at,
        synced_at = excluded.synced_at,
        external_id = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.external_id END,
        username = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.username END,
        first_name = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.first_name END,
        last_name = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.last_name END,
        primary_email_address = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.primary_email_address END,
        primary_email_address_verified = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.primary_email_address_verified END,
        primary_phone_number = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.primary_phone_number END,
        primary_phone_number_verified = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.primary_phone_number_verified END,
        primary_web3_wallet = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.primary_web3_wallet END,
        image_url = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.image_url END,
        has_image = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.has_image END,
        locale = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.locale END,
        banned = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.banned END,
        locked = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.locked END,
        deprovisioned = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.deprovisioned END,
        password_enabled = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.password_enabled END,
        two_factor_enabled = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.two_factor_enabled END,
        last_sign_in_at = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.last_sign_in_at END,
        last_active_at = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.last_active_at END,
        legal_accepted_at = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.legal_accepted_at END,
        public_metadata = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.public_metadata END,
        private_metadata = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.private_metadata END,
        unsafe_metadata = CASE WHEN NOT clerk._erases(excluded.instance_id) THEN stored.unsafe_metadata END,
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
    WHERE stored.user_id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
), sessions AS (
    UPDATE clerk.sessions AS stored SET
        deleted_at = gone.event_at,
        synced_at = pg_catalog.clock_timestamp(),
        client_id = CASE WHEN NOT gone.erases THEN stored.client_id END,
        actor = CASE WHEN NOT gone.erases THEN stored.actor END,
        data = CASE WHEN gone.erases THEN '{}' ELSE stored.data END
    FROM gone
    WHERE stored.user_id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
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
    WHERE stored.user_id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
), subscriptions AS (
    UPDATE clerk.subscriptions AS stored SET
        deleted_at = gone.event_at,
        synced_at = pg_catalog.clock_timestamp(),
        data = CASE WHEN gone.erases THEN '{}' ELSE stored.data END
    FROM gone
    WHERE stored.user_id = gone.id AND stored.deleted_at IS NULL AND stored.instance_id IN ('', gone.instance_id)
)
SELECT id FROM gone
