-- Takes up the last run of purpose $1, kind $2, instance $3 and source $4 again, where it was cut off less than a day ago and
-- what it needs is still there, as a part of the call of $5 (milliseconds). Gives its id, cursor, and how many objects of how many were read.
WITH cut_off AS (
    UPDATE clerk.sync_runs AS o SET status = 'failed', finished_at = pg_catalog.clock_timestamp(), last_error = 'cut off'
    WHERE o.kind = $2 AND o.status = 'running' AND o.id <> (
        SELECT pg_catalog.max(id) FROM clerk.sync_runs WHERE purpose = $1 AND kind = $2 AND instance_id = $3)
)
UPDATE clerk.sync_runs AS r SET
    status = 'running', called_at = clerk._time($5), resumed_at = pg_catalog.clock_timestamp(), updated_at = pg_catalog.clock_timestamp(),
    finished_at = NULL, done_before = done, last_error = NULL
WHERE r.id = (
        SELECT pg_catalog.max(id) FROM clerk.sync_runs WHERE purpose = $1 AND kind = $2 AND instance_id = $3)
    AND r.source = $4 AND r.status IN ('running', 'failed') AND r.cursor IS NOT NULL
    AND r.updated_at > pg_catalog.clock_timestamp() - interval '1 day'
    AND (r.purpose = 'backfill'
        OR r.kind = 'subscriptions'
        -- Unlogged: it is lost whole, or not at all.
        OR EXISTS (SELECT FROM clerk.sync_seen AS s WHERE s.run_id = r.id))
RETURNING r.id, r.cursor::text, r.done, r.total
