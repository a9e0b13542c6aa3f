-- A parallel worker answers as its leader: it has the token from the leader and verifies it itself, and what is
-- refused in the leader is refused there.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","name":"Alice","o":{"id":"org_acme","rol":"admin"}}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob"}'`
\set forged `clerk-testing sign --key "$CLERK_FORGED_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\pset null (null)
-- Whether an error is noticed in a worker or before does not matter.
\set SHOW_CONTEXT never

CREATE TABLE public.rows (owner text, role text);
INSERT INTO public.rows
SELECT CASE n % 4 WHEN 0 THEN 'user_alice' WHEN 1 THEN 'user_bob' ELSE 'user_zoe' END, 'admin'
FROM generate_series(1, 4000) AS n;
ALTER TABLE public.rows SET (parallel_workers = 2, autovacuum_enabled = off);
ANALYZE public.rows;
ALTER TABLE public.rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON public.rows USING (clerk_owns(owner));
GRANT SELECT ON public.rows TO regress_app;

-- Whether it runs in a worker. Marked safe, which it is.
CREATE FUNCTION testing.in_worker() RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE STABLE AS $$
BEGIN
    RETURN pg_backend_pid() <> current_setting('testing.leader')::integer;
END $$;

-- All the work in workers, none in the leader.
CREATE FUNCTION testing.parallel() RETURNS void LANGUAGE sql AS $$
    SELECT set_config('parallel_setup_cost', '0', false), set_config('parallel_tuple_cost', '0', false),
        set_config('min_parallel_table_scan_size', '0', false), set_config('max_parallel_workers_per_gather', '2', false),
        set_config('parallel_leader_participation', 'off', false),
        set_config('testing.leader', pg_backend_pid()::text, false)
$$;
SELECT testing.parallel();
SET ROLE regress_app;

BEGIN;
SET LOCAL clerk_sync.token = :'alice';
EXPLAIN (COSTS OFF) SELECT count(*) FROM public.rows;
SELECT count(*), min(owner), max(owner) FROM public.rows;
-- Every function, in a worker.
SELECT DISTINCT testing.in_worker(), clerk_user_id(), clerk_org_id(), clerk_claim('name'), clerk_claims() ->> 'sub' AS sub,
    clerk_has_role(role), clerk_require_role(role), clerk_owns(owner)
FROM public.rows;
SET LOCAL clerk_sync.token = :'bob';
SELECT DISTINCT testing.in_worker(), clerk_user_id(), clerk_org_id(), clerk_has_role(role) FROM public.rows;
-- In a savepoint, and after it.
SAVEPOINT alice;
SET LOCAL clerk_sync.token = :'alice';
SELECT DISTINCT testing.in_worker(), clerk_user_id() FROM public.rows;
ROLLBACK TO alice;
SELECT DISTINCT testing.in_worker(), clerk_user_id() FROM public.rows;
COMMIT;

-- Nobody.
SELECT count(*) FROM public.rows;

-- What follows asks with plans that were made before, so that no planning in the leader looks at the token first.
RESET ROLE;
CREATE POLICY roles ON public.rows USING (clerk_has_role(role));
SET ROLE regress_app;
SET plan_cache_mode = force_generic_plan;
PREPARE seen AS SELECT count(*), bool_and(testing.in_worker()) AS in_worker FROM public.rows;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
EXECUTE seen;
COMMIT;

-- A forged token is refused there, with the same error.
BEGIN;
SET LOCAL clerk_sync.token = :'forged';
EXECUTE seen;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- A token that an earlier transaction left behind is as stale in a worker.
SET clerk_sync.token = :'alice';
EXECUTE seen;
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SAVEPOINT bob;
SET LOCAL clerk_sync.token = :'bob';
EXECUTE seen;
ROLLBACK TO bob;
EXECUTE seen;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
RESET clerk_sync.token;

-- From the headers of a request: the same session, a bad token the status of PostgREST, stale headers as stale.
SELECT jsonb_build_object('authorization', 'Bearer ' || :'alice')::text AS headers_of_alice,
    jsonb_build_object('authorization', 'Bearer ' || :'forged')::text AS headers_of_a_forger \gset
BEGIN;
SET LOCAL request.headers = :'headers_of_alice';
EXECUTE seen;
SELECT DISTINCT testing.in_worker(), clerk_user_id(), clerk_has_role(role) FROM public.rows;
COMMIT;
EXECUTE seen;
BEGIN;
SET LOCAL request.headers = :'headers_of_a_forger';
EXECUTE seen;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SET request.headers = :'headers_of_alice';
EXECUTE seen;
\echo :LAST_ERROR_SQLSTATE
RESET request.headers;

-- The same for the claims of a gateway, where they are believed.
RESET ROLE;
SET clerk_sync.trust_request_claims = on;
SET ROLE regress_app;
\set claims '{"iss":"https://clerk.example.com","sub":"user_alice","sid":"sess_1","exp":4000000000,"o":{"id":"org_acme","rol":"admin"}}'
BEGIN;
SET LOCAL request.jwt.claims = :'claims';
EXECUTE seen;
COMMIT;
SET request.jwt.claims = :'claims';
EXECUTE seen;
\echo :LAST_ERROR_SQLSTATE
RESET request.jwt.claims;
RESET ROLE;
RESET clerk_sync.trust_request_claims;

-- Where a superuser lets a token count for the whole session, it does so in a worker.
SET clerk_sync.token_scope = session;
SET ROLE regress_app;
SET clerk_sync.token = :'bob';
SELECT DISTINCT testing.in_worker(), clerk_user_id() FROM public.rows;
SET clerk_sync.token = :'alice';
EXECUTE seen;
RESET clerk_sync.token;
RESET ROLE;
RESET clerk_sync.token_scope;
SET ROLE regress_app;

-- A key that this transaction removes is gone for its workers too.
BEGIN;
SET LOCAL ROLE regress_admin;
SELECT clerk.remove_signing_key('https://clerk.example.com', 'ins_test');
SET LOCAL ROLE regress_app;
SET LOCAL clerk_sync.token = :'alice';
EXECUTE seen;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
EXECUTE seen;
COMMIT;
DEALLOCATE seen;
RESET plan_cache_mode;

-- A worker of a backend that never asked itself: the library is loaded in the worker first.
\c
SET plan_cache_mode = force_generic_plan;
SELECT testing.parallel();
SET ROLE regress_app;
PREPARE seen AS SELECT count(*), bool_and(testing.in_worker()) AS in_worker FROM public.rows;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
EXECUTE seen;
COMMIT;

RESET ROLE;
DROP TABLE public.rows;
DROP FUNCTION testing.in_worker, testing.parallel;
