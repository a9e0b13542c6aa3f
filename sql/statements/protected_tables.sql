-- Tables with a policy whose comment says that it was made here.
SELECT DISTINCT p.polrelid
FROM pg_catalog.pg_policy AS p
    JOIN pg_catalog.pg_description AS d ON d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_policy'::regclass
WHERE pg_catalog.starts_with(d.description, 'clerk_sync: ')
ORDER BY p.polrelid
