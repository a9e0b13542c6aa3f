-- Whether an event is due. By the first of the index: an estimate of how many are due would be a guess.
SELECT coalesce((
    SELECT pg_catalog.min(next_attempt_at) FROM clerk.webhook_events WHERE next_attempt_at IS NOT NULL
) <= pg_catalog.clock_timestamp(), false)
