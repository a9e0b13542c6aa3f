-- clerk.explain_access: which policies let a person through to a row, and why not.

\pset null -
\set SHOW_CONTEXT never
CREATE ROLE regress_owner;
GRANT clerk_admin, regress_app TO regress_owner;
CREATE ROLE regress_bypass BYPASSRLS;
CREATE ROLE regress_member;
GRANT regress_other TO regress_member;
CREATE TABLE public.documents (id integer PRIMARY KEY, owner text, org text, locked boolean, payload text);
INSERT INTO public.documents VALUES (1, 'user_alice', 'org_acme', false, '1'), (2, 'user_anna', 'org_acme', true, 'x'),
    (3, 'user_bob', NULL, NULL, '0');
ALTER TABLE public.documents OWNER TO regress_owner;
ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY;
SET ROLE regress_owner;
CREATE POLICY owner ON public.documents TO regress_app USING (clerk_owns(owner));
CREATE POLICY readers ON public.documents FOR SELECT USING (clerk_in_org(org));
CREATE POLICY giving ON public.documents FOR UPDATE USING (clerk_in_org(org)) WITH CHECK (owner IS NOT NULL);
CREATE POLICY others ON public.documents TO regress_other USING (true);
CREATE POLICY unlocked ON public.documents AS RESTRICTIVE FOR DELETE USING (NOT locked);
GRANT SELECT, INSERT, UPDATE, DELETE ON public.documents TO regress_app, regress_member, regress_bypass;

-- Her own row; a colleague's; a stranger's with a NULL in it; nobody.
SELECT * FROM clerk.explain_access('documents', '{"sub": "user_alice", "org_id": "org_acme"}', '1', 'regress_app');
SELECT * FROM clerk.explain_access('documents', '{"sub": "user_alice", "org_id": "org_acme"}', '2', 'regress_app');
SELECT * FROM clerk.explain_access('documents', '{"sub": "user_bob"}', '3', 'regress_app');
SELECT * FROM clerk.explain_access('documents', NULL, '1', 'regress_app');
SELECT * FROM clerk.explain_access('documents', '{"sub": "user_alice", "sts": "pending"}', '1', 'regress_app')
WHERE kind = 'verdict';
-- Without a row: what there is.
SELECT * FROM clerk.explain_access('documents', '{"sub": "user_alice"}', as_role => 'regress_app') WHERE command IN ('SELECT', 'INSERT');
-- Nothing is left behind.
SELECT current_user, clerk_user_id(), current_setting('search_path') AS path,
    (SELECT count(*) FROM pg_proc WHERE proname LIKE 'clerk\_explain%') AS functions;

-- What it says is what happens: every verdict against the statement itself, made by the test kit.
RESET ROLE;
CREATE EXTENSION clerk_sync_test;
CREATE TEMP TABLE people (who text, claims jsonb);
INSERT INTO people VALUES ('alice', '{"sub": "user_alice", "org_id": "org_acme"}'), ('anna', '{"sub": "user_anna", "org_id": "org_acme"}'),
    ('bob', '{"sub": "user_bob"}'), ('nobody', NULL);
CREATE FUNCTION testing.happens(claims jsonb, command text, key integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    content public.documents;
    line text;
BEGIN
    SELECT * INTO content FROM public.documents WHERE id = key;
    IF command = 'INSERT' THEN DELETE FROM public.documents WHERE id = key; END IF;
    IF claims IS NULL THEN
        PERFORM clerk_test.act_as_anonymous('regress_app');
    ELSE
        PERFORM clerk_test.act_as(claims ->> 'sub', claims ->> 'org_id', as_role => 'regress_app');
    END IF;
    line := clerk_test.expect(CASE command WHEN 'SELECT' THEN format('SELECT FROM public.documents WHERE id = %s', key)
        WHEN 'INSERT' THEN format('INSERT INTO public.documents SELECT (%L::public.documents).*', content)
        WHEN 'UPDATE' THEN format('UPDATE public.documents SET payload = payload WHERE id = %s', key)
        ELSE format('DELETE FROM public.documents WHERE id = %s', key) END, rows => 1);
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN line LIKE 'ok%';
END $$;
SELECT count(*) AS verdicts, count(*) FILTER (WHERE result IS DISTINCT FROM happens) AS wrong, count(*) FILTER (WHERE result) AS allowed
FROM people, generate_series(1, 3) AS key, clerk.explain_access('documents', claims, key::text, 'regress_app') AS e,
    testing.happens(claims, e.command, key) AS happens
WHERE e.kind = 'verdict';
DROP FUNCTION testing.happens;
DROP EXTENSION clerk_sync_test;

-- Other roles: who is above policies, who is not named by them, who is by membership, who lacks a privilege.
SELECT command, policy, applies, result, reason FROM clerk.explain_access('documents', '{"sub": "user_zoe"}', '1', 'regress_bypass')
WHERE command = 'SELECT';
SELECT command, policy, applies, result, reason FROM clerk.explain_access('documents', '{"sub": "user_zoe"}', '1', 'regress_owner')
WHERE command = 'SELECT';
ALTER TABLE public.documents FORCE ROW LEVEL SECURITY;
SELECT command, policy, applies, result, reason FROM clerk.explain_access('documents', '{"sub": "user_zoe"}', '1', 'regress_owner')
WHERE command = 'SELECT';
ALTER TABLE public.documents NO FORCE ROW LEVEL SECURITY;
SELECT command, policy, applies, result, reason FROM clerk.explain_access('documents', '{"sub": "user_zoe"}', '1', 'regress_member')
WHERE command = 'DELETE';
REVOKE DELETE ON public.documents FROM regress_app;
SELECT command, result, reason FROM clerk.explain_access('documents', '{"sub": "user_alice"}', '1', 'regress_app')
WHERE kind = 'verdict';
SELECT command, result, reason FROM clerk.explain_access('documents', '{"sub": "user_alice"}', '1') WHERE kind = 'verdict';
BEGIN;
CREATE ROLE authenticated;
CREATE ROLE anon;
SELECT command, result, reason FROM clerk.explain_access('documents', '{"sub": "user_alice"}', '1') WHERE policy = 'owner' LIMIT 1;
SELECT command, result, reason FROM clerk.explain_access('documents', NULL, '1') WHERE kind = 'verdict' LIMIT 1;
ROLLBACK;
ALTER TABLE public.documents DISABLE ROW LEVEL SECURITY;
SELECT command, result, reason FROM clerk.explain_access('documents', NULL, '1', 'regress_app') WHERE kind = 'verdict' LIMIT 1;
ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY;
-- An update that no SELECT policy lets the person find.
DROP POLICY owner ON public.documents;
SELECT command, result, reason FROM clerk.explain_access('documents', '{"sub": "user_alice", "org_id": "org_acme"}', '1', 'regress_app')
WHERE kind = 'verdict';
DROP POLICY readers ON public.documents;
SELECT command, result, reason FROM clerk.explain_access('documents', '{"sub": "user_alice", "org_id": "org_acme"}', '1', 'regress_app')
WHERE kind = 'verdict';

-- Expressions that fail, see other tables, or want more than they should. A function of a schema that the role may
-- not look into works, as it does in a policy; names are found by the caller's search_path.
CREATE SCHEMA hidden;
-- For whoever owns the table: what stands in its policies is parsed with the rights of its owner.
GRANT USAGE ON SCHEMA hidden TO regress_owner;
CREATE TABLE public.members (document integer, member text);
INSERT INTO public.members VALUES (1, 'user_alice'), (2, 'user_alice'), (2, 'user_bob');
ALTER TABLE public.members ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.members USING (member = clerk_user_id());
GRANT SELECT ON public.members TO regress_app;
CREATE FUNCTION hidden.is_member(document integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN EXISTS (SELECT FROM members WHERE members.document = is_member.document); END $$;
CREATE FUNCTION public.takes_over() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', 'postgres', true);
    RETURN true;
END $$;
CREATE POLICY members ON public.documents FOR SELECT USING (hidden.is_member(id));
CREATE POLICY subquery ON public.documents FOR SELECT
    USING (EXISTS (SELECT FROM public.members AS documents_members WHERE documents_members.document = documents.id));
CREATE POLICY whole_row ON public.documents FOR SELECT USING (documents IS NOT NULL);
CREATE POLICY fails ON public.documents FOR INSERT WITH CHECK (payload::integer > 0);
CREATE POLICY takes_over ON public.documents FOR DELETE USING (takes_over());
SELECT command, policy, result, reason FROM clerk.explain_access('documents', '{"sub": "user_bob"}', '2', 'regress_app')
WHERE command IN ('SELECT', 'INSERT') AND policy IS DISTINCT FROM 'others';
SELECT command, policy, result, reason FROM clerk.explain_access('documents', '{"sub": "user_bob"}', '1', 'regress_app')
WHERE command IN ('SELECT', 'INSERT') AND policy IS DISTINCT FROM 'others';
SELECT policy, result, reason FROM clerk.explain_access('documents', '{"sub": "user_bob"}', '1', 'regress_app') WHERE policy = 'takes_over';
SELECT policy, result, reason FROM clerk.explain_access('documents', '{"sub": "user_bob"}', '1', 'regress_bypass') WHERE policy = 'takes_over';

-- Hostile names, a composite key, a partitioned table.
CREATE SCHEMA "Other ""schema";
CREATE TABLE "Other ""schema"."t; DROP" ("t" integer, "k ""2" text, "documents" text, dropped text, PRIMARY KEY ("t", "k ""2"))
    PARTITION BY LIST ("t");
ALTER TABLE "Other ""schema"."t; DROP" DROP COLUMN dropped;
CREATE TABLE "Other ""schema".part PARTITION OF "Other ""schema"."t; DROP" DEFAULT;
INSERT INTO "Other ""schema"."t; DROP" VALUES (1, 'a''b', 'user_alice');
ALTER TABLE "Other ""schema"."t; DROP" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "p"" OR true" ON "Other ""schema"."t; DROP" USING (documents = clerk_user_id() AND "k ""2" <> '$1');
GRANT USAGE ON SCHEMA "Other ""schema" TO regress_app;
GRANT SELECT ON "Other ""schema"."t; DROP" TO regress_app;
SELECT command, policy, expression, result, reason
FROM clerk.explain_access('"Other ""schema"."t; DROP"', '{"sub": "user_alice"}', '{"t": 1, "k \"2": "a''b"}', 'regress_app')
WHERE command IN ('SELECT', 'INSERT');
REVOKE USAGE ON SCHEMA "Other ""schema" FROM regress_app;
SELECT command, policy, result, reason
FROM clerk.explain_access('"Other ""schema"."t; DROP"', '{"sub": "user_alice"}', '{"t": 1, "k \"2": "a''b"}', 'regress_app')
WHERE command = 'SELECT';

-- Refused.
CREATE TABLE public.keyless (a integer);
CREATE VIEW public.a_view AS SELECT 1 AS one;
SELECT a.arguments, o.code, o.result, o.hint FROM (VALUES ($$'documents', NULL, '99', 'regress_app'$$), ($$'documents', NULL, 'x', 'regress_app'$$),
    ($$'keyless', NULL, '1', 'regress_app'$$), ($$'a_view', NULL$$), ($$'documents', NULL, '1', 'regress_nobody'$$),
    ($$'documents', '{"sub": 1}', '1', 'regress_app'$$), ($$0, NULL$$), ($$'"Other ""schema"."t; DROP"', NULL, '1', 'regress_app'$$),
    ($$'"Other ""schema"."t; DROP"', NULL, '{"t": 1}', 'regress_app'$$)
) AS a (arguments), testing.outcome(format('SELECT clerk.explain_access(%s)', a.arguments)) AS o;
SET ROLE regress_admin;
SELECT result, code FROM testing.outcome($$SELECT clerk.explain_access('public.documents', NULL, '1', 'regress_app')$$);
SET ROLE regress_app;
SELECT code FROM testing.outcome($$SELECT clerk.explain_access('public.documents', NULL, '1', 'regress_app')$$);
-- An owner asks for roles of its own only; with FORCE it may not see the row.
SET ROLE regress_owner;
SELECT policy, result, reason FROM clerk.explain_access('documents', '{"sub": "user_bob"}', '1', 'regress_bypass') WHERE policy = 'takes_over';
SELECT policy, result, left(reason, 11) AS reason
FROM clerk.explain_access('documents', '{"sub": "user_bob"}', '1', 'regress_member') WHERE policy = 'others' LIMIT 1;
RESET ROLE;
ALTER TABLE public.documents FORCE ROW LEVEL SECURITY;
DROP POLICY whole_row ON public.documents;
DROP POLICY members ON public.documents;
SET ROLE regress_owner;
SELECT result, code, hint FROM testing.outcome($$SELECT clerk.explain_access('public.documents', NULL, '3', 'regress_app')$$);
RESET ROLE;
-- Functions for the expressions cannot be made where nothing can be written.
BEGIN READ ONLY;
SELECT policy, result, reason FROM clerk.explain_access('documents', '{"sub": "user_bob"}', '1', 'regress_app') WHERE policy = 'subquery';
ROLLBACK;

SELECT current_user, clerk_user_id();
DROP TABLE public.documents, public.members, public.keyless, "Other ""schema"."t; DROP";
DROP VIEW public.a_view;
DROP FUNCTION public.takes_over;
DROP SCHEMA hidden CASCADE;
DROP SCHEMA "Other ""schema";
DROP ROLE regress_owner, regress_bypass, regress_member;
