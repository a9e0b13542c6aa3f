-- The last call of purpose $1 that was cut off at one of the kinds $2, in milliseconds. No row where none was, or where it began
-- too long ago: a kind that fails each time must not keep the others from being read again.
SELECT (extract(epoch FROM r.called_at) * 1000)::bigint
FROM clerk.sync_runs AS r
WHERE r.purpose = $1 AND r.kind = ANY ($2) AND r.status IN ('running', 'failed')
    AND r.called_at > pg_catalog.clock_timestamp() - CASE $1 WHEN 'backfill' THEN interval '1 day' ELSE interval '1 hour' END
    AND r.id = (SELECT pg_catalog.max(id) FROM clerk.sync_runs AS l
        WHERE l.purpose = $1 AND l.instance_id = r.instance_id AND l.kind = r.kind)
ORDER BY r.id DESC
LIMIT 1
