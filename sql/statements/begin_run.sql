-- Begins a run: purpose $1, kind $2, instance $3, source $4, part of the call of $5 (milliseconds). The caller holds the claim on
-- the kind: what else is called running is nobody's.
WITH cut_off AS (
    UPDATE clerk.sync_runs SET
        status = 'failed', finished_at = pg_catalog.clock_timestamp(), last_error = coalesce(last_error, 'cut off')
    WHERE kind = $2 AND status = 'running'
)
INSERT INTO clerk.sync_runs (purpose, kind, instance_id, source, called_at)
VALUES ($1, $2, $3, $4, clerk._time($5))
RETURNING id, NULL::text, 0::bigint, NULL::bigint
