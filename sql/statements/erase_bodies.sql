-- Erases the bodies of events about what was buried, the JSON array $1, and about what went with it, where their instance says
-- so. A statement of its own after the burial: so it sees the events that were committed while the burial waited for them. Only
-- of events that are done: one that waits, or is being applied elsewhere, is erased when it is done.
WITH gone AS (
    SELECT DISTINCT id FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (id text, instance_id text)
    WHERE clerk._erases(instance_id)
)
UPDATE clerk.webhook_events SET
    body = NULL,
    -- A trigger's message may name somebody.
    last_error = CASE WHEN last_error ~ '^[0-9A-Z]{5}: ' THEN pg_catalog.left(last_error, 5) ELSE last_error END
WHERE id IN (
    SELECT e.id FROM clerk.webhook_events AS e
    WHERE e.body IS NOT NULL AND e.next_attempt_at IS NULL AND e.object_id IN (
        SELECT id FROM gone
        UNION ALL
        SELECT m.id FROM clerk.organization_memberships AS m JOIN gone ON gone.id = m.user_id
        UNION ALL
        SELECT m.id FROM clerk.organization_memberships AS m JOIN gone ON gone.id = m.organization_id
        UNION ALL
        SELECT s.id FROM clerk.sessions AS s JOIN gone ON gone.id = s.user_id
        UNION ALL
        SELECT i.id FROM clerk.organization_invitations AS i JOIN gone ON gone.id = i.user_id
        UNION ALL
        SELECT i.id FROM clerk.organization_invitations AS i JOIN gone ON gone.id = i.organization_id
        UNION ALL
        SELECT s.id FROM clerk.subscriptions AS s JOIN gone ON gone.id = s.user_id
        UNION ALL
        SELECT s.id FROM clerk.subscriptions AS s JOIN gone ON gone.id = s.organization_id
        UNION ALL
        SELECT d.id FROM clerk.organization_domains AS d JOIN gone ON gone.id = d.organization_id
    )
    FOR UPDATE SKIP LOCKED
)
