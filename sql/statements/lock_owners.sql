-- Locks the ids $1 until the transaction ends, exclusively where $2 says so; always in the same order.
SELECT CASE WHEN l.exclusive THEN pg_catalog.pg_advisory_xact_lock(l.key)
    ELSE pg_catalog.pg_advisory_xact_lock_shared(l.key) END
FROM (
    SELECT pg_catalog.hashtextextended(a.id, 7018696) AS key, pg_catalog.bool_or(a.exclusive) AS exclusive
    FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS a (id, exclusive)
    GROUP BY 1 ORDER BY 1
    OFFSET 0
) AS l
