-- Tables with a policy whose comment says that it was made here, and holds the text $1.
SELECT DISTINCT p.polrelid
FROM pg_catalog.pg_policy AS p
    JOIN pg_catalog.pg_description AS d ON d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_policy'::regclass
WHERE pg_catalog.starts_with(d.description, 'clerk_sync: ') AND pg_catalog.strpos(d.description, $1) > 0
ORDER BY p.polrelid
