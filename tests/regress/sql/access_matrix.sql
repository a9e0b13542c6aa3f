-- clerk_test.access_matrix: who reaches which of a table's rows, by every command; and nothing of it is left.

\pset null -
\set SHOW_CONTEXT never
CREATE EXTENSION clerk_sync_test;
CREATE ROLE regress_service BYPASSRLS;
CREATE ROLE regress_owner;
SET clerk_test.request_role = regress_app;
SET clerk_test.anonymous_role = regress_app;
SET clerk_test.service_role = regress_service;

-- The owner may do anything, the organization read, its admin delete, but nothing that is locked.
CREATE TABLE public.documents (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL UNIQUE,
    org text,
    locked boolean NOT NULL DEFAULT false,
    shout text GENERATED ALWAYS AS (upper(owner)) STORED
);
INSERT INTO public.documents (owner, org, locked) VALUES
    ('user_alice', 'org_acme', false), ('user_anna', 'org_acme', true), ('user_bob', 'org_globex', false), ('user_ann', NULL, false);
ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.documents OWNER TO regress_owner;
CREATE POLICY owner ON public.documents USING (clerk_owns(owner));
CREATE POLICY readers ON public.documents FOR SELECT USING (clerk_in_org(org));
CREATE POLICY admins ON public.documents FOR DELETE USING (clerk_in_org(org) AND clerk_has_role('admin'));
CREATE POLICY unlocked ON public.documents AS RESTRICTIVE FOR DELETE USING (NOT locked);
GRANT SELECT, INSERT, UPDATE, DELETE ON public.documents TO regress_app, regress_service;
GRANT SELECT ON public.documents TO regress_other;
SELECT md5(string_agg(documents::text || ctid::text || xmin::text, ' ' ORDER BY id)) AS before FROM public.documents \gset

SELECT * FROM clerk_test.access_matrix('documents', '{
    "1 alice, admin": {"user_id": "user_alice", "org_id": "org_acme", "org_role": "admin"},
    "2 anna, member": {"user_id": "user_anna", "org_id": "org_acme", "org_role": "member"},
    "3 anna, pending": {"user_id": "user_anna", "org_id": "org_acme", "pending": true},
    "4 a stranger": {"user_id": "user_zoe", "org_id": "org_z", "permissions": ["org:a:b"], "features": ["a"], "factor_ages": [1, -1]},
    "5 nobody": {"anonymous": true},
    "6 the service": {"service": true},
    "7 reads only": {"user_id": "user_alice", "as_role": "regress_other"},
    "8 table owner": {"user_id": "user_zoe", "as_role": "regress_owner"}
}');
-- The table's owner, with FORCE, is under its policies like others.
ALTER TABLE public.documents FORCE ROW LEVEL SECURITY;
SELECT * FROM clerk_test.access_matrix('documents', '{"owner": {"user_id": "user_zoe", "as_role": "regress_owner"}}');
ALTER TABLE public.documents NO FORCE ROW LEVEL SECURITY;

-- No row, no role and no session is left behind; identities go on counting, as they do after any rollback.
SELECT md5(string_agg(documents::text || ctid::text || xmin::text, ' ' ORDER BY id)) = :'before' AS unchanged, clerk_test.whoami()
FROM public.documents;
BEGIN;
SELECT clerk_test.act_as('user_bob', as_role => 'regress_owner');
SELECT command, visible, changeable, refused FROM clerk_test.access_matrix('documents', '{"anna": {"user_id": "user_anna", "as_role": "regress_app"}}');
SELECT clerk_test.whoami();
-- Also where it is ended in the middle.
SAVEPOINT cancelled;
RESET ROLE;
CREATE POLICY slow ON public.documents USING (pg_sleep(60) IS NULL);
SET LOCAL statement_timeout = '100ms';
SELECT * FROM clerk_test.access_matrix('documents', '{"anna": {"user_id": "user_anna"}}');
ROLLBACK TO cancelled;
SELECT clerk_test.whoami();
SAVEPOINT failed;
SELECT code, result FROM testing.outcome($$SELECT clerk_test.access_matrix('documents', '{"a": {"user_id": "user_a"}, "b": {"user_id": "user_b", "as_role": "regress_nobody"}}')$$);
SELECT clerk_test.whoami();
COMMIT;

-- At most so many rows.
SELECT persona, command, visible, changeable, refused FROM clerk_test.access_matrix('documents', '{"anna": {"user_id": "user_anna"}}', 2);

-- Refused: a caller who does not see all, what is no table, personas that are not understood.
ALTER TABLE public.documents FORCE ROW LEVEL SECURITY;
GRANT clerk_tester TO regress_owner;
SET SESSION AUTHORIZATION regress_owner;
SELECT * FROM testing.outcome($$SELECT clerk_test.access_matrix('public.documents', '{"a": {"user_id": "user_a"}}')$$);
RESET SESSION AUTHORIZATION;
CREATE VIEW public.a_view AS SELECT 1 AS one;
SELECT a.personas, o.result, o.code, o.detail, o.hint FROM (VALUES ('{"a": {"user": "user_a"}}'), ('{"a": {}}'), ('{"a": 5}'), ('[]'), (NULL),
    ('{"a": {"anonymous": true, "user_id": "user_a"}}'), ('{"a": {"anonymous": false}}'), ('{"a": {"service": true, "org_id": "x"}}'),
    ('{"a": {"user_id": "user_a", "pending": "maybe"}}')
) AS a (personas), testing.outcome(format('SELECT clerk_test.access_matrix(''documents'', %L)', a.personas)) AS o;
SELECT result, code FROM testing.outcome($$SELECT clerk_test.access_matrix('a_view', '{}')$$);
SELECT result, code FROM testing.outcome($$SELECT clerk_test.access_matrix('documents', '{}', 0)$$);
SELECT result, code FROM testing.outcome($$SELECT clerk_test.access_matrix(0, '{}')$$);
DROP VIEW public.a_view;

-- Privileges: on columns alone, on the schema, none. What policies and triggers call finds its names by the caller's
-- search_path; an error that is not a refusal is neither, and told.
CREATE SCHEMA "Other ""schema";
CREATE TABLE "Other ""schema"."t; DROP" ("t" integer, "r" text, "a ""b" text, dropped integer);
ALTER TABLE "Other ""schema"."t; DROP" DROP COLUMN dropped;
INSERT INTO "Other ""schema"."t; DROP" VALUES (1, 'x', E'quote '' " \\ , ()'), (2, NULL, NULL), (3, '', 'bad');
ALTER TABLE "Other ""schema"."t; DROP" ENABLE ROW LEVEL SECURITY;
CREATE TABLE public.guests (id text);
INSERT INTO public.guests VALUES ('user_guest');
GRANT SELECT ON public.guests TO regress_app;
CREATE FUNCTION public.is_guest() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN EXISTS (SELECT FROM guests WHERE id = clerk_user_id()); END $$;
CREATE FUNCTION public.refuse_bad() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW."a ""b" = 'bad' THEN RAISE EXCEPTION 'bad, said a trigger'; END IF;
    IF NEW."a ""b" IS NULL THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_bad BEFORE INSERT OR UPDATE ON "Other ""schema"."t; DROP" FOR EACH ROW EXECUTE FUNCTION refuse_bad();
CREATE POLICY "p"" OR true" ON "Other ""schema"."t; DROP" USING (is_guest());
SELECT * FROM clerk_test.access_matrix('"Other ""schema"."t; DROP"', '{"no usage": {"user_id": "user_guest"}}');
GRANT USAGE ON SCHEMA "Other ""schema" TO regress_app;
GRANT SELECT, INSERT, DELETE, UPDATE ("a ""b") ON "Other ""schema"."t; DROP" TO regress_app;
SELECT * FROM clerk_test.access_matrix('"Other ""schema"."t; DROP"', '{"a guest": {"user_id": "user_guest"}, "somebody": {"user_id": "user_a"}}');
REVOKE SELECT, UPDATE ("a ""b") ON "Other ""schema"."t; DROP" FROM regress_app;
GRANT SELECT (t) ON "Other ""schema"."t; DROP" TO regress_app;
SELECT * FROM clerk_test.access_matrix('"Other ""schema"."t; DROP"', '{"a guest": {"user_id": "user_guest"}}');

-- A partitioned table: the policies of the table that is asked for. Foreign keys and an empty table.
CREATE TABLE public.parts (id integer, owner text REFERENCES public.documents (owner), PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES FROM (1) TO (10);
CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (10) TO (20);
ALTER TABLE public.parts ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON public.parts USING (clerk_owns(owner));
GRANT SELECT, INSERT, UPDATE, DELETE ON public.parts TO regress_app;
SELECT * FROM clerk_test.access_matrix('parts', '{"bob": {"user_id": "user_bob"}}');
INSERT INTO public.parts VALUES (1, 'user_alice'), (2, 'user_bob'), (11, 'user_alice'), (12, 'user_bob');
SELECT * FROM clerk_test.access_matrix('parts', '{"bob": {"user_id": "user_bob"}}');

-- Nothing but a key that is generated; no column at all.
CREATE TABLE public.counters (id integer GENERATED ALWAYS AS IDENTITY);
INSERT INTO public.counters DEFAULT VALUES;
CREATE TABLE public.nothing ();
INSERT INTO public.nothing DEFAULT VALUES;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.counters, public.nothing TO regress_app;
SELECT * FROM clerk_test.access_matrix('counters', '{"bob": {"user_id": "user_bob"}}');
SELECT * FROM clerk_test.access_matrix('nothing', '{"bob": {"user_id": "user_bob"}}');

SELECT clerk_test.whoami();
DROP TABLE public.parts, public.documents, public.guests, public.counters, public.nothing, "Other ""schema"."t; DROP";
DROP SCHEMA "Other ""schema";
DROP FUNCTION public.is_guest, public.refuse_bad;
DROP EXTENSION clerk_sync_test;
DROP ROLE regress_service, regress_owner;
