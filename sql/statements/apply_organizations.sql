-- Writes the organizations in the array $1 (columns, as JSON), each of another id, with their data in the array $2, where they
-- are not older than what is stored. Gives the ids of those written.
INSERT INTO clerk.organizations AS stored (
    id, instance_id, name, slug, image_url, has_image, max_allowed_memberships, members_count,
    admin_delete_enabled, created_by, public_metadata, private_metadata, created_at, updated_at, event_at,
    deleted_at, synced_at, data
)
SELECT
    new.id,
    new.instance_id,
    new.name,
    new.slug,
    new.image_url,
    new.has_image,
    new.max_allowed_memberships,
    new.members_count,
    new.admin_delete_enabled,
    new.created_by,
    new.public_metadata,
    new.private_metadata,
    clerk._time(new.created_at),
    clerk._time(new.updated_at),
    clerk._time(new.event_at),
    NULL::timestamptz,
    pg_catalog.clock_timestamp(),
    read.data::jsonb
FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS read (columns, data)
CROSS JOIN LATERAL pg_catalog.jsonb_to_record(read.columns::jsonb) AS new (
    id text, instance_id text, name text, slug text, image_url text, has_image boolean,
    max_allowed_memberships bigint, members_count bigint, admin_delete_enabled boolean, created_by text,
    public_metadata jsonb, private_metadata jsonb, created_at bigint, updated_at bigint, event_at bigint
)
ON CONFLICT (id) DO UPDATE SET
    instance_id = excluded.instance_id,
    name = excluded.name,
    slug = excluded.slug,
    image_url = excluded.image_url,
    has_image = excluded.has_image,
    max_allowed_memberships = excluded.max_allowed_memberships,
    members_count = excluded.members_count,
    admin_delete_enabled = excluded.admin_delete_enabled,
    created_by = excluded.created_by,
    public_metadata = excluded.public_metadata,
    private_metadata = excluded.private_metadata,
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
