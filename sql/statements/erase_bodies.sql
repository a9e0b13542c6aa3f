-- Erases the bodies of events about what was buried, the JSON array $1, and about what went with it, where their instance says
-- so. A statement of its own after the burial: so it sees the events that were committed while the burial waited for them. Only
-- of events that are done: one that waits is erased when it is done. Whoever replays one just now is waited for.
-- By arrays: whatever the planner guesses of the JSON, each step is an index's.
WITH gone AS (
    SELECT pg_catalog.array_agg(DISTINCT id) AS ids
    FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (id text, instance_id text)
    WHERE clerk._erases(instance_id)
), instances AS (
    SELECT pg_catalog.array_agg(DISTINCT instance_id) AS ids
    FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (instance_id text)
), subjects AS (
    SELECT pg_catalog.array_agg(s.id) AS ids
    FROM (
        SELECT pg_catalog.unnest(ids) AS id FROM gone
        UNION ALL
        SELECT id FROM clerk.organization_memberships WHERE user_id = ANY ((SELECT ids FROM gone)::text[])
        UNION ALL
        SELECT id FROM clerk.organization_memberships WHERE organization_id = ANY ((SELECT ids FROM gone)::text[])
        UNION ALL
        SELECT id FROM clerk.sessions WHERE user_id = ANY ((SELECT ids FROM gone)::text[])
        UNION ALL
        SELECT id FROM clerk.organization_invitations WHERE user_id = ANY ((SELECT ids FROM gone)::text[])
        UNION ALL
        SELECT id FROM clerk.organization_invitations WHERE organization_id = ANY ((SELECT ids FROM gone)::text[])
        UNION ALL
        SELECT id FROM clerk.subscriptions WHERE user_id = ANY ((SELECT ids FROM gone)::text[])
        UNION ALL
        SELECT id FROM clerk.subscriptions WHERE organization_id = ANY ((SELECT ids FROM gone)::text[])
        UNION ALL
        SELECT id FROM clerk.organization_domains WHERE organization_id = ANY ((SELECT ids FROM gone)::text[])
    ) AS s
)
UPDATE clerk.webhook_events SET
    body = NULL,
    -- A trigger's message may name somebody.
    last_error = CASE WHEN last_error ~ '^[0-9A-Z]{5}: ' THEN pg_catalog.left(last_error, 5) ELSE last_error END
WHERE id = ANY (ARRAY(
    SELECT e.id FROM clerk.webhook_events AS e
    WHERE e.body IS NOT NULL AND e.next_attempt_at IS NULL AND e.object_id = ANY ((SELECT ids FROM subjects)::text[])
        AND e.instance_id = ANY ((SELECT ids FROM instances)::text[])
    ORDER BY e.id
    FOR UPDATE
))
