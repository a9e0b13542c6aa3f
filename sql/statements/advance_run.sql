-- Notes how far run $1 got: the checkpoint $2, done $3, total $4; and adds what the page brought and cost.
UPDATE clerk.sync_runs SET
    cursor = $2::jsonb, done = $3, total = $4, updated_at = pg_catalog.clock_timestamp(),
    written = written + $5, unchanged = unchanged + $6, refused = refused + $7, missing = missing + $8, stale = stale + $9,
    requests = requests + $10, request_time = request_time + $11 * interval '1 microsecond'
WHERE id = $1
