-- Up to $1 events that are due, the oldest first, but for those that somebody else works on; and of long ones no more than
-- 16 MiB, yet one. What is locked beyond that is taken next.
WITH taken AS MATERIALIZED (
    SELECT id, attempts, body, next_attempt_at, received_at
    FROM clerk.webhook_events
    -- By a subquery: a volatile function is never looked up in an index.
    WHERE next_attempt_at <= (SELECT pg_catalog.clock_timestamp())
    ORDER BY next_attempt_at, received_at, id
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), measured AS (
    SELECT id, attempts, body,
        pg_catalog.sum(pg_catalog.octet_length(body)) OVER w AS total,
        pg_catalog.row_number() OVER w AS place
    FROM taken
    WINDOW w AS (ORDER BY next_attempt_at, received_at, id ROWS UNBOUNDED PRECEDING)
)
SELECT id, attempts, body FROM measured
WHERE place = 1 OR total <= 16777216
ORDER BY place
