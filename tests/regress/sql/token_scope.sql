-- A token counts in the transaction that set it, and nowhere else: on a pooled connection what an earlier
-- transaction left behind belongs to somebody else.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob"}'`
\pset null (null)
SET ROLE regress_app;

-- SET LOCAL and set_config(..., true): until the transaction ends, either way.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
COMMIT;
SELECT clerk_user_id();
BEGIN;
SELECT set_config('clerk_sync.token', :'bob', true) = :'bob' AS set;
SELECT clerk_user_id();
ROLLBACK;
SELECT clerk_user_id();

-- SET without LOCAL: it is the setting transaction's; the next one is refused, with a hint, until it is removed
-- or replaced. No statement of it reads the earlier person's identity.
BEGIN;
SET clerk_sync.token = :'alice';
SELECT clerk_user_id();
COMMIT;
SELECT clerk_user_id();
\echo :LAST_ERROR_SQLSTATE
SELECT name, code
FROM unnest('{clerk_user_id(),clerk_org_id(),clerk_org_slug(),clerk_org_role(),clerk_session_id(),clerk_actor_id(),
    clerk_claims(),clerk_claim(''sub''),clerk_has_role(''admin''),clerk_has_permission(''a''),clerk_has_feature(''a''),
    clerk_has_plan(''a''),clerk_reverified(''lax''),clerk_require_user(),clerk_owns(''user_alice''),
    clerk_in_org(''a'')}'::text[]) AS name, testing.outcome('SELECT ' || name);
BEGIN;
SET LOCAL clerk_sync.token = :'bob';
SELECT clerk_user_id();
COMMIT;
-- The end of that transaction brings the old value back, and it is as stale as before.
SELECT code FROM testing.outcome('SELECT clerk_user_id()');

-- Nothing makes a stale value young: not a savepoint, not writing the shown value's name, not a setting of a function.
BEGIN;
SAVEPOINT before_bob;
SET LOCAL clerk_sync.token = :'bob';
SELECT clerk_user_id();
ROLLBACK TO before_bob;
SELECT code, result FROM testing.outcome('SELECT clerk_user_id()');
SAVEPOINT released;
SET LOCAL clerk_sync.token = :'bob';
RELEASE released;
SELECT clerk_user_id();
ROLLBACK;
SELECT code FROM testing.outcome('SELECT clerk_user_id()');
BEGIN;
SET LOCAL clerk_sync.token = '';
SELECT clerk_user_id();
ROLLBACK;
RESET clerk_sync.token;
SELECT clerk_user_id();

-- Nor can the next client read a stale token, and so make it its own.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT current_setting('clerk_sync.token') = :'alice' AS shown_as_set;
COMMIT;
SET clerk_sync.token = :'alice';
SELECT current_setting('clerk_sync.token') = '' AS shown_as_unset;
BEGIN;
SET LOCAL clerk_sync.token FROM CURRENT;
SELECT clerk_user_id();
ROLLBACK;
BEGIN;
SELECT set_config('clerk_sync.token', current_setting('clerk_sync.token'), true) = '' AS copied_nothing;
SELECT clerk_user_id();
ROLLBACK;
RESET clerk_sync.token;

-- How the setting notes the transaction is no secret; a note that a client writes is not believed.
BEGIN;
SELECT set_config('clerk_sync.token', :'alice' || E'\x1f' || lpad(to_hex(n), 8, '0'), false) = :'alice' AS note_is_cut_off
FROM generate_series(1, 300) AS n GROUP BY 1;
SELECT clerk_user_id();
COMMIT;
SELECT code FROM testing.outcome('SELECT clerk_user_id()');
RESET clerk_sync.token;

-- Savepoints and rollbacks bring the earlier session of the same transaction back.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SAVEPOINT one;
SET LOCAL clerk_sync.token = :'bob';
SELECT clerk_user_id();
SAVEPOINT two;
SET LOCAL clerk_sync.token = '';
SELECT clerk_user_id();
ROLLBACK TO two;
SELECT clerk_user_id();
ROLLBACK TO one;
SELECT clerk_user_id();
SAVEPOINT three;
SET LOCAL clerk_sync.token = :'bob';
RELEASE three;
SELECT clerk_user_id();
COMMIT;

-- An exception block is a savepoint too.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT set_config('testing.bob', :'bob', true) <> '' AS set;
DO $$
BEGIN
    PERFORM set_config('clerk_sync.token', current_setting('testing.bob'), true);
    RAISE NOTICE 'inside: %', clerk_user_id();
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'caught: %', clerk_user_id();
END
$$;
COMMIT;

-- SET LOCAL over SET of one transaction; COMMIT keeps the session-wide value, for nobody.
BEGIN;
SET clerk_sync.token = :'alice';
SET LOCAL clerk_sync.token = :'bob';
SELECT clerk_user_id();
COMMIT;
SELECT code FROM testing.outcome('SELECT clerk_user_id()');
-- A session-wide SET that is rolled back was never there.
RESET clerk_sync.token;
BEGIN;
SET clerk_sync.token = :'alice';
ROLLBACK;
SELECT clerk_user_id();

-- RESET, RESET ALL, SET TO DEFAULT and DISCARD ALL clear it.
SET clerk_sync.token = :'alice';
RESET clerk_sync.token;
SELECT clerk_user_id(), current_setting('clerk_sync.token') AS token;
SET clerk_sync.token = :'alice';
SET clerk_sync.token TO DEFAULT;
SELECT clerk_user_id(), current_setting('clerk_sync.token') AS token;
SET clerk_sync.token = :'alice';
RESET ALL;
SELECT clerk_user_id(), current_setting('clerk_sync.token') AS token;
SET clerk_sync.token = :'alice';
DISCARD ALL;
SET ROLE regress_app;
SELECT clerk_user_id(), current_setting('clerk_sync.token') AS token;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
RESET ALL;
SELECT clerk_user_id();
COMMIT;

-- A function with a setting of its own runs as that person, and its caller does not become that person.
RESET ROLE;
SELECT format('CREATE FUNCTION testing.as_bob() RETURNS text LANGUAGE plpgsql SET clerk_sync.token = %L
    AS $$ BEGIN RETURN clerk_user_id(); END $$', :'bob') AS statement \gset
:statement;
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id(), testing.as_bob(), clerk_user_id();
COMMIT;
SELECT clerk_user_id(), testing.as_bob(), clerk_user_id();
SET clerk_sync.token = :'alice';
SELECT testing.as_bob();
SELECT code FROM testing.outcome('SELECT clerk_user_id()');
RESET clerk_sync.token;
RESET ROLE;
DROP FUNCTION testing.as_bob;

-- A token among the database's own settings is set by nobody in particular: it counts in no transaction.
ALTER DATABASE :"DBNAME" SET clerk_sync.token = 'x.y.z';
\c
SET ROLE regress_app;
SELECT code, result FROM testing.outcome('SELECT clerk_user_id()');
BEGIN;
SELECT code, result FROM testing.outcome('SELECT clerk_user_id()');
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
COMMIT;
RESET clerk_sync.token;
SELECT code, result FROM testing.outcome('SELECT clerk_user_id()');
RESET ROLE;
ALTER DATABASE :"DBNAME" RESET clerk_sync.token;
\c

-- The setting is in no list.
SELECT clerk_user_id();
SET clerk_sync.token = 'a secret';
SELECT count(*) FROM pg_settings WHERE name = 'clerk_sync.token' OR setting LIKE '%secret%';
RESET clerk_sync.token;

-- clerk_sync.token_scope = session: for connections that belong to one person. Only a superuser may say so.
SET ROLE regress_app;
SET clerk_sync.token_scope = session;
\echo :LAST_ERROR_SQLSTATE
SELECT code FROM testing.outcome('SELECT set_config(''clerk_sync.token_scope'', ''session'', true)');
RESET ROLE;
SET clerk_sync.token_scope = session;
SET ROLE regress_app;
SET clerk_sync.token = :'alice';
SELECT clerk_user_id();
SELECT clerk_user_id();
BEGIN;
SET LOCAL clerk_sync.token = :'bob';
SELECT clerk_user_id();
COMMIT;
SELECT clerk_user_id();
RESET clerk_sync.token;
SELECT clerk_user_id();
RESET ROLE;
SET clerk_sync.token_scope = transaction;

-- Before the library is loaded. Each \c is a new backend, in which the first request function loads it.
\c
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
COMMIT;
SELECT clerk_user_id();

\c
SET ROLE regress_app;
SET clerk_sync.token = :'alice';
SELECT clerk_user_id();
SELECT clerk_user_id();

\c
SET ROLE regress_app;
BEGIN;
SET clerk_sync.token = :'alice';
SELECT clerk_user_id();
COMMIT;
SELECT code FROM testing.outcome('SELECT clerk_user_id()');

-- ... a stale value, and one of this transaction in a savepoint over it.
\c
SET ROLE regress_app;
SET clerk_sync.token = :'alice';
BEGIN;
SAVEPOINT before_bob;
SET LOCAL clerk_sync.token = :'bob';
SELECT clerk_user_id();
ROLLBACK TO before_bob;
SELECT code, result FROM testing.outcome('SELECT clerk_user_id()');
ROLLBACK;
SELECT code, result FROM testing.outcome('SELECT clerk_user_id()');

-- ... and rolled back before anybody looked.
\c
SET ROLE regress_app;
SET clerk_sync.token = :'alice';
BEGIN;
SAVEPOINT before_bob;
SET LOCAL clerk_sync.token = :'bob';
ROLLBACK TO before_bob;
SELECT code, result FROM testing.outcome('SELECT clerk_user_id()');
ROLLBACK;
SELECT code, result FROM testing.outcome('SELECT clerk_user_id()');

-- ... and an exception block over nothing.
\c
SET ROLE regress_app;
BEGIN;
SAVEPOINT nothing;
SET LOCAL clerk_sync.token = :'alice';
ROLLBACK TO nothing;
SELECT clerk_user_id();
COMMIT;

-- The settings of superusers, set too early by a plain role, come to nothing.
\c
SET ROLE regress_app;
SET clerk_sync.trust_request_claims = on;
SET clerk_sync.token_scope = session;
SET clerk_sync.token = :'alice';
SELECT code, result FROM testing.outcome('SELECT clerk_user_id()');
SHOW clerk_sync.trust_request_claims;
SHOW clerk_sync.token_scope;
RESET clerk_sync.token;
SELECT set_config('request.jwt.claims', '{"iss":"https://clerk.example.com","sub":"user_alice","sid":"s","exp":4e9}', false) <> '' AS set;
SELECT clerk_user_id();

-- A misspelt setting is an error once the library is loaded.
SET clerk_sync.tokn = 'x';
