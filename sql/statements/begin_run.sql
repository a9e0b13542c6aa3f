-- Begins a run: purpose $1, kind $2, instance $3, source $4.
INSERT INTO clerk.sync_runs (purpose, kind, instance_id, source) VALUES ($1, $2, $3, $4)
RETURNING id, NULL::text, 0::bigint, NULL::bigint
