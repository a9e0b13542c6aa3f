-- A role that can run any SQL of its own: what it may define, set and put first in its search_path changes nothing
-- for policies, for the request functions and for the functions of administrators.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","o":{"id":"org_acme","rol":"admin"}}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob"}'`
\set jwks `cat "$CLERK_TEST_KEYS/jwks.json"`
\set forged_jwks `cat "$CLERK_FORGED_KEYS/jwks.json"`
\set forged `clerk-testing sign --key "$CLERK_FORGED_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\pset null (null)

CREATE TABLE public.secrets (owner text, org text, secret text);
INSERT INTO public.secrets VALUES ('user_alice', 'org_acme', 'alice''s'), ('user_bob', 'org_globex', 'bob''s');
ALTER TABLE public.secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON public.secrets FOR SELECT USING (clerk_owns(owner));
CREATE POLICY organization ON public.secrets FOR SELECT USING (clerk_in_org(org) AND clerk_has_role('admin'));
GRANT SELECT ON public.secrets TO regress_other;
-- The attacker has a schema to write into, which most request roles do not.
CREATE SCHEMA hostile AUTHORIZATION regress_other;
CREATE VIEW public.everything AS SELECT secret FROM public.secrets;
GRANT SELECT ON public.everything TO regress_other;

SET ROLE regress_other;

-- Functions of the same names, an equality that always holds, a type, tables.
CREATE FUNCTION hostile.yes(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR hostile.= (FUNCTION = hostile.yes, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION hostile.clerk_user_id() RETURNS text LANGUAGE sql AS $$ SELECT 'user_alice'::text $$;
CREATE FUNCTION hostile.clerk_org_id() RETURNS text LANGUAGE sql AS $$ SELECT 'org_acme'::text $$;
CREATE FUNCTION hostile.clerk_has_role(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION hostile.clerk_owns(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION hostile.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'x'::text $$;
CREATE TABLE hostile.instances (issuer text, authorized_parties text[], audiences text[], clock_skew interval,
    allow_templates boolean, allow_pending boolean);
CREATE TEMP TABLE instances (LIKE hostile.instances);
CREATE TEMP TABLE signing_keys (issuer text, kid text, modulus text, exponent text);
INSERT INTO pg_temp.instances VALUES ('https://clerk.example.com', '{}', '{}', '5 min', true, true);
INSERT INTO pg_temp.signing_keys SELECT 'https://clerk.example.com', 'ins_test', key ->> 'n', key ->> 'e'
FROM (SELECT :'forged_jwks'::jsonb -> 'keys' -> 0) AS keys (key);
CREATE FUNCTION pg_temp.clerk_user_id() RETURNS text LANGUAGE sql AS $$ SELECT 'user_alice'::text $$;
CREATE DOMAIN pg_temp.text AS pg_catalog.text;

-- What the attacker sees with a search_path and a token.
CREATE FUNCTION pg_temp.attack(path pg_catalog.text, token pg_catalog.text, OUT result pg_catalog.text, OUT code pg_catalog.text)
LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM pg_catalog.set_config('clerk_sync.token', token, true);
    PERFORM pg_catalog.set_config('search_path', path, true);
    SELECT outcome.result, outcome.code INTO result, code
    FROM testing.outcome('SELECT pg_catalog.string_agg(secret, '','') FROM public.secrets') AS outcome;
END
$body$;

-- A schema named clerk cannot be squatted, nor one be made in another's name.
CREATE SCHEMA clerk_too;
\echo :LAST_ERROR_SQLSTATE

-- The attack is a real one: it fools a function that a policy might have called instead, in SQL that is parsed when
-- it runs.
RESET ROLE;
CREATE FUNCTION public.naive_owns(text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 = clerk_user_id()';
SET ROLE regress_other;
BEGIN;
SET LOCAL search_path = pg_temp, hostile, pg_catalog, public;
SELECT public.naive_owns('anybody'), public.clerk_owns('anybody'), hostile.clerk_owns('anybody');
COMMIT;

-- With any search_path: nothing without a token, an error with a forged one, and bob's own with bob's.
SELECT path, nobody.secrets AS nobody, forged.secrets AS forged, bob.secrets AS bob
FROM unnest(ARRAY['public', 'hostile, public', 'pg_temp, hostile, pg_catalog, public', 'hostile', 'pg_temp', '']) AS path,
    LATERAL (SELECT coalesce(code, result) AS secrets FROM pg_temp.attack(path, '')) AS nobody,
    LATERAL (SELECT coalesce(code, result) AS secrets FROM pg_temp.attack(path, :'forged')) AS forged,
    LATERAL (SELECT coalesce(code, result) AS secrets FROM pg_temp.attack(path, :'bob')) AS bob;

-- The same through the view, which runs with its owner's rights over the table: an owner without row security would
-- show all of it, so views for requests are made security_invoker (from 15 on) or owned by a plain role.
RESET ROLE;
ALTER VIEW public.everything OWNER TO regress_app;
GRANT SELECT ON public.secrets TO regress_app;
SET ROLE regress_other;
SELECT * FROM public.everything;
BEGIN;
SET LOCAL search_path = hostile, pg_temp, pg_catalog, public;
SET LOCAL clerk_sync.token = :'bob';
SELECT * FROM public.everything;
COMMIT;

-- SET of every setting there is. Those that decide trust are refused; a claim that a client writes is nothing.
SELECT name, code
FROM unnest('{clerk_sync.trust_request_claims=on,clerk_sync.token_scope=session,clerk_sync.ca_file=ca.pem,
    clerk_sync.http_timeout=100,session_replication_role=replica,row_security=off}'::text[]) AS setting,
    split_part(setting, '=', 1) AS name,
    testing.outcome(format('SELECT set_config(%L, %L, true)', name, split_part(setting, '=', 2)));
SET row_security = off;
SELECT secret FROM public.secrets;
\echo :LAST_ERROR_SQLSTATE
RESET row_security;
SELECT '{"sub":"user_alice","iss":"https://clerk.example.com","sid":"sess_1","exp":4102444800,"role":"service_role"}' AS claims \gset
BEGIN;
SELECT set_config('request.jwt.claims', :'claims', true) = :'claims' AS set;
SELECT clerk_user_id(), clerk_org_id(), clerk_claims(), clerk_has_role('admin');
SELECT secret FROM public.secrets;
SELECT set_config(name, value, true) <> '' AS set
FROM (VALUES
    ('request.jwt.claim.sub', 'user_alice'), ('request.jwt.claim', :'claims'),
    ('request.headers', '{"authorization":"user_alice","x-clerk-user-id":"user_alice"}'),
    ('request.method', 'GET'), ('request.cookies', '{"__session":"x"}'), ('clerk_sync_.token', 'x'),
    ('clerk.user_id', 'user_alice'), ('app.user_id', 'user_alice')
) AS settings (name, value) GROUP BY 1;
SELECT clerk_user_id(), clerk_org_id(), clerk_claims(), clerk_has_role('admin');
SELECT secret FROM public.secrets;
COMMIT;

-- Other ways to become somebody: each is an error.
SELECT statement, code
FROM unnest(ARRAY[
    'ALTER ROLE regress_other BYPASSRLS', 'GRANT clerk_admin TO regress_other',
    'ALTER TABLE public.secrets DISABLE ROW LEVEL SECURITY', 'DROP POLICY owner ON public.secrets',
    'CREATE OR REPLACE FUNCTION public.clerk_user_id() RETURNS text LANGUAGE sql AS $$ SELECT ''user_alice'' $$',
    'ALTER FUNCTION public.clerk_user_id() RENAME TO gone', 'DROP FUNCTION public.clerk_user_id() CASCADE',
    'ALTER DATABASE contrib_regression SET clerk_sync.trust_request_claims = on',
    'ALTER ROLE regress_other SET clerk_sync.trust_request_claims = on',
    'ALTER FUNCTION hostile.clerk_owns(pg_catalog.text) SET clerk_sync.trust_request_claims = on',
    'CREATE FUNCTION hostile.f() RETURNS text LANGUAGE c AS ''clerk_sync'', ''clerk_user_id''',
    'ALTER EXTENSION clerk_sync SET SCHEMA hostile', 'COMMENT ON EXTENSION clerk_sync IS ''mine'''
]) AS statement, testing.outcome(statement);

-- A leaky function in the query itself sees only the rows that the policy lets through.
CREATE FUNCTION hostile.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
AS $$ BEGIN RAISE NOTICE 'leaked: %', $1; RETURN true; END $$;
BEGIN;
SET LOCAL clerk_sync.token = :'bob';
SELECT secret FROM public.secrets WHERE hostile.leak(secret);
COMMIT;
RESET ROLE;

-- An administrator with a hostile search_path and temporary tables calls what was meant. (The = of this very query
-- is the hostile one: it lets all rows through.)
SET search_path = pg_temp, hostile, pg_catalog, public;
SELECT item, value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false);
SELECT * FROM clerk.add_signing_keys('https://clerk.example.com', :'jwks');
SELECT "check", ok FROM clerk.inspect_token(:'bob') WHERE "check" IN ('signature', 'verdict');
SELECT "check", ok FROM clerk.inspect_token(:'forged') WHERE "check" IN ('signature', 'verdict');
RESET search_path;

DROP VIEW public.everything;
DROP FUNCTION public.naive_owns;
DROP TABLE public.secrets;
SET client_min_messages = warning;
DROP SCHEMA hostile CASCADE;
RESET client_min_messages;
DISCARD TEMP;
