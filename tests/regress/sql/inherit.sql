-- Template inherit: a row follows the row of another table. Whoever sees the parent sees its children, whoever may change the parent
-- may write them, and what is changed for the parent is changed for them in the same transaction.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","o":{"id":"org_acme","rol":"admin"}}'`
\set anna `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_anna","o":{"id":"org_acme","rol":"member"}}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob","o":{"id":"org_globex","rol":"admin"}}'`
\pset null (null)

CREATE SCHEMA site AUTHORIZATION regress_admin;
CREATE SCHEMA other AUTHORIZATION regress_admin;
GRANT USAGE ON SCHEMA site, other TO regress_app;
CREATE TABLE testing.person (who text, token text);
GRANT SELECT ON testing.person TO PUBLIC;
INSERT INTO testing.person VALUES ('alice', :'alice'), ('anna', :'anna'), ('bob', :'bob'), ('nobody', '');
-- What a statement would do under a token; it is rolled back.
CREATE FUNCTION testing.undone(token text, statement text, OUT answer text) LANGUAGE plpgsql AS $body$
BEGIN
    SELECT coalesce(outcome.code, outcome.result) INTO answer FROM testing.outcome_as(token, statement) AS outcome;
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    NULL;
END
$body$;
-- The ids that each person sees and reaches, or the SQLSTATE.
CREATE FUNCTION testing.matrix(statements text[]) RETURNS TABLE (statement text, alice text, anna text, bob text, nobody text) LANGUAGE sql AS $body$
    SELECT text, max(answer) FILTER (WHERE who = 'alice'), max(answer) FILTER (WHERE who = 'anna'), max(answer) FILTER (WHERE who = 'bob'), max(answer) FILTER (WHERE who = 'nobody')
    FROM unnest(statements) WITH ORDINALITY AS list (text, number), testing.person,
        testing.undone(token, format('WITH reached AS (%s) SELECT string_agg(id::text, '','' ORDER BY id) FROM reached', text)) AS answer
    GROUP BY number, text ORDER BY number
$body$;

SET ROLE regress_admin;
CREATE TABLE site.project (id integer PRIMARY KEY, org_id text, user_id text, name text);
CREATE TABLE site.task (id integer PRIMARY KEY, project_id integer REFERENCES site.project, body text);
CREATE TABLE site.remark (id integer PRIMARY KEY, task_id integer REFERENCES site.task, body text);
INSERT INTO site.project VALUES (1, 'org_acme', 'user_alice', 'acme'), (2, 'org_globex', 'user_bob', 'globex');
INSERT INTO site.task VALUES (11, 1, 'a'), (12, 1, 'b'), (21, 2, 'c'), (91, NULL, 'orphan');
INSERT INTO site.remark VALUES (111, 11, 'x'), (211, 21, 'y'), (911, 91, 'z');

-- === All of acme reads, its admins write.

SELECT count(*) FROM clerk.protect('site.project', 'organization', roles => '{"write": "admin"}', to_roles => '{regress_app}', grants => true);
SELECT change, statement FROM clerk.protect('site.task', 'inherit', via => 'project_id references site.project', grants => true);
SET ROLE regress_app;
SELECT * FROM testing.matrix(ARRAY['SELECT id FROM site.task', 'UPDATE site.task SET body = ''changed'' RETURNING id', 'DELETE FROM site.task RETURNING id',
    'INSERT INTO site.task VALUES (13, 1, ''new'') RETURNING id', 'INSERT INTO site.task VALUES (22, 2, ''new'') RETURNING id', 'INSERT INTO site.task VALUES (92, NULL, ''new'') RETURNING id',
    'UPDATE site.task SET project_id = 2 RETURNING id', 'UPDATE site.task SET project_id = NULL RETURNING id']);
SET ROLE regress_admin;
-- Without a right to read the parent, a role gets an error and no row.
BEGIN;
REVOKE SELECT ON site.project FROM regress_app;
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix(ARRAY['SELECT id FROM site.task']);
ROLLBACK;

-- === A grandchild.

SELECT change, statement FROM clerk.protect('site.remark', 'inherit', via => 'task_id references site.task', grants => true) WHERE change LIKE '%policy%';
SET ROLE regress_app;
SELECT * FROM testing.matrix(ARRAY['SELECT id FROM site.remark', 'UPDATE site.remark SET body = ''changed'' RETURNING id', 'DELETE FROM site.remark RETURNING id',
    'INSERT INTO site.remark VALUES (112, 11, ''new'') RETURNING id', 'INSERT INTO site.remark VALUES (212, 21, ''new'') RETURNING id', 'UPDATE site.remark SET task_id = 21 RETURNING id']);
SET ROLE regress_admin;
SELECT target, policy, status FROM clerk.policies WHERE status <> 'ok';
SELECT * FROM clerk.protect('site.task', 'inherit', via => 'project_id references site.project', grants => true);
SELECT * FROM clerk.protect('site.remark', 'inherit', via => ' "task_id"  REFERENCES site . task ( id ) ', grants => true);
SELECT * FROM clerk.protect('site.remark', 'inherit', via => 'task_id references site.task', grants => true);

-- === The parent's specification changes, and its children follow in the same transaction.

BEGIN;
SELECT change FROM clerk.protect('site.project', 'organization', to_roles => '{regress_app}', grants => true);
SELECT target, policy, status FROM clerk.policies WHERE status <> 'ok';
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix(ARRAY['SELECT id FROM site.task', 'UPDATE site.task SET body = ''changed'' RETURNING id', 'DELETE FROM site.remark RETURNING id']);
ROLLBACK;
SELECT target, policy, status FROM clerk.policies WHERE status <> 'ok';
-- A set more, and a set less.
BEGIN;
SELECT change FROM clerk.protect('site.project', 'owner', prefix => 'mine', to_roles => '{regress_app}');
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix(ARRAY['SELECT id FROM site.task', 'UPDATE site.task SET body = ''changed'' RETURNING id']);
SET LOCAL ROLE regress_admin;
SELECT change FROM clerk.unprotect('site.project', 'clerk');
SELECT target, policy, status FROM clerk.policies WHERE status <> 'ok';
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix(ARRAY['SELECT id FROM site.task', 'UPDATE site.task SET body = ''changed'' RETURNING id']);
ROLLBACK;
-- Nothing is left of the parent's policies: the children are closed with it.
BEGIN;
SELECT change FROM clerk.unprotect('site.project');
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix(ARRAY['SELECT id FROM site.task', 'INSERT INTO site.task VALUES (13, 1, ''new'') RETURNING id']);
ROLLBACK;
-- A parent that is softly deleted takes its children out of sight.
BEGIN;
ALTER TABLE site.project ADD gone_at timestamptz;
UPDATE site.project SET gone_at = '2000-01-01' WHERE id = 1;
SELECT change FROM clerk.protect('site.project', 'organization', soft_delete => 'gone_at', to_roles => '{regress_app}', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix(ARRAY['SELECT id FROM site.project', 'SELECT id FROM site.task', 'SELECT id FROM site.remark', 'UPDATE site.task SET body = ''changed'' RETURNING id']);
ROLLBACK;

-- === A parent whose policies were written by hand: who reads it may write its children, and protect() says so.

BEGIN;
CREATE POLICY by_hand ON site.project FOR UPDATE USING (name = 'acme');
SELECT change FROM clerk.protect('site.task', 'inherit', via => 'project_id references site.project', grants => true);
ROLLBACK;

-- === Where a child belongs to somebody else, its parent can be changed nevertheless.

RESET ROLE;
BEGIN;
GRANT USAGE ON SCHEMA site TO regress_other;
ALTER TABLE site.task OWNER TO regress_other;
SET LOCAL ROLE regress_admin;
SELECT change FROM clerk.protect('site.project', 'organization', to_roles => '{regress_app}', grants => true);
SELECT target, policy, status FROM clerk.policies WHERE status <> 'ok' ORDER BY target::text COLLATE "C", policy;
ROLLBACK;
SET ROLE regress_admin;

-- === A child needs no owner who owns its parent as well.

RESET ROLE;
BEGIN;
ALTER TABLE site.project OWNER TO regress_other;
SET LOCAL ROLE regress_admin;
SELECT target, policy, status, detail FROM clerk.policies WHERE status <> 'ok';
SELECT * FROM clerk.protect('site.task', 'inherit', via => 'project_id references site.project', grants => true);
ROLLBACK;
SET ROLE regress_admin;

-- === Renamed parents.

BEGIN;
ALTER TABLE site.project RENAME TO undertaking;
SELECT target, policy, status, detail FROM clerk.policies WHERE target = 'site.task'::regclass ORDER BY policy;
SELECT change FROM clerk.protect('site.task', 'inherit', via => 'project_id references site.undertaking', grants => true);
SELECT target, policy, status, detail FROM clerk.policies WHERE status <> 'ok' ORDER BY 1, 2;
ROLLBACK;

-- === Keys of several columns, and tables of one name in two schemas.

CREATE TABLE site.part (org_id text, number integer, id integer UNIQUE, PRIMARY KEY (number, org_id));
CREATE TABLE other.part (id integer PRIMARY KEY, part integer, tenant text);
INSERT INTO site.part VALUES ('org_acme', 1, 1), ('org_globex', 1, 2), ('org_acme', 2, 3);
INSERT INTO other.part VALUES (1, 1, 'org_acme'), (2, 1, 'org_globex'), (3, 2, 'org_acme'), (4, 2, 'org_globex');
SELECT count(*) FROM clerk.protect('site.part', 'organization', to_roles => '{regress_app}', grants => true);
SELECT statement FROM clerk.protect('other.part', 'inherit', via => '(part, tenant) references site.part', grants => true) WHERE change ~ 'select|index';
SET ROLE regress_app;
SELECT * FROM testing.matrix(ARRAY['SELECT id FROM other.part', 'UPDATE other.part SET id = id RETURNING id', 'INSERT INTO other.part VALUES (9, 2, ''org_globex'') RETURNING id',
    'INSERT INTO other.part VALUES (9, 1, ''org_globex'') RETURNING id', 'UPDATE other.part SET tenant = ''org_globex'' WHERE part = 1 RETURNING id']);
SET ROLE regress_admin;
-- By the path of the caller, where no schema is written; kept with it.
BEGIN;
SET LOCAL search_path = other, site;
CREATE TABLE site.item (id integer PRIMARY KEY, part integer);
SELECT count(*) FROM clerk.protect('item', 'inherit', via => 'part references part (id)', grants => true);
SET LOCAL search_path = '';
SELECT DISTINCT specification ->> 'via' AS via, status FROM clerk.policies WHERE target::text = 'site.item';
ROLLBACK;

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA site CASCADE;
DROP SCHEMA other CASCADE;
DROP FUNCTION testing.undone, testing.matrix;
DROP TABLE testing.person;

-- === What rows are followed by: no shorter than it is, and one row only.
CREATE SCHEMA keys;
CREATE DOMAIN keys.code AS char(6);
CREATE TABLE keys.parent (code keys.code PRIMARY KEY, label text, org_id text);
CREATE TABLE keys.child (id integer PRIMARY KEY, code keys.code REFERENCES keys.parent, label text, body text);
SELECT count(*) FROM clerk.protect('keys.parent', 'organization', to_roles => '{regress_app}');
SELECT count(*) FROM clerk.protect('keys.child', 'inherit', via => 'code references keys.parent', to_roles => '{regress_app}', immutable => '{code}');
SELECT policyname, qual FROM pg_policies WHERE tablename = 'child' AND cmd = 'SELECT';
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'keys.child'::regclass AND NOT tgisinternal;
SELECT * FROM testing.outcome('SELECT clerk.protect(''keys.child'', ''inherit'', via => ''label references keys.parent (label)'')');
-- A guard that guards nothing is seen and mended.
CREATE OR REPLACE TRIGGER clerk_keep_code BEFORE UPDATE ON keys.child FOR EACH ROW WHEN (false) EXECUTE FUNCTION clerk._refuse_change('code');
SELECT DISTINCT status, detail FROM clerk.policies WHERE target = 'keys.child'::regclass;
SELECT change FROM clerk.protect('keys.child', 'inherit', via => 'code references keys.parent', to_roles => '{regress_app}', immutable => '{code}');
SELECT DISTINCT status FROM clerk.policies WHERE target = 'keys.child'::regclass;
-- A parent's policy that was changed by hand is not taken for what was made: writing no longer follows it.
ALTER POLICY clerk_update ON keys.parent USING (org_id = clerk_org_id() AND clerk_has_role('admin'));
SELECT change FROM clerk.protect('keys.child', 'inherit', via => 'code references keys.parent', to_roles => '{regress_app}', immutable => '{code}');
SET client_min_messages = warning;
DROP SCHEMA keys CASCADE;
RESET client_min_messages;
