-- clerk.policies: what was made, by which specification, and whether it still is what it should be.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","o":{"id":"org_acme","rol":"admin"}}'`
\pset null (null)

SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_auditor, regress_reader, regress_reader_renamed, regress_forger;
RESET client_min_messages;
-- May look, and owns nothing.
CREATE ROLE regress_auditor;
GRANT clerk_admin TO regress_auditor;
CREATE ROLE regress_reader;
CREATE ROLE regress_forger;
GRANT CREATE ON DATABASE :DBNAME TO regress_admin, regress_forger;
SET ROLE regress_admin;
CREATE SCHEMA desk;
GRANT USAGE ON SCHEMA desk TO regress_app;
SELECT count(*) FROM clerk.policies;

-- === All columns.

CREATE TABLE desk.note (id serial PRIMARY KEY, user_id text, org_id text, gone_at timestamptz, body text);
SELECT count(*) FROM clerk.protect('desk.note', 'organization', owner_column => 'user_id', soft_delete => 'gone_at', to_roles => '{regress_app,regress_reader}', force => true);
SELECT count(*) FROM clerk.protect('desk.note', 'role', role => 'admin', prefix => 'admins', restrictive => true, commands => '{update}', indexes => 'none');
CREATE POLICY by_hand ON desk.note FOR SELECT USING (false);
\x on
SELECT * FROM clerk.policies ORDER BY policy;
\x off
-- The specification makes the same again.
WITH made AS MATERIALIZED (SELECT policy, template, specification FROM clerk.policies ORDER BY policy OFFSET 0)
SELECT template, (SELECT count(*) FROM clerk._protect('desk.note', specification)) AS changes FROM made;

\set look 'SELECT target, policy, command, status, detail FROM clerk.policies ORDER BY target::text COLLATE "C", policy COLLATE "C";'

-- === What was changed by hand. Each is undone by its transaction; where protect() mends it, that it does.

\set again 'SELECT change FROM clerk.protect(''desk.note'', ''organization'', owner_column => ''user_id'', soft_delete => ''gone_at'', to_roles => ''{regress_app,regress_reader}'', force => true);'
BEGIN;
DROP POLICY clerk_select ON desk.note;
:look
:again
:look
ROLLBACK;
-- A policy by another name is another policy; the one that is left over goes.
BEGIN;
ALTER POLICY clerk_select ON desk.note RENAME TO readers;
:look
:again
SELECT policyname FROM pg_policies WHERE schemaname = 'desk' ORDER BY policyname;
ROLLBACK;
BEGIN;
ALTER POLICY clerk_select ON desk.note USING (true);
ALTER POLICY clerk_insert ON desk.note WITH CHECK (org_id = clerk_org_id());
ALTER POLICY clerk_update ON desk.note TO regress_app;
ALTER POLICY admins_update ON desk.note WITH CHECK (org_id = CASE WHEN clerk_has_role('member') THEN clerk_org_id() END);
:look
:again
:look
ROLLBACK;
-- Written otherwise and parsed alike, it is the same.
BEGIN;
ALTER POLICY clerk_update ON desk.note TO regress_reader, regress_app USING (((org_id) = clerk_org_id()) AND gone_at IS NULL);
:look
ROLLBACK;
-- Another kind or command under the name and comment of ours.
BEGIN;
SELECT format('DROP POLICY clerk_select ON desk.note; CREATE POLICY clerk_select ON desk.note FOR ALL TO regress_app, regress_reader USING (org_id = clerk_org_id() AND (gone_at IS NULL OR gone_at >= now())); COMMENT ON POLICY clerk_select ON desk.note IS %L', obj_description(oid))
FROM pg_policy WHERE polname = 'clerk_select' AND polrelid = 'desk.note'::regclass \gexec
SELECT policy, command, status FROM clerk.policies WHERE policy = 'clerk_select';
:again
ROLLBACK;
-- A comment taken away is a policy taken over: it is not ours any more, and its name is taken.
BEGIN;
COMMENT ON POLICY clerk_select ON desk.note IS NULL;
:look
:again
ROLLBACK;

-- What belongs to a set beside its policies.
BEGIN;
DROP TRIGGER clerk_keep_user_id ON desk.note;
:look
:again
ROLLBACK;
BEGIN;
ALTER TABLE desk.note DISABLE TRIGGER clerk_keep_user_id;
SELECT policy, status FROM clerk.policies WHERE prefix = 'clerk' ORDER BY policy;
ROLLBACK;
BEGIN;
DROP INDEX desk.note_org_id_clerk_idx;
:look
:again
ROLLBACK;
BEGIN;
ALTER TABLE desk.note ALTER org_id DROP DEFAULT;
:look
:again
ROLLBACK;
-- A default of one's own in its place stays.
BEGIN;
ALTER TABLE desk.note ALTER org_id SET DEFAULT 'org_acme';
:look
:again
SELECT change FROM clerk.unprotect('desk.note');
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE adrelid = 'desk.note'::regclass AND attname = 'org_id';
ROLLBACK;
BEGIN;
ALTER TABLE desk.note NO FORCE ROW LEVEL SECURITY;
:look
:again
ROLLBACK;
BEGIN;
ALTER TABLE desk.note DISABLE ROW LEVEL SECURITY;
:look
:again
:look
ROLLBACK;
BEGIN;
SELECT change FROM clerk.protect('desk.note', 'role', role => 'admin', prefix => 'admins', restrictive => true, commands => '{update}', indexes => 'none', to_roles => '{regress_app}', grants => true);
REVOKE UPDATE ON desk.note FROM regress_app;
:look
ROLLBACK;

-- === What happens to a table.

-- Renamed, itself or its schema: nothing is lost.
BEGIN;
ALTER TABLE desk.note RENAME TO memo;
ALTER SCHEMA desk RENAME TO bureau;
:look
SELECT change FROM clerk.protect('bureau.memo', 'organization', owner_column => 'user_id', soft_delete => 'gone_at', to_roles => '{regress_app,regress_reader}', force => true);
SELECT change FROM clerk.unprotect('bureau.memo', 'admins');
ROLLBACK;
-- A column renamed: the policies go on, and the view says that the specification does not fit. protect() with the new name mends it.
BEGIN;
ALTER TABLE desk.note RENAME org_id TO tenant;
:look
SELECT change FROM clerk.protect('desk.note', 'organization', owner_column => 'user_id', org_column => 'tenant', soft_delete => 'gone_at', to_roles => '{regress_app,regress_reader}', force => true);
SELECT change FROM clerk.protect('desk.note', 'role', role => 'admin', org_column => 'tenant', prefix => 'admins', restrictive => true, commands => '{update}', indexes => 'none');
:look
SELECT change FROM clerk.unprotect('desk.note');
ROLLBACK;
-- The author's column renamed: the guard follows it.
BEGIN;
ALTER TABLE desk.note RENAME user_id TO author;
:look
SELECT change FROM clerk.protect('desk.note', 'organization', owner_column => 'author', soft_delete => 'gone_at', to_roles => '{regress_app,regress_reader}', force => true);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'desk.note'::regclass AND NOT tgisinternal;
:look
ROLLBACK;
-- While a set is broken, protecting by another one takes nothing away from it.
BEGIN;
ALTER TABLE desk.note RENAME body TO text;
ALTER TABLE desk.note RENAME user_id TO author;
SELECT change FROM clerk.protect('desk.note', 'role', role => 'boss', prefix => 'admins', restrictive => true, commands => '{update}', indexes => 'none');
SELECT change FROM clerk.unprotect('desk.note', 'admins');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'desk.note'::regclass AND NOT tgisinternal ORDER BY tgname;
SELECT indexname FROM pg_indexes WHERE schemaname = 'desk' ORDER BY indexname;
ROLLBACK;
-- The stamp of a deletion does not follow a renamed column: it refuses until protect() knows the new name.
BEGIN;
ALTER TABLE desk.note RENAME gone_at TO deleted_at;
GRANT SELECT, INSERT, UPDATE ON desk.note TO regress_app;
SET LOCAL clerk_sync.token = :'alice';
RESET ROLE;
ALTER POLICY by_hand ON desk.note USING (true);
INSERT INTO desk.note (id, user_id, org_id) VALUES (1, 'user_alice', 'org_acme');
SET LOCAL ROLE regress_app;
UPDATE desk.note SET deleted_at = 'infinity' WHERE id = 1 RETURNING deleted_at = now() AS stamped;
ROLLBACK;
SET ROLE regress_admin;
-- A column dropped takes the policies along that read it, here all of their set: no note of it is left.
BEGIN;
SET LOCAL client_min_messages = warning;
ALTER TABLE desk.note DROP COLUMN gone_at CASCADE;
:look
ROLLBACK;
-- A role renamed.
RESET ROLE;
BEGIN;
ALTER ROLE regress_reader RENAME TO regress_reader_renamed;
SET LOCAL ROLE regress_admin;
:look
SELECT change FROM clerk.protect('desk.note', 'organization', owner_column => 'user_id', soft_delete => 'gone_at', to_roles => '{regress_app,regress_reader_renamed}', force => true);
SELECT DISTINCT status FROM clerk.policies WHERE prefix = 'clerk';
ROLLBACK;
-- A role that appears later and would be the default now is not meant by what was said before.
BEGIN;
CREATE ROLE authenticated;
SELECT DISTINCT status FROM clerk.policies;
ROLLBACK;
-- The table's owner changes.
BEGIN;
ALTER TABLE desk.note OWNER TO regress_other;
SET LOCAL ROLE regress_admin;
SELECT DISTINCT status FROM clerk.policies;
ROLLBACK;
-- DROP TABLE.
BEGIN;
DROP TABLE desk.note;
:look
ROLLBACK;

-- === Who may look.

-- An administrator who has no right to the table, nor to its schema.
SET ROLE regress_admin;
CREATE TABLE desk.reply (id serial PRIMARY KEY, note_id integer, body text);
SELECT count(*) FROM clerk.protect('desk.reply', 'inherit', via => 'note_id references desk.note');
SELECT count(*) FROM clerk.protect('desk.reply', 'custom', predicate => 'body <> '''' AND note_id IN (SELECT id FROM desk.note)', prefix => 'custom', commands => '{select}');
SET ROLE regress_auditor;
SELECT has_schema_privilege('desk', 'USAGE') AS may_use_schema;
:look
-- In a transaction that may not write, under any path.
BEGIN READ ONLY;
SELECT status, count(*) FROM clerk.policies GROUP BY status;
SET LOCAL search_path = '';
SELECT status, count(*) FROM clerk.policies GROUP BY status;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT status, count(*) FROM clerk.policies GROUP BY status;
COMMIT;
-- Nobody else.
SET ROLE regress_app;
SELECT code, result FROM testing.outcome('SELECT count(*) FROM clerk.policies');
SELECT code, result FROM testing.outcome('SELECT count(*) FROM clerk._list_policies()');

-- === Comments are written by whoever owns a table: what one of them says is true of that table alone.

SET ROLE regress_forger;
CREATE SCHEMA lair;
CREATE TABLE lair.parent (id integer PRIMARY KEY, user_id text);
CREATE TABLE lair.trap (id integer PRIMARY KEY, user_id text, org_id text);
ALTER TABLE lair.trap ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION lair.boom() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE EXCEPTION ''boom''; END';
SELECT format('CREATE POLICY forged_%s ON lair.trap USING (true); COMMENT ON POLICY forged_%s ON lair.trap IS %L', number, number, 'clerk_sync: ' || comment)
FROM unnest(ARRAY['', 'null', '{}', '[]', '{"template": "owner", "prefix": "f5", "commands": ["select"], "colour": 1}', '{"template": "nonsense", "prefix": "f6", "commands": ["select"]}',
    '{"template": "owner", "prefix": "f7", "commands": ["truncate", "select", "x\"; DROP"], "owner_column": "user_id"}', '{"template": "custom", "prefix": "f8", "commands": ["select"], "predicate": "1 = ( nonsense ="}',
    '{"template": "custom", "prefix": "f9", "commands": ["select"], "predicate": "lair.boom()"}', '{"template": "custom", "prefix": "f10", "commands": ["select"], "predicate": "true) OR (true"}',
    '{"template": "inherit", "prefix": "f11", "commands": ["select", "update"], "via": "id references lair.parent"}', '{"template": "inherit", "prefix": "f12", "commands": ["select", "update"], "via": "id references lair.trap"}',
    '{"template": "inherit", "prefix": "f13", "commands": ["select", "update"], "via": "nonsense"}', '{"template": "inherit", "prefix": "f14", "commands": ["select"], "via": "id references nowhere.nothing"}',
    '{"template": "inherit", "prefix": "f15", "commands": ["select", "update"], "via": "id references desk.note"}', '{"template": "owner", "prefix": "f16", "commands": ["select"], "made": {"grants": [["public", "SELECT"]], "defaults": ["nobody"]}}',
    '{"template": "custom", "prefix": "f17", "commands": ["select"], "predicate": "1/0 = 1"}', '{"template": "custom", "prefix": "f18", "commands": ["select"], "predicate": "''x''::regclass = 1"}',
    '{"template": "owner", "prefix": "f19", "commands": ["select"], "indexes": "concurrently", "owner_column": "user_id"}',
    '{"template": "owner", "prefix": "\u0000", "commands": ["select"], "owner_column": "user_id"}', repeat('[', 10000), '{"template": "owner", "prefix": "' || repeat('f22', 30000) || '", "commands": ["select"], "owner_column": "user_id"}',
    '{"template": "owner", "prefix": "clerk", "commands": ["select"], "owner_column": "user_id", "made": {"grants": [["regress_app", "SELECT"]]}}'
]) WITH ORDINALITY AS comments (comment, number) ORDER BY number
\set ECHO none
\gexec
\set ECHO all
-- Everybody else's policies are shown as before.
SET ROLE regress_auditor;
SELECT target, status, count(*) FROM clerk.policies WHERE target::text NOT LIKE 'lair.%' GROUP BY target, status ORDER BY target::text COLLATE "C";
SELECT left(policy, 30) AS policy, status, detail FROM clerk.policies WHERE target::text LIKE 'lair.%' ORDER BY policy COLLATE "C";
-- Neither does it keep others from protecting a table that it claims to follow, nor is anything done in its name.
RESET ROLE;
SELECT md5(string_agg(pg_policy::text, '' ORDER BY oid)) AS before FROM pg_policy WHERE polrelid = 'lair.trap'::regclass \gset
SET ROLE regress_admin;
SET client_min_messages = error;
SELECT change FROM clerk.protect('desk.note', 'role', role => 'owner', prefix => 'admins', restrictive => true, commands => '{update}', indexes => 'none');
RESET client_min_messages;
RESET ROLE;
SELECT md5(string_agg(pg_policy::text, '' ORDER BY oid)) = :'before' AS untouched FROM pg_policy WHERE polrelid = 'lair.trap'::regclass;
SELECT relacl FROM pg_class WHERE oid = 'lair.trap'::regclass;

SET client_min_messages = warning;
DROP SCHEMA lair CASCADE;
DROP SCHEMA desk CASCADE;
REVOKE CREATE ON DATABASE :DBNAME FROM regress_admin, regress_forger;
DROP ROLE regress_auditor, regress_reader, regress_forger;
