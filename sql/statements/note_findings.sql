-- Notes the findings in the JSON array $2 for run $1 of kind $3.
INSERT INTO clerk.sync_findings AS f (
    run_id, kind, object_id, finding, updated_at_here, updated_at_there, checked_at, repaired_at, reason
)
SELECT DISTINCT ON (object_id) $1, $3, object_id, finding, clerk._time(here), clerk._time(there), NULL::timestamptz,
    CASE WHEN is_repaired THEN pg_catalog.clock_timestamp() END, reason
FROM pg_catalog.jsonb_to_recordset($2::jsonb) AS x (
    object_id text, finding text, here bigint, there bigint, is_repaired boolean, reason text)
ORDER BY object_id
ON CONFLICT (run_id, object_id) DO UPDATE SET
    finding = excluded.finding, updated_at_here = excluded.updated_at_here, updated_at_there = excluded.updated_at_there,
    repaired_at = excluded.repaired_at, reason = excluded.reason
