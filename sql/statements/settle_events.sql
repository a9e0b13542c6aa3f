-- Writes back what became of the events in the JSON array $1. The body goes with the object that was erased.
UPDATE clerk.webhook_events AS e SET
    status = x.status,
    kind = coalesce(x.kind, e.kind),
    object_id = coalesce(x.object_id, e.object_id),
    attempts = x.attempts,
    next_attempt_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => x.delay),
    applied_at = CASE WHEN x.status IN ('applied', 'stale', 'ignored') THEN pg_catalog.clock_timestamp() END,
    last_error = x.error,
    body = CASE WHEN x.status IN ('failed', 'received') OR NOT clerk._is_erased(e.instance_id, x.kind, x.object_id)
        THEN e.body END
FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x (
    id text, status text, kind text, object_id text, attempts integer, delay double precision, error text
)
WHERE e.id = x.id
