-- Whether an event is due. The time by a subquery: a volatile function is never looked up in an index.
SELECT EXISTS (
    SELECT FROM clerk.webhook_events WHERE next_attempt_at <= (SELECT pg_catalog.clock_timestamp())
)
