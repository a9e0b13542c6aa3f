-- Writes the roles in the array $1 (columns, as JSON), each of another id, with their data in the array $2, where they
-- are not older than what is stored. Gives the ids of those written.
INSERT INTO clerk.roles AS stored (
    id, instance_id, key, name, description, is_creator_eligible, permissions, created_at, updated_at,
    event_at, deleted_at, synced_at, data
)
SELECT
    new.id,
    new.instance_id,
    new.key,
    new.name,
    new.description,
    new.is_creator_eligible,
    new.permissions,
    clerk._time(new.created_at),
    clerk._time(new.updated_at),
    clerk._time(new.event_at),
    NULL::timestamptz,
    pg_catalog.clock_timestamp(),
    read.data::jsonb
FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS read (columns, data)
CROSS JOIN LATERAL pg_catalog.jsonb_to_record(read.columns::jsonb) AS new (
    id text, instance_id text, key text, name text, description text, is_creator_eligible boolean,
    permissions text[], created_at bigint, updated_at bigint, event_at bigint
)
ON CONFLICT (id) DO UPDATE SET
    instance_id = excluded.instance_id,
    key = excluded.key,
    name = excluded.name,
    description = excluded.description,
    is_creator_eligible = excluded.is_creator_eligible,
    permissions = excluded.permissions,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    event_at = excluded.event_at,
    synced_at = excluded.synced_at,
    data = excluded.data
WHERE stored.deleted_at IS NULL
    AND stored.instance_id IN ('', excluded.instance_id)
    AND (excluded.updated_at, excluded.event_at)
        >= (stored.updated_at, coalesce(stored.event_at, '-infinity'))
RETURNING id
