-- The call of purpose $1, instance $2 and source $3 that was cut off less than a day ago, in milliseconds, and those of its kinds
-- ($4) that came to their end. No row where none was.
SELECT (extract(epoch FROM call.called_at) * 1000)::bigint, ARRAY(
    SELECT r.kind FROM clerk.sync_runs AS r
    WHERE r.purpose = $1 AND r.instance_id = $2 AND r.source = $3 AND r.called_at = call.called_at
        AND r.status IN ('done', 'skipped', 'held back') AND r.kind = ANY ($4))
FROM (
    SELECT r.called_at FROM clerk.sync_runs AS r
    WHERE r.purpose = $1 AND r.instance_id = $2 AND r.source = $3 AND r.kind = ANY ($4)
        AND r.status IN ('running', 'failed') AND r.updated_at > pg_catalog.clock_timestamp() - interval '1 day'
        AND r.id = (SELECT pg_catalog.max(id) FROM clerk.sync_runs AS l
            WHERE l.purpose = $1 AND l.instance_id = $2 AND l.kind = r.kind)
    ORDER BY r.id DESC
    LIMIT 1
) AS call
