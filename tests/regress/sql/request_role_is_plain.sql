-- The roles that the tests make requests as are plain ones, so that what they do not see is row security's
-- doing; and they may do nothing in schema clerk.

SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication
FROM pg_roles WHERE rolname IN ('regress_app', 'regress_other', 'regress_admin', 'clerk_admin')
ORDER BY rolname;

-- None of them is a member of a role that is more, but for the administrator of clerk_admin.
SELECT member::regrole, roleid::regrole FROM pg_auth_members
WHERE member::regrole::text IN ('regress_app', 'regress_other', 'regress_admin', 'clerk_admin');

-- Everybody may call every request function; nobody but clerk_admin may do anything with the rest.
SELECT role, kind, count(*) AS objects, count(*) FILTER (WHERE allowed) AS allowed
FROM (VALUES ('regress_app'), ('regress_admin')) AS roles (role)
CROSS JOIN LATERAL (
    SELECT CASE pronamespace WHEN 'clerk'::regnamespace THEN 'administration' ELSE 'request function' END,
        has_function_privilege(role, pg_proc.oid, 'EXECUTE')
    FROM pg_proc JOIN pg_depend ON classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
    WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'clerk_sync')
    UNION ALL
    SELECT privilege || ' table', has_table_privilege(role, pg_class.oid, privilege)
    FROM pg_class, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS privilege
    WHERE relnamespace = 'clerk'::regnamespace AND relkind = 'r'
    UNION ALL
    SELECT privilege || ' schema', has_schema_privilege(role, 'clerk', privilege)
    FROM unnest('{USAGE,CREATE}'::text[]) AS privilege
) AS checks (kind, allowed)
GROUP BY role, kind ORDER BY role, kind;

-- Tried in fact.
SET ROLE regress_app;
SELECT statement, code, result
FROM unnest(ARRAY[
    'SELECT issuer FROM clerk.instances',
    'SELECT kid FROM clerk.signing_keys',
    'INSERT INTO clerk.signing_keys DEFAULT VALUES',
    'DELETE FROM clerk.instances',
    $$SELECT clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k')$$,
    $$SELECT clerk.add_signing_keys('https://clerk.example.com', '{}')$$,
    $$SELECT clerk.remove_signing_key('https://clerk.example.com', 'ins_test')$$,
    $$SELECT clerk.remove_instance('https://clerk.example.com')$$,
    'SELECT clerk.refresh_signing_keys()',
    $$SELECT clerk.inspect_token('')$$,
    'CREATE TABLE clerk.mine ()',
    'DROP EXTENSION clerk_sync',
    'SELECT clerk_user_id()'
]) AS statement, testing.outcome(statement);
RESET ROLE;

-- Usage of the schema, granted by mistake, still opens neither tables nor functions.
BEGIN;
GRANT USAGE ON SCHEMA clerk TO regress_app;
SET LOCAL ROLE regress_app;
SELECT statement, code, result
FROM unnest(ARRAY[
    'SELECT issuer FROM clerk.instances',
    'SELECT kid FROM clerk.signing_keys',
    $$SELECT clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k')$$,
    $$SELECT clerk.add_signing_keys('https://clerk.example.com', '{}')$$,
    $$SELECT clerk.remove_signing_key('https://clerk.example.com', 'ins_test')$$,
    $$SELECT clerk.remove_instance('https://clerk.example.com')$$,
    'SELECT clerk.refresh_signing_keys()',
    $$SELECT clerk.inspect_token('')$$
]) AS statement, testing.outcome(statement);
ROLLBACK;
