-- The test kit: sessions without tokens, for testers only, until the transaction ends. No road leads a request to one.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob"}'`
\pset null (null)
CREATE EXTENSION clerk_sync_test;
CREATE ROLE regress_authenticator LOGIN NOINHERIT;
GRANT regress_app TO regress_authenticator;
CREATE TABLE public.notes (id integer PRIMARY KEY, owner text DEFAULT clerk_user_id());
INSERT INTO public.notes VALUES (1, 'user_alice'), (2, 'user_alice'), (3, 'user_bob');
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON public.notes USING (clerk_owns(owner));
GRANT SELECT, INSERT ON public.notes TO regress_app;

-- What it brings, and who may call it. Only _assume has rights of its own, and looks at who logged in.
SELECT proname, prosecdef AS definer, aclexplode.grantee = 0 AS public, pg_get_function_arguments(pg_proc.oid) AS arguments
FROM pg_proc, aclexplode(proacl)
WHERE pronamespace = 'clerk_test'::regnamespace AND grantee <> proowner ORDER BY 1;
SELECT extversion = (SELECT extversion FROM pg_extension WHERE extname = 'clerk_sync') AS version_is_the_same,
    extrelocatable AS relocatable
FROM pg_extension WHERE extname = 'clerk_sync_test';
SELECT pg_describe_object(classid, objid, objsubid) AS without_comment
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'clerk_sync_test')
    AND obj_description(objid, classid::regclass::name) IS NULL;

-- Somebody with everything.
BEGIN;
SELECT clerk_test.act_as('user_alice', 'org_acme', 'admin', '{org:docs:read,org:docs:write}', 'pro', '{reports,u:beta}', '{1,2}',
    actor_id => 'user_support', claims => '{"name": "Alice", "org_slug": "acme"}', as_role => 'regress_app');
SELECT clerk_test.whoami();
SELECT clerk_user_id(), clerk_org_id(), clerk_org_slug(), clerk_org_role(), clerk_session_id(), clerk_actor_id(), clerk_claim('name');
SELECT clerk_has_role('admin') AS role, clerk_has_permission('org:docs:write') AS permission, clerk_has_permission('org:docs:delete') AS other,
    clerk_has_plan('o:pro') AS plan_of_org, clerk_has_plan('u:pro') AS plan_of_user, clerk_has_feature('o:reports') AS feature,
    clerk_has_feature('u:beta') AS feature_of_user, clerk_reverified('strict_mfa') AS reverified;
SELECT jsonb_pretty(clerk_claims());
SELECT * FROM public.notes ORDER BY id;
SAVEPOINT written;
INSERT INTO public.notes (id) VALUES (4) RETURNING owner;
ROLLBACK TO written;
-- In the middle of a test, the role is a request's already.
SELECT clerk_test.act_as('user_bob', org_role => 'org:member', org_id => 'org_acme', plan => 'u:plus', as_role => 'regress_app');
SELECT clerk_test.whoami(), clerk_has_plan('u:plus') AS plan_of_user, clerk_claim('org_role') AS role;
SELECT * FROM public.notes ORDER BY id;
SELECT clerk_test.act_as('user_bob', plan => 'plus', features => '{a}', as_role => 'regress_app');
SELECT clerk_claim('pla') AS plan, clerk_claim('fea') AS features, clerk_org_id();
-- Claims of version 2 are read as such.
SELECT clerk_test.act_as('user_bob', claims => '{"v": 2, "fea": "o:docs", "o": {"id": "org_2", "rol": "admin", "per": "read", "fpm": "1"}}',
    as_role => 'regress_app');
SELECT clerk_test.whoami(), clerk_has_permission('org:docs:read');
-- A session with tasks left counts as signed out.
SELECT clerk_test.act_as('user_bob', pending => true, as_role => 'regress_app');
SELECT clerk_test.whoami(), clerk_claims();
COMMIT;
SELECT clerk_test.whoami();

-- The role: as_role, else the setting, else authenticated, else the present one, unless it is above row security.
BEGIN;
SELECT * FROM testing.outcome($$SELECT clerk_test.act_as('user_alice')$$);
SET LOCAL clerk_test.request_role = regress_other;
SELECT clerk_test.act_as('user_alice');
SELECT clerk_test.whoami();
SET LOCAL clerk_test.request_role = '';
SELECT clerk_test.act_as('user_bob');
SELECT clerk_test.whoami();
SELECT clerk_test.stop();
CREATE ROLE authenticated;
CREATE ROLE anon;
CREATE ROLE service_role BYPASSRLS;
SELECT clerk_test.act_as('user_alice');
SELECT clerk_test.whoami();
SELECT clerk_test.act_as_anonymous();
SELECT clerk_test.whoami();
SELECT clerk_test.act_as_service();
SELECT clerk_test.whoami();
SET LOCAL clerk_test.anonymous_role = regress_app;
SET LOCAL clerk_test.service_role = regress_other;
SELECT clerk_test.act_as_anonymous();
SELECT clerk_test.whoami();
SELECT clerk_test.act_as_service();
SELECT clerk_test.whoami();
SELECT clerk_test.act_as_service('regress_app');
SELECT clerk_test.whoami();
ROLLBACK;
SELECT * FROM testing.outcome($$SELECT clerk_test.act_as_service()$$);
SELECT * FROM testing.outcome($$SELECT clerk_test.act_as_anonymous()$$);
SELECT * FROM testing.outcome($$SELECT clerk_test.act_as('user_alice', as_role => 'none')$$);
SELECT * FROM testing.outcome($$SELECT clerk_test.act_as('user_alice', as_role => 'regress "; DROP')$$);

-- Nobody is nobody, whatever the request carries; stop() goes back to what it says.
SELECT jsonb_build_object('authorization', 'Bearer ' || :'alice')::text AS headers_of_alice \gset
BEGIN;
SET LOCAL request.headers = :'headers_of_alice';
SELECT clerk_user_id();
SELECT clerk_test.act_as_anonymous('regress_app');
SELECT clerk_test.whoami(), (SELECT count(*) FROM public.notes) AS notes;
SELECT clerk_test.act_as('user_bob', as_role => 'regress_app');
SELECT clerk_test.whoami();
SELECT clerk_test.stop();
SELECT clerk_test.whoami();
COMMIT;

-- ROLLBACK TO undoes it; an exception block is a savepoint too; a real token takes its place, and the other way round.
SET clerk_test.request_role = regress_app;
BEGIN;
SAVEPOINT one;
SELECT clerk_test.act_as('user_alice');
SAVEPOINT two;
SELECT clerk_test.act_as('user_bob');
SELECT clerk_test.whoami();
ROLLBACK TO two;
SELECT clerk_test.whoami();
DO $$
BEGIN
    PERFORM clerk_test.act_as('user_bob');
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE '%', clerk_test.whoami();
END
$$;
SET LOCAL clerk_sync.token = :'bob';
SELECT clerk_user_id();
SELECT clerk_test.act_as('user_alice');
SELECT clerk_user_id();
SET LOCAL clerk_sync.token = '';
SELECT clerk_user_id();
ROLLBACK TO one;
SELECT clerk_test.whoami();
SELECT clerk_test.act_as('user_alice');
RESET ALL;
SELECT clerk_user_id();
COMMIT;
SET clerk_test.request_role = regress_app;
BEGIN;
SELECT clerk_test.act_as('user_alice');
COMMIT;
SELECT clerk_test.whoami();
-- Outside a transaction block it lasts as long as its statement.
SELECT clerk_test.act_as('user_alice');
SELECT clerk_test.whoami();
SELECT clerk_test.act_as('user_alice'), clerk_user_id();
DISCARD ALL;
SELECT clerk_test.whoami();
-- Also where tokens count for the whole session, and without any instance to trust.
SET clerk_test.request_role = regress_app;
SET clerk_sync.token_scope = session;
BEGIN;
SELECT clerk_test.act_as('user_alice');
COMMIT;
SELECT clerk_test.whoami();
RESET clerk_sync.token_scope;
BEGIN;
SELECT clerk.remove_instance('https://clerk.example.com');
SELECT clerk_test.act_as('user_alice');
SELECT clerk_test.whoami();
ROLLBACK;

-- Claims that are no session.
SELECT a.statement, o.result, o.code, o.detail FROM (VALUES ($$clerk_test.act_as(NULL)$$), ($$clerk_test.act_as('')$$),
    ($$clerk_test.act_as('user_a', org_role => 'admin')$$), ($$clerk_test.act_as('user_a', permissions => '{a}')$$),
    ($$clerk_test.act_as('user_a', claims => '[]')$$), ($$clerk_test.act_as('user_a', claims => '{"sub": 5}')$$),
    ($$clerk_test.act_as('user_a', claims => '{"sub": "{{user.id}}"}')$$),
    ($$clerk_test.act_as('user_a', claims => jsonb_build_object('x', repeat('x', 20000)))$$),
    ($$clerk._assume_session('"user_a"')$$), ($$clerk._assume_session('{}')$$), ($$clerk._assume_session('{"sub": ["a"]}')$$)
) AS a (statement), testing.outcome('SELECT ' || a.statement) AS o;

-- expect: a line of TAP for each statement, which leaves nothing behind.
BEGIN;
SELECT clerk_test.act_as('user_alice');
SELECT clerk_test.expect('SELECT * FROM notes', rows => 2);
SELECT clerk_test.expect('SELECT * FROM notes', rows => 3, description => 'alice sees everything');
SELECT clerk_test.expect('INSERT INTO notes VALUES (7)', rows => 1);
SELECT clerk_test.expect($$INSERT INTO notes VALUES (7, 'user_bob')$$, refused => true, description => 'no row in another''s name');
SELECT clerk_test.expect($$INSERT INTO notes VALUES (7, 'user_bob')$$, rows => 1);
SELECT clerk_test.expect($$INSERT INTO notes VALUES (7, 'user_bob')$$, refused => false);
SELECT clerk_test.expect('INSERT INTO notes VALUES (1)', error => '23505');
SELECT clerk_test.expect('SELECT * FROM notes', error => '23505');
SELECT clerk_test.expect('SELECT * FROM notes', refused => true);
SELECT clerk_test.expect('SELECT * FROM notes', refused => false);
SELECT clerk_test.expect('DELETE FROM notes', refused => true, description => 'nobody deletes');
SELECT clerk_test.expect($$SELECT clerk_test.act_as('user_bob')$$, rows => 1);
SELECT clerk_test.whoami(), count(*) FROM notes;
SELECT * FROM testing.outcome($$SELECT clerk_test.expect('SELECT 1')$$);
SELECT code FROM testing.outcome($$SELECT clerk_test.expect('SELECT 1', rows => 1, refused => true)$$);
COMMIT;

-- A request's role cannot, whoever made it its role: the session was opened by somebody else.
SET SESSION AUTHORIZATION regress_authenticator;
SELECT a.statement, o.code, o.result FROM (VALUES ($$clerk_test.act_as('user_alice')$$), ($$clerk_test.act_as_anonymous()$$),
    ($$clerk_test.act_as_service('regress_app')$$), ('clerk_test.stop()'), ($$clerk_test._assume('{"sub": "user_alice"}')$$),
    ($$clerk_test._act_as_persona('{"user_id": "user_alice"}')$$),
    ($$clerk._assume_session('{"sub": "user_alice"}')$$), ($$clerk_test.access_matrix('public.notes', '{}')$$)
) AS a (statement), testing.outcome('SELECT ' || a.statement) AS o;
SET ROLE regress_app;
SELECT * FROM testing.outcome($$SELECT clerk_test.act_as('user_alice')$$);
SELECT code FROM testing.outcome($$SELECT clerk._assume_session('{"sub": "user_alice"}')$$);
SELECT clerk_test.whoami();
RESET ROLE;
RESET SESSION AUTHORIZATION;
-- A tester can, in the roles that it is a member of.
GRANT clerk_tester TO regress_authenticator;
SET SESSION AUTHORIZATION regress_authenticator;
BEGIN;
SELECT clerk_test.act_as('user_alice', as_role => 'regress_app');
SELECT clerk_test.whoami();
SELECT clerk_test.act_as_anonymous('regress_app');
SELECT clerk_test.whoami();
SELECT code FROM testing.outcome($$SELECT clerk_test.act_as('user_alice', as_role => 'regress_other')$$);
SELECT clerk_test.stop();
SELECT clerk_test.whoami();
COMMIT;
RESET SESSION AUTHORIZATION;
REVOKE clerk_tester FROM regress_authenticator;
-- An administrator of the main extension could sign any token, so it may assume claims, too. Not others.
BEGIN;
SET LOCAL ROLE regress_admin;
SELECT clerk._assume_session('{"sub": "user_alice"}');
SELECT clerk_user_id();
ROLLBACK;

-- The value of the setting that carries it is never shown, and cannot be made by hand: by no road is it more than a
-- malformed token.
\set forged '\002{"sub":"user_alice"}'
\set forged_nobody '\002'
BEGIN;
SELECT clerk_test.act_as('user_alice');
SELECT current_setting('clerk_sync.token') = '' AS hidden;
SHOW clerk_sync.token;
SET LOCAL clerk_sync.token FROM CURRENT;
SELECT clerk_user_id();
COMMIT;
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'forged';
SELECT code, result, detail FROM testing.outcome('SELECT clerk_user_id()');
SELECT set_config('clerk_sync.token', :'forged', true) IS NULL AS set;
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
SELECT set_config('clerk_sync.token', current_setting('clerk_sync.token'), true) IS NULL AS set;
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
SELECT set_config('clerk_sync.token', :'forged_nobody', true) IS NULL AS set;
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
SELECT set_config('clerk_sync.token', E'\x1f' || :'forged', true) IS NULL AS set;
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
SELECT code, detail FROM testing.outcome_as(:'forged' || E'\x1f' || '00000001', 'SELECT clerk_user_id()');
-- Between two sessions of a tester, and in its own transaction.
ROLLBACK;
SET clerk_sync.token = :'forged';
SELECT code FROM testing.outcome('SELECT clerk_user_id()');
RESET clerk_sync.token;
RESET ROLE;
BEGIN;
SELECT clerk_test.act_as('user_bob');
SAVEPOINT forged;
SET LOCAL clerk_sync.token = :'forged';
SELECT code FROM testing.outcome('SELECT clerk_user_id()');
ROLLBACK TO forged;
SELECT clerk_user_id();
COMMIT;
-- A setting of a function.
SELECT format('CREATE FUNCTION testing.forged() RETURNS text LANGUAGE plpgsql SET clerk_sync.token = %L
    AS $$ BEGIN RETURN clerk_user_id(); END $$', :'forged') AS statement \gset
:statement;
SET ROLE regress_app;
SELECT code, detail FROM testing.outcome('SELECT testing.forged()');
RESET ROLE;
DROP FUNCTION testing.forged;
-- The settings of a database and of a role; start-up options. Also with the scope of a session.
ALTER DATABASE :"DBNAME" SET clerk_sync.token = :'forged';
ALTER DATABASE :"DBNAME" SET clerk_sync.token_scope = session;
\c
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
ALTER DATABASE :"DBNAME" RESET clerk_sync.token;
ALTER ROLE regress_authenticator SET clerk_sync.token = :'forged';
\c - regress_authenticator
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
\c -reuse-previous=off "dbname=contrib_regression"
\set options `echo "$PGOPTIONS"`
\set forging_options :options ' -c clerk_sync.token=' :forged
\setenv PGOPTIONS :forging_options
\c -reuse-previous=off "dbname=contrib_regression"
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
\setenv PGOPTIONS :options
\c -reuse-previous=off "dbname=contrib_regression"
-- Before the library is loaded.
SET ROLE regress_app;
SET clerk_sync.token = :'forged';
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
\c
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'forged';
SAVEPOINT one;
SET LOCAL clerk_sync.token = :'bob';
SAVEPOINT two;
SET LOCAL clerk_sync.token = :'forged';
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
ROLLBACK TO two;
SELECT clerk_user_id();
ROLLBACK TO one;
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
COMMIT;
\c
ALTER DATABASE :"DBNAME" RESET clerk_sync.token_scope;
\c

-- Parallel workers get the session from their leader, and a forged one is refused there, too.
CREATE TABLE public.many (owner text);
INSERT INTO public.many SELECT CASE n % 4 WHEN 0 THEN 'user_alice' ELSE 'user_bob' END FROM generate_series(1, 4000) AS n;
ALTER TABLE public.many SET (parallel_workers = 2, autovacuum_enabled = off);
ANALYZE public.many;
GRANT SELECT ON public.many TO regress_app;
-- With an argument, so that it is asked for each row, where the row is read.
CREATE FUNCTION testing.in_worker(owner text) RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE STABLE AS $$
BEGIN
    RETURN pg_backend_pid() <> current_setting('testing.leader')::integer;
END $$;
SELECT set_config('testing.leader', pg_backend_pid()::text, false) <> '' AS set;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
SET clerk_test.request_role = regress_app;
BEGIN;
SELECT clerk_test.act_as('user_alice', 'org_acme');
SELECT count(*), min(owner), max(owner) FROM public.many WHERE testing.in_worker(owner) AND owner = clerk_user_id();
SELECT clerk_test.act_as('user_bob');
SELECT count(*), min(owner), max(owner) FROM public.many WHERE testing.in_worker(owner) AND owner = clerk_user_id();
SELECT clerk_test.act_as_anonymous('regress_app');
SET LOCAL request.headers = :'headers_of_alice';
SELECT count(*) FROM public.many WHERE testing.in_worker(owner) AND (owner = clerk_user_id()) IS NULL;
SAVEPOINT forged;
SET LOCAL clerk_sync.token = :'forged';
SET LOCAL plan_cache_mode = force_generic_plan;
\set SHOW_CONTEXT never
SELECT count(*) FROM public.many WHERE testing.in_worker(owner) AND (owner = clerk_user_id()) IS NULL;
\echo :LAST_ERROR_SQLSTATE
COMMIT;

RESET clerk_test.request_role;
DROP TABLE public.many, public.notes;
DROP FUNCTION testing.in_worker;
DROP EXTENSION clerk_sync_test;
SELECT count(*) AS leftovers FROM pg_namespace WHERE nspname = 'clerk_test';
REVOKE regress_app FROM regress_authenticator;
DROP ROLE regress_authenticator;
