-- The call of purpose $1, instance $2 and source $3 that was cut off, in milliseconds, and those of its kinds ($4) that came to
-- their end. No row where none was, or where it began too long ago: a kind that fails each time must not keep the others from
-- being read again.
SELECT (extract(epoch FROM call.called_at) * 1000)::bigint, ARRAY(
    SELECT r.kind FROM clerk.sync_runs AS r
    WHERE r.purpose = $1 AND r.instance_id = $2 AND r.source = $3 AND r.called_at = call.called_at
        AND r.status IN ('done', 'skipped', 'held back') AND r.kind = ANY ($4))
FROM (
    SELECT r.called_at FROM clerk.sync_runs AS r
    WHERE r.purpose = $1 AND r.instance_id = $2 AND r.source = $3 AND r.kind = ANY ($4)
        AND r.status IN ('running', 'failed') AND r.called_at > pg_catalog.clock_timestamp()
            - CASE $1 WHEN 'backfill' THEN interval '1 day' ELSE interval '1 hour' END
        AND r.id = (SELECT pg_catalog.max(id) FROM clerk.sync_runs AS l
            WHERE l.purpose = $1 AND l.instance_id = $2 AND l.kind = r.kind)
    ORDER BY r.id DESC
    LIMIT 1
) AS call
