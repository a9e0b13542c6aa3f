-- Ends run $1 with status $2, error $3; adds the requests $4 and their time $5 in microseconds. What it has seen is of no
-- use any more, unless it can be taken up again.
WITH seen AS (
    DELETE FROM clerk.sync_seen WHERE run_id = $1 AND $2 <> 'failed'
)
UPDATE clerk.sync_runs SET
    status = $2, last_error = $3, finished_at = pg_catalog.clock_timestamp(), requests = requests + $4,
    request_time = request_time + $5 * interval '1 microsecond'
WHERE id = $1
