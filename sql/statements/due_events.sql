-- Up to $1 events that are due, the oldest first, but for those that somebody else works on.
SELECT id, attempts, body FROM clerk.webhook_events
WHERE next_attempt_at <= pg_catalog.clock_timestamp()
ORDER BY next_attempt_at, received_at, id
LIMIT $1
FOR UPDATE SKIP LOCKED
