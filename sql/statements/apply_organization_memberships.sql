-- Writes the organization memberships in the array $1 (columns, as JSON), each of another id, with their data in the array $2, where they
-- are not older than what is stored. Gives the ids of those written.
-- A membership of a user or an organization that is gone is born dead, and not among them; one of another instance's is not
-- written. The caller holds a lock on both.
INSERT INTO clerk.organization_memberships AS stored (
    id, instance_id, organization_id, user_id, role, role_name, permissions, public_metadata,
    private_metadata, created_at, updated_at, event_at, deleted_at, synced_at, data
)
SELECT
    new.id,
    new.instance_id,
    new.organization_id,
    new.user_id,
    CASE WHEN pg_catalog.starts_with(new.role, 'org:') THEN new.role ELSE 'org:' || new.role END,
    new.role_name,
    new.permissions,
    CASE WHEN parent.erased IS NULL THEN new.public_metadata END,
    CASE WHEN parent.erased IS NULL THEN new.private_metadata END,
    clerk._time(new.created_at),
    clerk._time(new.updated_at),
    clerk._time(new.event_at),
    parent.deleted_at,
    pg_catalog.clock_timestamp(),
    CASE WHEN parent.erased IS NULL THEN read.data::jsonb ELSE '{}' END
FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS read (columns, data)
CROSS JOIN LATERAL pg_catalog.jsonb_to_record(read.columns::jsonb) AS new (
    id text, instance_id text, organization_id text, user_id text, role text, role_name text, permissions
    text[], public_metadata jsonb, private_metadata jsonb, created_at bigint, updated_at bigint, event_at
    bigint
) CROSS JOIN LATERAL (
    SELECT pg_catalog.min(gone.deleted_at) AS deleted_at,
        pg_catalog.bool_or(gone.instance_id NOT IN ('', new.instance_id)) AS is_foreign,
        CASE WHEN pg_catalog.min(gone.deleted_at) IS NOT NULL AND clerk._erases(new.instance_id) THEN true END AS erased
    FROM (
        SELECT deleted_at, instance_id FROM clerk.users WHERE id = new.user_id
        UNION ALL
        SELECT deleted_at, instance_id FROM clerk.organizations WHERE id = new.organization_id
    ) AS gone
) AS parent
WHERE parent.is_foreign IS NOT TRUE
ON CONFLICT (id) DO UPDATE SET
    instance_id = excluded.instance_id,
    organization_id = excluded.organization_id,
    user_id = excluded.user_id,
    role = excluded.role,
    role_name = excluded.role_name,
    permissions = excluded.permissions,
    public_metadata = excluded.public_metadata,
    private_metadata = excluded.private_metadata,
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
RETURNING CASE WHEN deleted_at IS NULL THEN id END
