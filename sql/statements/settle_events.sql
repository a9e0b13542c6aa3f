-- Writes back what became of the events in the JSON array $1. The body goes with the object that was erased; of one that was
-- written just now, which is_alive, nobody need look; of one that is_done_with it goes at once.
UPDATE clerk.webhook_events AS e SET
    status = x.status,
    kind = coalesce(x.kind, e.kind),
    object_id = coalesce(x.object_id, e.object_id),
    attempts = x.attempts,
    next_attempt_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => x.delay),
    applied_at = CASE WHEN x.status IN ('applied', 'stale', 'ignored') THEN pg_catalog.clock_timestamp() END,
    -- A trigger's message may name somebody.
    last_error = CASE WHEN gone.is_erased AND x.error ~ '^[0-9A-Z]{5}: ' THEN pg_catalog.left(x.error, 5) ELSE x.error END,
    body = CASE WHEN NOT gone.is_erased THEN e.body END
FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (
    id text, status text, kind text, object_id text, attempts integer, delay double precision, error text,
    is_alive boolean, is_done_with boolean
) CROSS JOIN LATERAL (
    SELECT CASE
        WHEN x.is_done_with THEN true
        WHEN x.is_alive OR x.status IN ('failed', 'received') THEN false
        WHEN CASE x.kind
            WHEN 'users' THEN (SELECT o.deleted_at FROM clerk.users AS o WHERE o.id = x.object_id)
            WHEN 'organizations' THEN (SELECT o.deleted_at FROM clerk.organizations AS o WHERE o.id = x.object_id)
            WHEN 'organization_memberships' THEN (SELECT o.deleted_at FROM clerk.organization_memberships AS o WHERE o.id = x.object_id)
            WHEN 'organization_invitations' THEN (SELECT o.deleted_at FROM clerk.organization_invitations AS o WHERE o.id = x.object_id)
            WHEN 'organization_domains' THEN (SELECT o.deleted_at FROM clerk.organization_domains AS o WHERE o.id = x.object_id)
            WHEN 'roles' THEN (SELECT o.deleted_at FROM clerk.roles AS o WHERE o.id = x.object_id)
            WHEN 'permissions' THEN (SELECT o.deleted_at FROM clerk.permissions AS o WHERE o.id = x.object_id)
            WHEN 'sessions' THEN (SELECT o.deleted_at FROM clerk.sessions AS o WHERE o.id = x.object_id)
            WHEN 'subscriptions' THEN (SELECT o.deleted_at FROM clerk.subscriptions AS o WHERE o.id = x.object_id)
        END IS NULL THEN false
        ELSE clerk._erases((SELECT a.instance_id FROM clerk.webhook_events AS a WHERE a.id = x.id))
    END AS is_erased
) AS gone
WHERE e.id = x.id
