-- Memberships beyond the active organization: what the functions answer, to whom, and from when on.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","o":{"id":"org_acme","rol":"admin"}}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob"}'`
\set pending `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","sts":"pending"}'`
\set forged `clerk-testing sign --key "$CLERK_FORGED_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`

INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role, deleted_at) VALUES
    ('orgmem_1', 'org_acme', 'user_alice', 'org:admin', NULL),
    ('orgmem_2', 'org_zeta', 'user_alice', 'org:member', NULL),
    ('orgmem_3', 'org_beta', 'user_alice', 'org:viewer', NULL),
    -- Removed, and removed and back again.
    ('orgmem_4', 'org_left', 'user_alice', 'org:admin', '2026-01-01'),
    ('orgmem_5', 'org_back', 'user_alice', 'org:admin', '2026-01-01'),
    ('orgmem_6', 'org_back', 'user_alice', 'org:member', NULL),
    -- Of somebody else.
    ('orgmem_7', 'org_bobs', 'user_bob', 'org:admin', NULL),
    -- Ids are compared as they are.
    ('orgmem_8', 'org_"; DROP TABLE clerk.organization_memberships; --', 'user_alice', 'org:a''b', NULL),
    -- The prefix counts once: this role is called org:admin.
    ('orgmem_9', 'org_odd', 'user_alice', 'org:org:admin', NULL);

CREATE TABLE testing.questions (number serial, question text);
INSERT INTO testing.questions (question) VALUES
    ('clerk_is_member(''org_acme'')'), ('clerk_is_member(''org_zeta'')'), ('clerk_is_member(''org_left'')'),
    ('clerk_is_member(''org_back'')'), ('clerk_is_member(''org_bobs'')'), ('clerk_is_member(''ORG_ACME'')'),
    ('clerk_is_member(''org_acme '')'), ('clerk_is_member('''')'), ('clerk_is_member(''%'')'), ('clerk_is_member(NULL)'),
    ('clerk_is_member(''org_"; DROP TABLE clerk.organization_memberships; --'')'),
    ('clerk_is_member(repeat(''x'', 1000000))'),
    ('clerk_has_role_in(''org_acme'', ''admin'')'), ('clerk_has_role_in(''org_acme'', ''org:admin'')'),
    ('clerk_has_role_in(''org_acme'', ''org:org:admin'')'), ('clerk_has_role_in(''org_acme'', ''Admin'')'),
    ('clerk_has_role_in(''org_acme'', ''member'')'), ('clerk_has_role_in(''org_acme'', '''')'),
    ('clerk_has_role_in(''org_acme'', ''org:'')'), ('clerk_has_role_in(''org_acme'', NULL)'),
    ('clerk_has_role_in(NULL, ''admin'')'), ('clerk_has_role_in(''org_back'', ''admin'')'),
    ('clerk_has_role_in(''org_back'', ''member'')'), ('clerk_has_role_in(''org_bobs'', ''admin'')'),
    ('clerk_has_role_in(''org_odd'', ''org:org:admin'')'), ('clerk_has_role_in(''org_odd'', ''org:admin'')'),
    ('clerk_has_role_in(''org_"; DROP TABLE clerk.organization_memberships; --'', ''a''''b'')'),
    ('clerk_member_org_ids()'),
    ('clerk_member_org_ids(''{admin}'')'), ('clerk_member_org_ids(''{org:admin}'')'),
    ('clerk_member_org_ids(''{org:org:admin}'')'), ('clerk_member_org_ids(''{member,org:viewer}'')'),
    ('clerk_member_org_ids(''{member,NULL,member}'')'), ('clerk_member_org_ids(''{{admin,member},{viewer,x}}'')'),
    ('clerk_member_org_ids(''{""}'')'), ('clerk_member_org_ids(''{org:}'')'), ('clerk_member_org_ids(''{NULL}'')'),
    ('clerk_member_org_ids(''{}'')'), ('clerk_member_org_ids(NULL)'), ('clerk_member_org_ids(''{a''''b}'')');
GRANT SELECT ON testing.questions TO regress_app;

-- A plain role, with no right on the table.
SET ROLE regress_app;
SELECT rolsuper, rolbypassrls, has_schema_privilege('clerk', 'usage') AS schema_open,
    has_table_privilege('clerk.organization_memberships', 'select') AS table_open
FROM pg_roles WHERE rolname = current_user;
SELECT count(*) FROM clerk.organization_memberships;
SELECT question, alice.result AS alice, bob.result AS bob, pending.result AS pending, nobody.result AS nobody
FROM testing.questions,
    testing.outcome_as(:'alice', 'SELECT ' || question) AS alice,
    testing.outcome_as(:'bob', 'SELECT ' || question) AS bob,
    testing.outcome_as(:'pending', 'SELECT ' || question) AS pending,
    testing.outcome_as('', 'SELECT ' || question) AS nobody
ORDER BY number;
-- Never NULL, and empty arrays of text.
SELECT clerk_is_member(NULL) IS NULL, clerk_has_role_in(NULL, NULL) IS NULL, clerk_member_org_ids() = '{}',
    clerk_member_org_ids(NULL) = '{}', pg_typeof(clerk_member_org_ids());
-- A bad token is an error here too.
SELECT question, result, code, detail FROM testing.questions, testing.outcome_as(:'forged', 'SELECT ' || question)
WHERE question IN ('clerk_is_member(''org_acme'')', 'clerk_member_org_ids()', 'clerk_member_org_ids(NULL)',
    'clerk_has_role_in(''org_acme'', ''admin'')') ORDER BY number;
RESET ROLE;

-- Nobody can put an operator or a table in their way.
CREATE SCHEMA regress_trap AUTHORIZATION regress_app;
SET ROLE regress_app;
CREATE TABLE regress_trap.organization_memberships AS SELECT 'org_bobs' AS organization_id, 'user_alice' AS user_id;
CREATE FUNCTION regress_trap.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR regress_trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_trap.yes);
CREATE FUNCTION regress_trap.starts_with(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
\c -
SET ROLE regress_app;
SET search_path = regress_trap, pg_catalog, public;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_is_member('org_bobs'), clerk_has_role_in('org_bobs', 'admin'), clerk_member_org_ids('{admin}'), current_user;
ROLLBACK;
RESET search_path;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA regress_trap CASCADE;
RESET client_min_messages;

-- In policies, by each of them; and no write gets past them.
CREATE TABLE public.files (id integer PRIMARY KEY, org_id text);
INSERT INTO public.files VALUES (1, 'org_acme'), (2, 'org_zeta'), (3, 'org_left'), (4, 'org_bobs'), (5, NULL);
ALTER TABLE public.files ENABLE ROW LEVEL SECURITY;
CREATE POLICY members_read ON public.files FOR SELECT
    USING (org_id = ANY ((SELECT clerk_member_org_ids())::text[]));
CREATE POLICY members_add ON public.files FOR INSERT WITH CHECK (clerk_is_member(org_id));
CREATE POLICY admins_change ON public.files FOR UPDATE USING (clerk_has_role_in(org_id, 'admin'));
CREATE POLICY admins_remove ON public.files FOR DELETE
    USING (org_id = ANY ((SELECT clerk_member_org_ids('{admin}'))::text[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON public.files TO regress_app;
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT * FROM public.files ORDER BY id;
INSERT INTO public.files VALUES (6, 'org_zeta');
SAVEPOINT before;
INSERT INTO public.files VALUES (7, 'org_bobs');
ROLLBACK TO before;
UPDATE public.files SET id = id + 10 RETURNING *;
UPDATE public.files SET org_id = 'org_zeta';
ROLLBACK TO before;
DELETE FROM public.files RETURNING *;
ROLLBACK;
SELECT * FROM public.files;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
-- A prepared statement, kept while the rows change.
PREPARE files AS SELECT id FROM public.files ORDER BY id;
EXECUTE files;
COMMIT;
RESET ROLE;

-- A membership that was removed counts no more from the next statement on; nor does its role.
BEGIN;
UPDATE clerk.organization_memberships SET deleted_at = now() WHERE id = 'orgmem_2';
UPDATE clerk.organization_memberships SET role = 'org:member' WHERE id = 'orgmem_1';
COMMIT;
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
EXECUTE files;
SELECT clerk_is_member('org_zeta'), clerk_has_role_in('org_acme', 'admin'), clerk_member_org_ids('{admin,member}');
COMMIT;
RESET ROLE;
-- In one transaction from the next statement on, and back with a rollback.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_is_member('org_acme');
SAVEPOINT before;
DELETE FROM clerk.organization_memberships;
SELECT clerk_is_member('org_acme'), clerk_member_org_ids();
ROLLBACK TO before;
SELECT clerk_is_member('org_acme');
-- A statement that changes memberships itself has the answers of its beginning.
WITH removed AS (DELETE FROM clerk.organization_memberships WHERE id = 'orgmem_1' RETURNING organization_id)
SELECT organization_id, clerk_is_member(organization_id) FROM removed;
SELECT clerk_is_member('org_acme');
ROLLBACK;

-- The plans that a backend keeps follow the table.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
DROP INDEX clerk.organization_memberships_live;
SELECT clerk_is_member('org_acme'), clerk_has_role_in('org_acme', 'member'), clerk_member_org_ids();
ROLLBACK;

-- What the table refuses.
\set VERBOSITY terse
INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role) VALUES ('orgmem_x', 'org_x', 'user_x', 'admin');
INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role) VALUES ('orgmem_x', 'org_x', 'user_x', 'org:');
INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role) VALUES ('orgmem_x', 'org_x', '', 'org:admin');
INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role, permissions)
VALUES ('orgmem_x', 'org_x', 'user_x', 'org:admin', '{NULL}');
\set VERBOSITY default

-- Administrators may read it, and not write it.
SET ROLE regress_admin;
SET ROLE clerk_admin;
SELECT count(*) FROM clerk.organization_memberships;
DELETE FROM clerk.organization_memberships;
RESET ROLE;

-- An error within, here of a table that was taken away, leaves nobody with the rights of the owner.
BEGIN;
ALTER TABLE clerk.organization_memberships RENAME TO elsewhere;
SET LOCAL ROLE regress_app;
SET LOCAL clerk_sync.token = :'alice';
SELECT result, code FROM testing.outcome('SELECT clerk_is_member(''org_acme'')');
SELECT current_user;
SELECT result, code FROM testing.outcome('SELECT count(*) FROM clerk.elsewhere');
ROLLBACK;

-- A parallel worker asks for itself, also in the first query of a connection.
CREATE TABLE public.many AS SELECT CASE WHEN n % 10 = 0 THEN 'org_acme' ELSE 'org_none' END AS org_id
FROM generate_series(1, 20000) AS n;
ANALYZE public.many;
GRANT SELECT ON public.many TO regress_app;
\c -
SET ROLE regress_app;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
EXPLAIN (COSTS OFF) SELECT count(*) FROM public.many WHERE clerk_is_member(org_id);
SELECT count(*) FROM public.many WHERE clerk_is_member(org_id);
SELECT count(*) FROM public.many WHERE org_id = ANY ((SELECT clerk_member_org_ids())::text[]);
ROLLBACK;
RESET ROLE;

DELETE FROM clerk.organization_memberships;
DROP TABLE public.files, public.many, testing.questions;
