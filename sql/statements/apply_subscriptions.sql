-- Writes the subscriptions in the array $1 (columns, as JSON), each of another id, with their data in the array $2, where they
-- are not older than what is stored. Gives the ids of those written.
-- A subscription of a user or an organization that is gone is born dead, and not among them. The caller holds a lock on it.
INSERT INTO clerk.subscriptions AS stored (
    id, instance_id, status, payer_id, user_id, organization_id, active_plans, items, active_at,
    canceled_at, ended_at, past_due_at, created_at, updated_at, event_at, deleted_at, synced_at, data
)
SELECT
    new.id,
    new.instance_id,
    new.status,
    new.payer_id,
    new.user_id,
    new.organization_id,
    new.active_plans,
    new.items,
    clerk._time(new.active_at),
    clerk._time(new.canceled_at),
    clerk._time(new.ended_at),
    clerk._time(new.past_due_at),
    clerk._time(new.created_at),
    clerk._time(new.updated_at),
    clerk._time(new.event_at),
    parent.deleted_at,
    pg_catalog.clock_timestamp(),
    CASE WHEN parent.erased THEN '{}' ELSE read.data::jsonb END
FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS read (columns, data)
CROSS JOIN LATERAL pg_catalog.jsonb_to_record(read.columns::jsonb) AS new (
    id text, instance_id text, status text, payer_id text, user_id text, organization_id text, active_plans
    text[], items jsonb, active_at bigint, canceled_at bigint, ended_at bigint, past_due_at bigint,
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
    status = excluded.status,
    payer_id = excluded.payer_id,
    user_id = excluded.user_id,
    organization_id = excluded.organization_id,
    active_plans = excluded.active_plans,
    items = excluded.items,
    active_at = excluded.active_at,
    canceled_at = excluded.canceled_at,
    ended_at = excluded.ended_at,
    past_due_at = excluded.past_due_at,
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
