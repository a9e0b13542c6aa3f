-- CREATE EXTENSION, DROP and CREATE again, in a database of its own, with the functions in a schema of their own.

\set jwks `cat "$CLERK_TEST_KEYS/jwks.json"`
\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
SELECT current_database() AS home \gset
CREATE DATABASE regression_lifecycle;
\c regression_lifecycle
\set VERBOSITY terse
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

--
-- The library without the extension, as a superuser's mistake would have it: nobody is signed in, and a token is
-- an error.
--
LOAD 'clerk_sync';
CREATE FUNCTION user_id_of_library() RETURNS text LANGUAGE c STABLE AS 'clerk_sync', 'clerk_user_id';
SELECT user_id_of_library();
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT user_id_of_library();
ROLLBACK;
DROP FUNCTION user_id_of_library;

--
-- What is there before is never adopted: neither a schema clerk nor a function of the same name.
--
CREATE SCHEMA extensions;
GRANT USAGE ON SCHEMA extensions TO PUBLIC;
CREATE SCHEMA clerk AUTHORIZATION regress_other;
CREATE EXTENSION clerk_sync SCHEMA extensions;
DROP SCHEMA clerk;
GRANT CREATE ON SCHEMA extensions TO regress_other;
SET ROLE regress_other;
CREATE FUNCTION extensions.clerk_user_id() RETURNS text LANGUAGE sql AS $$SELECT 'user_admin'$$;
RESET ROLE;
CREATE EXTENSION clerk_sync SCHEMA extensions;
DROP FUNCTION extensions.clerk_user_id;
REVOKE CREATE ON SCHEMA extensions FROM regress_other;
SELECT count(*) AS leftovers FROM pg_namespace WHERE nspname = 'clerk';

--
-- SCHEMA extensions. The role clerk_admin, which another database made, is no obstacle.
--
SELECT count(*) FROM pg_roles WHERE rolname = 'clerk_admin';
CREATE EXTENSION clerk_sync SCHEMA extensions;
CREATE EXTENSION clerk_sync;
SELECT extnamespace::regnamespace, extrelocatable, extconfig::regclass[] FROM pg_extension WHERE extname = 'clerk_sync';
SELECT pronamespace::regnamespace AS schema, count(*) > 5 AS functions
FROM pg_proc JOIN pg_depend ON objid = pg_proc.oid AND deptype = 'e' AND classid = 'pg_proc'::regclass
    JOIN pg_extension ON refobjid = pg_extension.oid AND extname = 'clerk_sync'
GROUP BY 1 ORDER BY 1;

-- Used by names with the schema, by a role whose search_path does not have it.
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false) WHERE item = 'instance';
SELECT outcome FROM clerk.add_signing_keys('https://clerk.example.com', :'jwks');
CREATE TABLE notes (owner text, note text);
INSERT INTO notes VALUES ('user_alice', 'hers'), ('user_bob', 'his');
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (extensions.clerk_owns(owner));
CREATE VIEW note_of_session AS SELECT note FROM notes WHERE owner = extensions.clerk_user_id();
GRANT SELECT ON notes, note_of_session TO regress_app;
SET ROLE regress_app;
SHOW search_path;
SELECT note FROM notes;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT note FROM notes;
SELECT note FROM note_of_session;
COMMIT;
RESET ROLE;

-- It stays in its schema, and its parts stay with it.
ALTER EXTENSION clerk_sync SET SCHEMA public;
DROP FUNCTION extensions.clerk_session_id();
DROP TABLE clerk.signing_keys;
DROP SCHEMA clerk CASCADE;

--
-- DROP is refused where policies stand on it; CASCADE takes them along, and closes the table.
--
\set VERBOSITY default
DROP EXTENSION clerk_sync;
\set VERBOSITY terse
BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION clerk_sync CASCADE;
SELECT to_regnamespace('clerk'), to_regclass('note_of_session'), to_regproc('extensions.clerk_user_id'),
    relrowsecurity FROM pg_class WHERE oid = 'notes'::regclass;
SET LOCAL ROLE regress_app;
SET LOCAL clerk_sync.token = :'alice';
SELECT count(*) FROM notes;
ROLLBACK;
-- The rollback brought it all back, for this very session.
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT note FROM notes;
COMMIT;
RESET ROLE;

--
-- Dropped and created again within one session: what was configured is gone, and nothing of it is remembered.
--
SET client_min_messages = warning;
DROP EXTENSION clerk_sync CASCADE;
RESET client_min_messages;
SELECT count(*) AS leftovers FROM pg_proc WHERE proname LIKE 'clerk%';
SELECT count(*) FROM pg_roles WHERE rolname = 'clerk_admin';
SELECT extensions.clerk_user_id();
-- The setting is the library's, which stays loaded; it opens nothing.
BEGIN;
SET LOCAL ROLE regress_app;
SET LOCAL clerk_sync.token = :'alice';
SELECT count(*) FROM notes;
COMMIT;
CREATE EXTENSION clerk_sync;
SELECT count(*) FROM clerk.instances;
SELECT clerk_user_id();
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
ROLLBACK;
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false) WHERE item = 'instance';
SELECT outcome FROM clerk.add_signing_keys('https://clerk.example.com', :'jwks');
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
COMMIT;
-- The new tables are watched as the old ones were.
SELECT clerk.remove_signing_key('https://clerk.example.com', 'ins_test');
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
ROLLBACK;
SELECT outcome FROM clerk.add_signing_keys('https://clerk.example.com', :'jwks');
-- In one transaction too.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
DROP EXTENSION clerk_sync;
CREATE EXTENSION clerk_sync;
SAVEPOINT before;
SELECT clerk_user_id();
ROLLBACK TO SAVEPOINT before;
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false) WHERE item = 'instance';
SELECT outcome FROM clerk.add_signing_keys('https://clerk.example.com', :'jwks');
SELECT clerk_user_id();
COMMIT;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
COMMIT;

-- Default privileges open nothing of it.
DROP EXTENSION clerk_sync;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_other, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_other, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_other, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_other, PUBLIC;
CREATE EXTENSION clerk_sync;
SELECT has_schema_privilege('regress_other', 'clerk', 'USAGE') AS schema;
SELECT relname FROM pg_class
WHERE relnamespace = 'clerk'::regnamespace AND relkind IN ('r', 'v', 'S')
    AND CASE relkind WHEN 'S' THEN has_sequence_privilege('regress_other', oid, 'USAGE, SELECT, UPDATE')
        ELSE has_table_privilege('regress_other', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') END;
SELECT oid::regprocedure FROM pg_proc
WHERE pronamespace = 'clerk'::regnamespace AND has_function_privilege('regress_other', oid, 'EXECUTE');
SELECT oid::regprocedure FROM pg_proc
WHERE proname ~ '^clerk_' AND NOT has_function_privilege('regress_other', oid, 'EXECUTE');

\c :home
DROP DATABASE regression_lifecycle;
