-- A row of which nothing is known but the id $1, and the instance where the issuer $2 tells it. Any event outranks it.
INSERT INTO clerk.users (id, instance_id, updated_at, event_at)
SELECT $1, coalesce((SELECT pg_catalog.min(kid) FROM clerk.signing_keys WHERE issuer = $2 HAVING pg_catalog.count(*) = 1), ''),
    clerk._time(0), clerk._time(0)
ON CONFLICT (id) DO NOTHING
