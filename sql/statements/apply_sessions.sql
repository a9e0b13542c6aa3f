-- Writes the sessions in the array $1 (columns, as JSON), each of another id, with their data in the array $2, where they
-- are not older than what is stored. Gives the ids of those written.
-- A session of a user who is gone is born dead, and not among them. The caller holds a lock on the user.
INSERT INTO clerk.sessions AS stored (
    id, instance_id, user_id, client_id, status, actor, last_active_organization_id, last_active_at,
    expire_at, abandon_at, created_at, updated_at, event_at, deleted_at, synced_at, data
)
SELECT
    new.id,
    new.instance_id,
    new.user_id,
    CASE WHEN NOT parent.erased THEN new.client_id END,
    new.status,
    CASE WHEN NOT parent.erased THEN new.actor END,
    new.last_active_organization_id,
    clerk._time(new.last_active_at),
    clerk._time(new.expire_at),
    clerk._time(new.abandon_at),
    clerk._time(new.created_at),
    clerk._time(new.updated_at),
    clerk._time(new.event_at),
    parent.deleted_at,
    pg_catalog.clock_timestamp(),
    CASE WHEN parent.erased THEN '{}' ELSE read.data::jsonb - 'user' END
FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS read (columns, data)
CROSS JOIN LATERAL pg_catalog.jsonb_to_record(read.columns::jsonb) AS new (
    id text, instance_id text, user_id text, client_id text, status text, actor jsonb,
    last_active_organization_id text, last_active_at bigint, expire_at bigint, abandon_at bigint, created_at
    bigint, updated_at bigint, event_at bigint
) CROSS JOIN LATERAL (
    SELECT pg_catalog.min(u.deleted_at) AS deleted_at,
        pg_catalog.min(u.deleted_at) IS NOT NULL AND clerk._erases(new.instance_id) AS erased
    FROM clerk.users AS u WHERE u.id = new.user_id
) AS parent
ON CONFLICT (id) DO UPDATE SET
    instance_id = excluded.instance_id,
    user_id = excluded.user_id,
    client_id = excluded.client_id,
    status = excluded.status,
    actor = excluded.actor,
    last_active_organization_id = excluded.last_active_organization_id,
    last_active_at = excluded.last_active_at,
    expire_at = excluded.expire_at,
    abandon_at = excluded.abandon_at,
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
    -- Of two states of the same version the one that ended it counts, whichever arrived later.
    AND NOT (
        (excluded.updated_at, excluded.event_at) = (stored.updated_at, stored.event_at)
        AND stored.status IN ('ended', 'removed', 'revoked') AND excluded.status NOT IN ('ended', 'removed', 'revoked')
    )
RETURNING CASE WHEN deleted_at IS NULL THEN id END
