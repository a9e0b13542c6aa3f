-- Stores an event once. $9: seconds until it is due, NULL where it is not.
INSERT INTO clerk.webhook_events (
    id, instance_id, type, kind, object_id, event_at, status, attempts, next_attempt_at, applied_at, last_error, body
)
VALUES (
    $1, $2, $3, $4, $5, clerk._time($6), $7, $8,
    pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $9),
    CASE WHEN $7 IN ('applied', 'ignored') THEN pg_catalog.clock_timestamp() END, $10, $11
)
ON CONFLICT (id) DO NOTHING
