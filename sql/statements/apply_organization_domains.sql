-- Writes the organization domains in the array $1 (columns, as JSON), each of another id, with their data in the array $2, where they
-- are not older than what is stored. Gives the ids of those written.
-- A domain of an organization that is gone is born dead, and not among them. The caller holds a lock on the organization.
INSERT INTO clerk.organization_domains AS stored (
    id, instance_id, organization_id, name, enrollment_mode, verified, ownership_verified,
    affiliation_verified, created_at, updated_at, event_at, deleted_at, synced_at, data
)
SELECT
    new.id,
    new.instance_id,
    new.organization_id,
    CASE WHEN NOT parent.erased THEN new.name END,
    CASE WHEN NOT parent.erased THEN new.enrollment_mode END,
    CASE WHEN NOT parent.erased THEN new.verified END,
    CASE WHEN NOT parent.erased THEN new.ownership_verified END,
    CASE WHEN NOT parent.erased THEN new.affiliation_verified END,
    clerk._time(new.created_at),
    clerk._time(new.updated_at),
    clerk._time(new.event_at),
    parent.deleted_at,
    pg_catalog.clock_timestamp(),
    CASE WHEN parent.erased THEN '{}' ELSE read.data::jsonb END
FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS read (columns, data)
CROSS JOIN LATERAL pg_catalog.jsonb_to_record(read.columns::jsonb) AS new (
    id text, instance_id text, organization_id text, name text, enrollment_mode text, verified boolean,
    ownership_verified boolean, affiliation_verified boolean, created_at bigint, updated_at bigint, event_at
    bigint
) CROSS JOIN LATERAL (
    SELECT pg_catalog.min(o.deleted_at) AS deleted_at,
        pg_catalog.min(o.deleted_at) IS NOT NULL AND clerk._erases(new.instance_id) AS erased
    FROM clerk.organizations AS o WHERE o.id = new.organization_id
) AS parent
ON CONFLICT (id) DO UPDATE SET
    instance_id = excluded.instance_id,
    organization_id = excluded.organization_id,
    name = excluded.name,
    enrollment_mode = excluded.enrollment_mode,
    verified = excluded.verified,
    ownership_verified = excluded.ownership_verified,
    affiliation_verified = excluded.affiliation_verified,
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
