-- Whether an event is due.
SELECT EXISTS (SELECT FROM clerk.webhook_events WHERE next_attempt_at <= pg_catalog.clock_timestamp())
