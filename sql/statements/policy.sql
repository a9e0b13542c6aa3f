-- The policy $1, to be compared: its conditions as parsed.
SELECT p.polpermissive, p.polcmd::text,
    (SELECT pg_catalog.array_agg(r.name ORDER BY r.name COLLATE "C")
        FROM (SELECT CASE WHEN role = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(role)::text END AS name
            FROM pg_catalog.unnest(p.polroles) AS role) AS r),
    p.polqual::text, p.polwithcheck::text
FROM pg_catalog.pg_policy AS p WHERE p.oid = $1
