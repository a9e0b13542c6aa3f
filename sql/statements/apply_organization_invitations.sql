-- Writes the organization invitations in the array $1 (columns, as JSON), each of another id, with their data in the array $2, where they
-- are not older than what is stored. Gives the ids of those written.
-- One of an organization that is gone, or that somebody accepted who is gone, is born dead, and not among them. The caller
-- holds a lock on both. Nobody knew by its earlier events whose it would be: their bodies are erased with it.
WITH written AS (
    INSERT INTO clerk.organization_invitations AS stored (
        id, instance_id, organization_id, email_address, role, role_name, status, inviter_id, user_id,
        public_metadata, private_metadata, expires_at, created_at, updated_at, event_at, deleted_at, synced_at,
        data
    )
    SELECT
        new.id,
        new.instance_id,
        new.organization_id,
        CASE WHEN NOT parent.erased THEN new.email_address END,
        new.role,
        CASE WHEN NOT parent.erased THEN new.role_name END,
        new.status,
        new.inviter_id,
        new.user_id,
        CASE WHEN NOT parent.erased THEN new.public_metadata END,
        CASE WHEN NOT parent.erased THEN new.private_metadata END,
        clerk._time(new.expires_at),
        clerk._time(new.created_at),
        clerk._time(new.updated_at),
        clerk._time(new.event_at),
        parent.deleted_at,
        pg_catalog.clock_timestamp(),
        CASE WHEN parent.erased THEN '{}' ELSE read.data::jsonb - 'url' - 'public_inviter_data' END
    FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS read (columns, data)
    CROSS JOIN LATERAL pg_catalog.jsonb_to_record(read.columns::jsonb) AS new (
        id text, instance_id text, organization_id text, email_address text, role text, role_name text, status
        text, inviter_id text, user_id text, public_metadata jsonb, private_metadata jsonb, expires_at bigint,
        created_at bigint, updated_at bigint, event_at bigint
    ) CROSS JOIN LATERAL (
        SELECT pg_catalog.min(gone.deleted_at) AS deleted_at,
            pg_catalog.min(gone.deleted_at) IS NOT NULL AND clerk._erases(new.instance_id) AS erased
        FROM (
            SELECT deleted_at FROM clerk.users WHERE id = new.user_id
            UNION ALL
            SELECT deleted_at FROM clerk.organizations WHERE id = new.organization_id
        ) AS gone
    ) AS parent
    ON CONFLICT (id) DO UPDATE SET
        instance_id = excluded.instance_id,
        organization_id = excluded.organization_id,
        email_address = excluded.email_address,
        role = excluded.role,
        role_name = excluded.role_name,
        status = excluded.status,
        inviter_id = excluded.inviter_id,
        user_id = excluded.user_id,
        public_metadata = excluded.public_metadata,
        private_metadata = excluded.private_metadata,
        expires_at = excluded.expires_at,
        created_at = excluded.created_at,
        updated_at = excluded.updated_at,
        event_at = excluded.event_at,
        deleted_at = excluded.deleted_at,
        synced_at = excluded.synced_at,
        data = excluded.data
    WHERE stored.deleted_at IS NULL
        AND stored.instance_id IN ('', excluded.instance_id)
        AND (excluded.updated_at, excluded.event_at)
            >= (stored.updated_at, coalesce(stored.event_at, '-infinity'))
    RETURNING id, instance_id, deleted_at
), erased AS (
    UPDATE clerk.webhook_events SET
        body = NULL,
        last_error = CASE WHEN last_error ~ '^[0-9A-Z]{5}: ' THEN pg_catalog.left(last_error, 5) ELSE last_error END
    WHERE id = ANY (ARRAY(
        SELECT e.id FROM clerk.webhook_events AS e
        WHERE e.body IS NOT NULL AND e.next_attempt_at IS NULL AND e.object_id = ANY (ARRAY(
            SELECT id FROM written WHERE deleted_at IS NOT NULL AND clerk._erases(instance_id)
        ))
        FOR UPDATE SKIP LOCKED
    ))
)
SELECT CASE WHEN deleted_at IS NULL THEN id END FROM written
