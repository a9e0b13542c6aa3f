-- Row security driven by the token: people of two organizations and a stranger, by every road to a table.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","o":{"id":"org_acme","rol":"admin"}}'`
\set anna `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_anna","v":null,"org_id":"org_acme","org_role":"org:member"}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob","o":{"id":"org_globex","rol":"member"}}'`
\set stranger `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_stranger"}'`
\set forged `clerk-testing sign --key "$CLERK_FORGED_KEYS" --lifetime 600 --claims '{"sub":"user_alice","o":{"id":"org_acme","rol":"admin"}}'`
\pset null (null)

-- The owner may do anything, the organization read, its admin also delete.
CREATE TABLE public.documents (
    id integer PRIMARY KEY,
    title text NOT NULL,
    owner text NOT NULL DEFAULT clerk_user_id(),
    org text DEFAULT clerk_org_id()
);
INSERT INTO public.documents VALUES
    (1, 'alice at acme', 'user_alice', 'org_acme'), (2, 'anna at acme', 'user_anna', 'org_acme'),
    (3, 'bob at globex', 'user_bob', 'org_globex'), (4, 'alice alone', 'user_alice', NULL);
ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON public.documents USING (clerk_owns(owner)) WITH CHECK (owner = clerk_user_id());
CREATE POLICY readers ON public.documents FOR SELECT USING (clerk_in_org(org));
CREATE POLICY admins ON public.documents FOR DELETE USING (org = clerk_org_id() AND clerk_has_role('admin'));
GRANT SELECT, INSERT, UPDATE, DELETE ON public.documents TO regress_app;

-- What a statement would do under a token; it is rolled back.
CREATE FUNCTION testing.undone(token text, statement text, OUT result text, OUT code text) LANGUAGE plpgsql AS $body$
BEGIN
    SELECT outcome.result, outcome.code INTO result, code FROM testing.outcome_as(token, statement) AS outcome;
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    -- The variables keep what they were given; the rows do not.
    NULL;
END
$body$;

SELECT rolname, rolsuper OR rolbypassrls AS above_row_security FROM pg_roles WHERE rolname = 'regress_app';
SET ROLE regress_app;

-- Each sees what is theirs. No organization is not an organization that one shares with others without.
SELECT who, coalesce(code, result) AS sees
FROM (VALUES (1, 'alice', :'alice'), (2, 'anna', :'anna'), (3, 'bob', :'bob'), (4, 'a stranger', :'stranger'),
    (5, 'nobody', ''), (6, 'a forger', :'forged')) AS people (number, who, token),
    testing.outcome_as(token, 'SELECT string_agg(title, '', '' ORDER BY id) FROM public.documents')
ORDER BY number;

-- Each changes what the policies allow, and no other row: the ids of the rows reached.
SELECT statement, who, coalesce(code, result) AS rows
FROM (VALUES (1, 'alice', :'alice'), (2, 'anna', :'anna'), (3, 'bob', :'bob'), (4, 'a stranger', :'stranger'),
    (5, 'nobody', ''), (6, 'a forger', :'forged')) AS people (number, who, token),
    (VALUES (1, 'update all', 'WITH reached AS (UPDATE public.documents SET title = upper(title) RETURNING id)'),
        (2, 'delete all', 'WITH reached AS (DELETE FROM public.documents RETURNING id)'),
        (3, 'insert as oneself', 'WITH reached AS (INSERT INTO public.documents (id, title) VALUES (9, ''new'') RETURNING id)'),
        (4, 'insert as alice', 'WITH reached AS (INSERT INTO public.documents VALUES (9, ''new'', ''user_alice'') RETURNING id)'),
        (5, 'give away', 'WITH reached AS (UPDATE public.documents SET owner = ''user_zoe'' RETURNING id)')
    ) AS statements (order_of, statement, with_reached),
    LATERAL (SELECT * FROM testing.undone(token, with_reached || ' SELECT string_agg(id::text, '','' ORDER BY id) FROM reached')) AS undone
ORDER BY order_of, number;

-- Where no row is let through, a statement says so by its count, and an insert is an error.
BEGIN;
SET LOCAL clerk_sync.token = :'bob';
INSERT INTO public.documents (id, title, owner) VALUES (9, 'in her name', 'user_alice');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- A view with the rights of a plain role, a function with its owner's rights, PL/pgSQL: the session is the caller's.
RESET ROLE;
GRANT SELECT ON public.documents TO regress_other;
CREATE VIEW public.titles AS SELECT title FROM public.documents;
ALTER VIEW public.titles OWNER TO regress_other;
GRANT SELECT ON public.titles TO regress_app;
CREATE FUNCTION public.count_as_definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER STABLE
    SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM public.documents';
ALTER FUNCTION public.count_as_definer() OWNER TO regress_other;
CREATE FUNCTION public.who_as_superuser() RETURNS text LANGUAGE sql SECURITY DEFINER STABLE
    SET search_path = pg_catalog, pg_temp AS 'SELECT public.clerk_user_id()';
CREATE FUNCTION public.count_in_plpgsql() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE seen bigint := 0; document record;
BEGIN
    FOR document IN SELECT * FROM public.documents LOOP seen := seen + 1; END LOOP;
    RETURN seen;
END $$;
SET ROLE regress_app;
SELECT who,
    (testing.outcome_as(token, 'SELECT count(*) FROM public.titles')).result AS view,
    (testing.outcome_as(token, 'SELECT public.count_as_definer()')).result AS definer,
    (testing.outcome_as(token, 'SELECT public.count_in_plpgsql()')).result AS plpgsql,
    (testing.outcome_as(token, 'SELECT public.who_as_superuser()')).result AS user_in_definer
FROM (VALUES (1, 'alice', :'alice'), (2, 'bob', :'bob'), (3, 'nobody', '')) AS people (number, who, token)
ORDER BY number;

-- COPY TO gives the person's rows. COPY FROM fills the defaults from the session (into a table without row security:
-- Postgres allows no other).
BEGIN;
SET LOCAL clerk_sync.token = :'bob';
COPY public.documents TO STDOUT;
COPY (SELECT title FROM public.documents) TO STDOUT;
CREATE TEMP TABLE drafts (id integer, owner text DEFAULT clerk_user_id(), org text DEFAULT clerk_org_id());
COPY drafts (id) FROM STDIN;
10
11
\.
SELECT * FROM drafts;
ROLLBACK;
BEGIN;
SET LOCAL clerk_sync.token = :'forged';
COPY public.documents TO STDOUT;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- A token that is the data of a COPY, a column or a parameter is data: it signs in nobody.
CREATE TEMP TABLE letters (token text);
COPY letters FROM STDIN;
eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyX2FsaWNlIn0.c2ln
\.
INSERT INTO letters VALUES (:'alice');
SELECT clerk_user_id(), count(*) FROM letters;
DROP TABLE letters;

-- A trigger stamps the writer, whatever the client wrote; it runs in the writer's session.
RESET ROLE;
CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.owner := clerk_require_user(); NEW.org := clerk_org_id(); RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE INSERT ON public.documents FOR EACH ROW EXECUTE FUNCTION public.stamp();
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'bob';
INSERT INTO public.documents VALUES (11, 'stamped', 'user_alice', 'org_acme') RETURNING *;
ROLLBACK;
BEGIN;
INSERT INTO public.documents VALUES (11, 'stamped', 'user_alice', 'org_acme');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
RESET ROLE;
DROP TRIGGER stamp ON public.documents;
SET ROLE regress_app;

-- A cursor over a scan asks for each row, so a change of the token between two FETCHes counts from the next row on: never a row of
-- the person who left.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
DECLARE rows CURSOR FOR SELECT title FROM public.documents;
FETCH rows;
SET LOCAL clerk_sync.token = :'bob';
FETCH ALL rows;
SAVEPOINT forged;
CLOSE rows;
DECLARE rows CURSOR FOR SELECT title FROM public.documents;
SET LOCAL clerk_sync.token = :'forged';
FETCH rows;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
-- One that outlives its transaction holds what its maker saw then.
BEGIN;
SET LOCAL clerk_sync.token = :'bob';
DECLARE held CURSOR WITH HOLD FOR SELECT title FROM public.documents;
COMMIT;
FETCH ALL held;
CLOSE held;

-- Prepared statements: whatever the plan, the person is the one of the execution.
PREPARE titles AS SELECT string_agg(title, ', ' ORDER BY id) FROM public.documents;
PREPARE who (text) AS SELECT clerk_user_id(), clerk_owns($1);
BEGIN;
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL clerk_sync.token = :'alice';
EXECUTE titles;
EXECUTE who ('user_alice');
SET LOCAL clerk_sync.token = :'bob';
EXECUTE titles;
EXECUTE who ('user_alice');
SET LOCAL clerk_sync.token = '';
EXECUTE titles;
EXECUTE who ('user_alice');
COMMIT;
EXECUTE titles;
BEGIN;
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL clerk_sync.token = :'alice';
EXECUTE titles;
SET LOCAL clerk_sync.token = :'bob';
EXECUTE titles;
SAVEPOINT forged;
SET LOCAL clerk_sync.token = :'forged';
EXECUTE titles;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO forged;
EXECUTE titles;
COMMIT;
-- Ten executions under different people, so that the cache goes over to a generic plan by itself.
SELECT n, (testing.outcome_as(CASE n % 3 WHEN 0 THEN :'alice' WHEN 1 THEN :'bob' ELSE '' END, 'EXECUTE titles')).result
FROM generate_series(1, 10) AS n;
DEALLOCATE titles;
DEALLOCATE who;

-- PL/pgSQL caches its plans too.
RESET ROLE;
CREATE FUNCTION public.mine() RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT string_agg(title, ', ' ORDER BY id) FROM public.documents WHERE owner = clerk_user_id()); END $$;
SET ROLE regress_app;
SELECT n, (testing.outcome_as(CASE n % 3 WHEN 0 THEN :'alice' WHEN 1 THEN :'bob' ELSE '' END, 'SELECT public.mine()')).result
FROM generate_series(1, 10) AS n;

-- A subquery, which Postgres runs once, and a join give the same.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT id FROM public.documents WHERE owner = (SELECT clerk_user_id()) ORDER BY id;
SELECT documents.id FROM public.documents JOIN (VALUES (clerk_user_id())) AS me (id) ON owner = me.id ORDER BY 1;
COMMIT;

RESET ROLE;
DROP VIEW public.titles;
DROP TABLE public.documents;
DROP FUNCTION public.count_as_definer, public.who_as_superuser, public.count_in_plpgsql, public.stamp, public.mine;
DROP FUNCTION testing.undone;
