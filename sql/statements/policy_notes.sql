-- Comments of policies that were made here, and hold the text $1, with their tables. Whoever owns a table may
-- write longer ones than a note ever is: they are passed over unread.
SELECT p.polrelid, d.description
FROM pg_catalog.pg_policy AS p
    JOIN pg_catalog.pg_description AS d ON d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_policy'::regclass
WHERE CASE WHEN pg_catalog.octet_length(d.description) <= 131072
    THEN pg_catalog.starts_with(d.description, 'clerk_sync: ') AND pg_catalog.strpos(d.description, $1) > 0 END
ORDER BY p.polrelid, p.polname
