-- clerk.protect(), clerk.policy_sql() and clerk.unprotect(): what the templates emit, who sees and changes what under
-- them, and that all of it can be said twice, changed and taken back. Everything is run by a plain role that owns its
-- tables and has clerk_admin.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","fva":[1,1],"pla":"o:pro","fea":"o:reports,o:invoices","o":{"id":"org_acme","rol":"admin","per":"read","fpm":"0,1"}}'`
\set anna `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_anna","fva":[90,-1],"v":null,"org_id":"org_acme","org_role":"org:member"}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob","fva":[1,-1],"o":{"id":"org_globex","rol":"member"}}'`
\set stranger `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_stranger"}'`
\pset null (null)

CREATE SCHEMA shop AUTHORIZATION regress_admin;
GRANT USAGE ON SCHEMA shop TO regress_app;
SELECT rolname, rolsuper OR rolbypassrls AS above_row_security FROM pg_roles
WHERE rolname IN ('regress_admin', 'regress_app') ORDER BY rolname;

-- What a table has: policies, row security, indexes, defaults, triggers, privileges, comments.
CREATE FUNCTION testing.catalogs(target regclass) RETURNS SETOF text LANGUAGE sql STABLE AS $body$
SELECT regexp_replace(line, '\s+', ' ', 'g') FROM (
    SELECT 'row security ' || relrowsecurity || ', forced ' || relforcerowsecurity FROM pg_class WHERE oid = target
    UNION ALL
    SELECT concat_ws(' | ', 'policy', polname, polcmd, polpermissive, (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE role::regrole::text END, ', ' ORDER BY role::regrole::text) FROM unnest(polroles) AS role),
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(oid, 'pg_policy'))
    FROM pg_policy WHERE polrelid = target
    UNION ALL
    SELECT concat_ws(' | ', 'index', pg_get_indexdef(indexrelid), obj_description(indexrelid, 'pg_class')) FROM pg_index WHERE indrelid = target
    UNION ALL
    SELECT concat_ws(' | ', 'default', attname, pg_get_expr(adbin, adrelid)) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE adrelid = target
    UNION ALL
    SELECT concat_ws(' | ', 'trigger', pg_get_triggerdef(oid), tgenabled, obj_description(oid, 'pg_trigger')) FROM pg_trigger WHERE tgrelid = target AND NOT tgisinternal
    UNION ALL
    SELECT concat_ws(' | ', 'privilege', objects.oid::regclass, grantee::regrole, privilege_type)
    FROM pg_class AS objects, aclexplode(coalesce(relacl, acldefault((CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", relowner)))
    WHERE objects.oid = target OR objects.oid IN (SELECT objid FROM pg_depend WHERE refobjid = target AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND relkind = 'S')
) AS lines (line) ORDER BY line COLLATE "C"
$body$;

-- What a statement would do under a token; it is rolled back.
CREATE FUNCTION testing.undone(token text, statement text, OUT answer text) LANGUAGE plpgsql AS $body$
BEGIN
    SELECT coalesce(outcome.code, outcome.result) INTO answer FROM testing.outcome_as(token, statement) AS outcome;
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    NULL;
END
$body$;

-- The ids that each person sees and reaches in shop.item, or the SQLSTATE.
CREATE TABLE testing.person (who text, token text);
GRANT SELECT ON testing.person TO PUBLIC;
INSERT INTO testing.person VALUES ('alice', :'alice'), ('anna', :'anna'), ('bob', :'bob'), ('stranger', :'stranger'), ('nobody', '');
CREATE FUNCTION testing.matrix(OUT statement text, OUT alice text, OUT anna text, OUT bob text, OUT stranger text, OUT nobody text)
RETURNS SETOF record LANGUAGE sql AS $body$
    SELECT named, max(answer) FILTER (WHERE who = 'alice'), max(answer) FILTER (WHERE who = 'anna'), max(answer) FILTER (WHERE who = 'bob'),
        max(answer) FILTER (WHERE who = 'stranger'), max(answer) FILTER (WHERE who = 'nobody')
    FROM (VALUES (1, 'select', 'SELECT * FROM shop.item'), (2, 'update', 'UPDATE shop.item SET title = upper(title) RETURNING id'),
            (3, 'delete', 'DELETE FROM shop.item RETURNING id'),
            (4, 'insert', 'INSERT INTO shop.item (id, title) VALUES (9, ''new'') RETURNING id'),
            (5, 'insert as alice', 'INSERT INTO shop.item (id, title, user_id) VALUES (9, ''new'', ''user_alice'') RETURNING id'),
            (6, 'insert into acme', 'INSERT INTO shop.item (id, title, org_id) VALUES (9, ''new'', ''org_acme'') RETURNING id'),
            (7, 'give to zoe', 'UPDATE shop.item SET user_id = ''user_zoe'' RETURNING id'),
            (8, 'move to initech', 'UPDATE shop.item SET org_id = ''org_initech'' RETURNING id')
        ) AS statements (number, named, text),
        testing.person, testing.undone(token, format('%s SELECT string_agg(id::text, '','' ORDER BY id) FROM reached', 'WITH reached AS (' || text || ')')) AS answer
    GROUP BY number, named ORDER BY number
$body$;

SET ROLE regress_admin;
CREATE TABLE shop.item (id integer PRIMARY KEY, title text, user_id text, org_id text);
INSERT INTO shop.item VALUES (1, 'alice at acme', 'user_alice', 'org_acme'), (2, 'anna at acme', 'user_anna', 'org_acme'),
    (3, 'bob at globex', 'user_bob', 'org_globex'), (4, 'alice alone', 'user_alice', NULL);

-- === The text of each template.

-- All of it, comments and all.
\pset format unaligned
\pset tuples_only on
SELECT clerk.policy_sql('shop.item', 'owner');
-- The rest without comments, which repeat the specification. It changes nothing.
SELECT statement FROM clerk.policy_sql('shop.item', 'organization') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'organization', owner_column => 'user_id',
    roles => '{"write": ["admin", "editor"]}', permissions => '{"delete": "org:items:delete"}') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'role', role => 'admin') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'role', role => 'admin', organization => 'org_staff') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'permission', permissions => '{"read": "org:items:read", "write": "org:items:manage"}') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'plan', plan => 'o:pro') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'feature', feature => 'reports', org_column => 'org_id') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'plan', plan => 'pro', restrictive => true) AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'reverified') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'owner', reverification => 'second_factor 10 minutes') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'public_read') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'public_profile') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'private_profile') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'service', to_roles => '{regress_other}', grants => true) AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'custom', predicate => 'title LIKE ''p%'' AND org_id = clerk_org_id()') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT statement FROM clerk.policy_sql('shop.item', 'owner', and_where => 'id > 0', or_where => 'title = ''public'' OR id = 7',
    commands => '{update,SELECT}', to_roles => '{regress_app}', read_to_roles => '{regress_app,regress_other}', force => true,
    prefix => 'mine', indexes => 'none', set_defaults => false, immutable => '{user_id}', grants => true) AS statement;
SELECT count(*) FROM testing.catalogs('shop.item') AS line WHERE line LIKE 'policy%' OR line LIKE 'index%idx%';
\pset tuples_only off

-- Where Supabase's roles exist, policies are for them.
RESET ROLE;
BEGIN;
CREATE ROLE anon;
CREATE ROLE authenticated;
CREATE ROLE service_role;
SET LOCAL ROLE regress_admin;
SELECT template, regexp_replace(statement, ' USING.*| WITH CHECK.*', '') AS statement
FROM unnest(ARRAY['owner', 'public_read', 'service']) AS template, clerk.policy_sql('shop.item', template) AS statement
WHERE statement LIKE 'CREATE POLICY%';
ROLLBACK;
SET ROLE regress_admin;
\pset format aligned

-- === Who sees and changes what. Each set is taken back by its transaction.

BEGIN;
SELECT change FROM clerk.protect('shop.item', 'owner', to_roles => '{regress_app}', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;

-- The author writes, whoever else may change the row; an author is not changed.
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'organization', owner_column => 'user_id', roles => '{"delete": "admin"}', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'role', role => 'org:admin', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
-- Being the admin of an organization of one's own is worth nothing in the staff's.
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'role', role => 'admin', organization => 'org_staff', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'permission', permission => 'org:invoices:read', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'plan', plan => 'pro', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'feature', feature => 'reports', org_column => 'org_id', commands => '{select,update}', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
-- Anna's factors are 90 minutes old, and the stranger's token says nothing of any.
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'reverified', reverification => 'moderate', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'public_read', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'private_profile', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'service', to_roles => '{regress_app}', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'custom', predicate => 'clerk_user_id() = user_id OR (clerk_in_org(org_id) AND clerk_has_role(''admin''))', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
-- and_where narrows every command, or_where widens reading and nothing else.
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'owner', and_where => 'id < 4', or_where => 'org_id = ''org_globex'' OR id = 4', grants => true);
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
-- Two sets allow together; a restrictive one narrows both.
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'owner', grants => true);
SELECT count(*) FROM clerk.protect('shop.item', 'organization', commands => '{select}', prefix => 'colleagues');
SELECT count(*) FROM clerk.protect('shop.item', 'reverified', prefix => 'fresh', restrictive => true, reverification => 'moderate',
    commands => '{insert,update,delete}');
SET LOCAL ROLE regress_app;
SELECT * FROM testing.matrix();
ROLLBACK;
-- The table's owner stands above row security, unless it is forced. After false, no more.
BEGIN;
SELECT count(*) FROM clerk.protect('shop.item', 'owner');
SELECT count(*) FROM shop.item;
SELECT change FROM clerk.protect('shop.item', 'owner', force => true);
SELECT count(*) FROM shop.item;
SET LOCAL clerk_sync.token = :'alice';
SELECT id FROM shop.item ORDER BY id;
SELECT change FROM clerk.protect('shop.item', 'owner');
SELECT relforcerowsecurity FROM pg_class WHERE oid = 'shop.item'::regclass;
SELECT change FROM clerk.protect('shop.item', 'owner', force => false);
SELECT relforcerowsecurity FROM pg_class WHERE oid = 'shop.item'::regclass;
ROLLBACK;

-- === Twice the same is nothing, and takes no lock that readers or writers wait for.

SELECT * FROM clerk.protect('shop.item', 'organization', owner_column => 'user_id', immutable => '{user_id,org_id}', to_roles => '{regress_app}', grants => true);
SELECT string_agg(oid || ' ' || xmin, ', ' ORDER BY oid) AS before FROM pg_policy WHERE polrelid = 'shop.item'::regclass \gset
BEGIN;
SELECT * FROM clerk.protect('shop.item', 'organization', owner_column => 'user_id', immutable => '{user_id,org_id}', to_roles => '{regress_app}', grants => true);
SELECT mode FROM pg_locks WHERE relation = 'shop.item'::regclass AND pid = pg_backend_pid() ORDER BY mode;
COMMIT;
SELECT string_agg(oid || ' ' || xmin, ', ' ORDER BY oid) = :'before' AS untouched FROM pg_policy WHERE polrelid = 'shop.item'::regclass;
-- Said in other words, it is the same too.
SELECT change FROM clerk.protect('shop.item', 'organization', owner_column => 'user_id', org_column => 'org_id', immutable => '{user_id,org_id}',
    to_roles => '{regress_app,regress_app}', commands => '{DELETE,insert,update,select}', prefix => 'clerk', grants => true);

-- === A changed specification replaces its own policies, in the caller's transaction.

SELECT * FROM clerk.protect('shop.item', 'organization', immutable => '{org_id}', roles => '{"delete": "admin"}', commands => '{select,update,delete}', to_roles => '{regress_app}', grants => true);
SELECT policyname, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'shop' ORDER BY policyname;
BEGIN;
SELECT change FROM clerk.protect('shop.item', 'owner');
ROLLBACK;
SELECT count(*) FROM pg_policies WHERE schemaname = 'shop' AND qual LIKE '%clerk_org_id%';
-- Policies of another hand stay as they are, and so does another prefix.
CREATE POLICY by_hand ON shop.item FOR SELECT USING (title = 'for all');
COMMENT ON POLICY by_hand ON shop.item IS 'written by hand';
SELECT change FROM clerk.protect('shop.item', 'public_read', prefix => 'news', commands => '{select}', and_where => 'id = 1', to_roles => '{regress_other}');
SELECT change FROM clerk.protect('shop.item', 'owner', commands => '{select}', to_roles => '{regress_app}');
SELECT policyname, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'shop' ORDER BY policyname;
SELECT change FROM clerk.unprotect('shop.item', 'clerk');
SELECT change FROM clerk.unprotect('shop.item', 'none of them');
SELECT change FROM clerk.unprotect('shop.item');
SELECT line FROM testing.catalogs('shop.item') AS line WHERE line NOT LIKE 'privilege%';
SELECT change FROM clerk.unprotect('shop.item');
DROP POLICY by_hand ON shop.item;
ALTER TABLE shop.item DISABLE ROW LEVEL SECURITY;

-- === unprotect() takes back what was made, no more and no less. What differs afterwards is row security.

-- A table with a serial and an identity column.
CREATE TABLE shop.order_line (id serial PRIMARY KEY, number integer GENERATED BY DEFAULT AS IDENTITY, user_id text, org_id text, deleted_at timestamptz);
SELECT string_agg(line, E'\n') AS before FROM testing.catalogs('shop.order_line') AS line \gset
SELECT * FROM clerk.protect('shop.order_line', 'organization', owner_column => 'user_id', soft_delete => 'deleted_at', immutable => '{org_id,user_id}', to_roles => '{regress_app}', grants => true);
SELECT change FROM clerk.unprotect('shop.order_line');
SELECT line AS differs FROM testing.catalogs('shop.order_line') AS line EXCEPT SELECT line FROM string_to_table(:'before', E'\n') AS line;
SELECT line AS is_gone FROM string_to_table(:'before', E'\n') AS line EXCEPT SELECT line FROM testing.catalogs('shop.order_line') AS line;

-- What was there before stays: a default, an index, a privilege, a trigger of one's own, forced row security.
CREATE INDEX by_organization ON shop.order_line (org_id, id);
ALTER TABLE shop.order_line ALTER user_id SET DEFAULT 'user_nobody', ALTER org_id SET DEFAULT clerk_org_id(), FORCE ROW LEVEL SECURITY;
GRANT SELECT, DELETE ON shop.order_line TO regress_app;
GRANT USAGE ON SEQUENCE shop.order_line_id_seq TO regress_app;
CREATE FUNCTION shop.pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER clerk_keep_org_id BEFORE UPDATE ON shop.order_line FOR EACH ROW EXECUTE FUNCTION shop.pass();
SELECT string_agg(line, E'\n') AS before FROM testing.catalogs('shop.order_line') AS line \gset
SELECT change, statement FROM clerk.protect('shop.order_line', 'organization', owner_column => 'user_id', immutable => '{org_id}', to_roles => '{regress_app}', grants => true)
WHERE change !~ 'policy';
SELECT change FROM clerk.unprotect('shop.order_line');
SELECT line AS differs FROM testing.catalogs('shop.order_line') AS line EXCEPT SELECT line FROM string_to_table(:'before', E'\n') AS line;
SELECT line AS is_gone FROM string_to_table(:'before', E'\n') AS line EXCEPT SELECT line FROM testing.catalogs('shop.order_line') AS line;
DROP INDEX shop.by_organization;
DROP TRIGGER clerk_keep_org_id ON shop.order_line;
ALTER TABLE shop.order_line ALTER user_id DROP DEFAULT, ALTER org_id DROP DEFAULT, NO FORCE ROW LEVEL SECURITY;
REVOKE ALL ON shop.order_line FROM regress_app;
REVOKE ALL ON SEQUENCE shop.order_line_id_seq FROM regress_app;

-- What two sets share goes with the last of them, whichever that is.
SELECT string_agg(line, E'\n') AS before FROM testing.catalogs('shop.order_line') AS line \gset
SELECT count(*) FROM clerk.protect('shop.order_line', 'owner', prefix => 'first', immutable => '{user_id}', to_roles => '{regress_app}', grants => true);
SELECT change FROM clerk.protect('shop.order_line', 'owner', prefix => 'second', immutable => '{user_id}', to_roles => '{regress_app}', grants => true, commands => '{select,insert}');
SELECT change FROM clerk.unprotect('shop.order_line', 'first');
SELECT line FROM testing.catalogs('shop.order_line') AS line WHERE line !~ 'regress_admin|policy';
SELECT change FROM clerk.unprotect('shop.order_line', 'second');
SELECT line AS differs FROM testing.catalogs('shop.order_line') AS line EXCEPT SELECT line FROM string_to_table(:'before', E'\n') AS line;
SELECT line AS is_gone FROM string_to_table(:'before', E'\n') AS line EXCEPT SELECT line FROM testing.catalogs('shop.order_line') AS line;
-- The other way round.
SELECT count(*) FROM clerk.protect('shop.order_line', 'owner', prefix => 'first', to_roles => '{regress_app}', grants => true);
SELECT count(*) FROM clerk.protect('shop.order_line', 'owner', prefix => 'second', to_roles => '{regress_app}', grants => true);
SELECT count(*) FROM clerk.unprotect('shop.order_line', 'second');
SELECT count(*) FROM clerk.unprotect('shop.order_line', 'first');
SELECT line AS differs FROM testing.catalogs('shop.order_line') AS line EXCEPT SELECT line FROM string_to_table(:'before', E'\n') AS line;
-- Where a set stops asking for it, it goes as well, unless another set asks.
SELECT count(*) FROM clerk.protect('shop.order_line', 'owner', prefix => 'first', to_roles => '{regress_app}', grants => true);
SELECT count(*) FROM clerk.protect('shop.order_line', 'owner', prefix => 'second', to_roles => '{regress_app}', commands => '{select}', grants => true);
SELECT change FROM clerk.protect('shop.order_line', 'owner', prefix => 'first', to_roles => '{regress_app}', set_defaults => false, indexes => 'none');
SELECT change FROM clerk.unprotect('shop.order_line');
SELECT line AS differs FROM testing.catalogs('shop.order_line') AS line EXCEPT SELECT line FROM string_to_table(:'before', E'\n') AS line;
SELECT line AS is_gone FROM string_to_table(:'before', E'\n') AS line EXCEPT SELECT line FROM testing.catalogs('shop.order_line') AS line;
-- Without policies the table is closed, not open.
GRANT SELECT ON shop.order_line TO regress_app;
INSERT INTO shop.order_line (user_id) VALUES ('user_alice');
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT count(*) FROM shop.order_line;
ROLLBACK;
SET ROLE regress_admin;
DROP TABLE shop.order_line;

-- === Defaults and grants: a row is one's own without saying so, with a serial and an identity column.

CREATE TABLE shop.task (id serial PRIMARY KEY, number integer GENERATED ALWAYS AS IDENTITY, user_id text NOT NULL, org_id text,
    title text, search text GENERATED ALWAYS AS (upper(title)) STORED);
SELECT count(*) FROM clerk.protect('shop.task', 'organization', owner_column => 'user_id', to_roles => '{regress_app}', grants => true);
-- Twice is nothing here too.
SELECT * FROM clerk.protect('shop.task', 'organization', owner_column => 'user_id', to_roles => '{regress_app}', grants => true);
SELECT line FROM testing.catalogs('shop.task') AS line WHERE line ~ '^(default|privilege).*(regress_app|clerk)';
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
INSERT INTO shop.task (title) VALUES ('hers'), ('hers too') RETURNING *;
COMMIT;
BEGIN;
SET LOCAL clerk_sync.token = :'bob';
INSERT INTO shop.task (title) VALUES ('his') RETURNING *;
COMMIT;
-- A stranger has no organization to write into, and nobody is nobody.
SELECT code, result FROM testing.outcome_as(:'stranger', 'INSERT INTO shop.task (title) VALUES (''x'')');
SELECT code, result FROM testing.outcome_as('', 'INSERT INTO shop.task (title) VALUES (''x'')');

-- === An immutable column.

SELECT * FROM testing.outcome_as(:'alice', 'UPDATE shop.task SET user_id = ''user_anna''');
SELECT * FROM testing.outcome_as(:'alice', 'UPDATE shop.task SET user_id = user_id, title = ''same'' RETURNING title');
-- No way around it by INSERT ... ON CONFLICT.
SELECT code, result FROM testing.outcome_as(:'alice', 'INSERT INTO shop.task (id, title) VALUES (1, ''x'') ON CONFLICT (id) DO UPDATE SET user_id = ''user_anna''');
SET ROLE regress_admin;
-- The table's owner is above row security, and above this.
UPDATE shop.task SET user_id = 'user_anna' WHERE id = 1 RETURNING user_id;
SELECT change FROM clerk.protect('shop.task', 'organization', owner_column => 'user_id', immutable => '{}', to_roles => '{regress_app}', grants => true);
DROP TABLE shop.task;

-- === Soft delete: a row is deleted by its date, for good, and at the time of the transaction.

CREATE TABLE shop.letter (id integer PRIMARY KEY, user_id text, "when" timestamptz, body text);
SELECT change, statement FROM clerk.protect('shop.letter', 'owner', soft_delete => 'when', to_roles => '{regress_app}', grants => true);
INSERT INTO shop.letter SELECT id, 'user_alice', NULL, 'letter ' || id FROM generate_series(1, 5) AS id;
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
UPDATE shop.letter SET "when" = now() WHERE id = 1;
UPDATE shop.letter SET "when" = now() WHERE id = 2 RETURNING id, "when" = now() AS stamped;
-- Whatever time is given.
UPDATE shop.letter SET "when" = 'infinity' WHERE id = 3 RETURNING id, "when" = now() AS stamped;
UPDATE shop.letter SET "when" = '2000-01-01' WHERE id = 4 RETURNING id, "when" = now() AS stamped;
-- Not even its own transaction revives it, dates it anew or changes it.
UPDATE shop.letter SET "when" = NULL WHERE id = 1 RETURNING id;
UPDATE shop.letter SET body = 'changed' WHERE id = 1 RETURNING id;
COMMIT;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT id FROM shop.letter ORDER BY id;
UPDATE shop.letter SET "when" = NULL RETURNING id;
UPDATE shop.letter SET body = 'changed' RETURNING id, body;
ROLLBACK;
SELECT code, result FROM testing.outcome_as(:'alice', 'DELETE FROM shop.letter');
-- Nor does an INSERT over it.
SELECT code, result FROM testing.outcome_as(:'alice', 'INSERT INTO shop.letter (id, body) VALUES (1, ''x'') ON CONFLICT (id) DO UPDATE SET "when" = NULL');
-- A row is not born deleted, nor with a time to come, at which it could neither be changed nor deleted.
SELECT code, result FROM testing.outcome_as(:'alice', 'INSERT INTO shop.letter (id, "when") VALUES (6, ''infinity'')');
SELECT code, result FROM testing.outcome_as(:'alice', 'INSERT INTO shop.letter (id, "when") VALUES (6, ''2000-01-01'')');
-- Nobody else's.
BEGIN;
SET LOCAL clerk_sync.token = :'bob';
UPDATE shop.letter SET "when" = now() RETURNING id;
ROLLBACK;
SET ROLE regress_admin;
SELECT id, "when" IS NOT NULL AS deleted, "when" BETWEEN now() - '5 minutes'::interval AND now() AS in_time, body FROM shop.letter ORDER BY id;
DROP TABLE shop.letter;

-- === The text of policy_sql(), run by \gexec, leaves what protect() leaves.

CREATE TABLE shop.memo (id serial PRIMARY KEY, user_id text, org_id text, deleted_at timestamptz);
BEGIN;
SELECT count(*) FROM clerk.protect('shop.memo', 'organization', owner_column => 'user_id', soft_delete => 'deleted_at', roles => '{"write": "it''s \\ admin"}', to_roles => '{regress_app}', grants => true);
SELECT string_agg(line, E'\n') AS by_protect FROM testing.catalogs('shop.memo') AS line \gset
ROLLBACK;
\set ECHO none
SELECT clerk.policy_sql('shop.memo', 'organization', owner_column => 'user_id', soft_delete => 'deleted_at', roles => '{"write": "it''s \\ admin"}', to_roles => '{regress_app}', grants => true) \gexec
\set ECHO all
SELECT line AS only_text FROM testing.catalogs('shop.memo') AS line EXCEPT SELECT line FROM string_to_table(:'by_protect', E'\n') AS line;
SELECT line AS only_protect FROM string_to_table(:'by_protect', E'\n') AS line EXCEPT SELECT line FROM testing.catalogs('shop.memo') AS line;
SELECT count(*) FROM clerk.protect('shop.memo', 'organization', owner_column => 'user_id', soft_delete => 'deleted_at', roles => '{"write": "it''s \\ admin"}', to_roles => '{regress_app}', grants => true);
-- It can be run again, over what is there.
\set ECHO none
SELECT clerk.policy_sql('shop.memo', 'organization', owner_column => 'user_id', soft_delete => 'deleted_at', roles => '{"write": "it''s \\ admin"}', to_roles => '{regress_app}', grants => true) \gexec
\set ECHO all
SELECT line AS only_text FROM testing.catalogs('shop.memo') AS line EXCEPT SELECT line FROM string_to_table(:'by_protect', E'\n') AS line;
SELECT line AS only_protect FROM string_to_table(:'by_protect', E'\n') AS line EXCEPT SELECT line FROM testing.catalogs('shop.memo') AS line;
SELECT policy, status, detail FROM clerk.policies WHERE target = 'shop.memo'::regclass ORDER BY policy;
SELECT change FROM clerk.unprotect('shop.memo');
DROP TABLE shop.memo;

-- === Concurrently, which is for the text alone: its statements cannot be run in one transaction.

CREATE TABLE shop.event (id integer PRIMARY KEY, user_id text);
\set ECHO none
SELECT clerk.policy_sql('shop.event', 'owner', indexes => 'concurrently') \gexec
\set ECHO all
SELECT line FROM testing.catalogs('shop.event') AS line WHERE line LIKE 'index%';
-- What it left is what it asks for.
SELECT policy, status, detail FROM clerk.policies WHERE target = 'shop.event'::regclass ORDER BY policy;
-- Over to protect(): nothing is built twice.
SELECT DISTINCT split_part(change, ' clerk_', 1) AS change FROM clerk.protect('shop.event', 'owner');
SELECT change FROM clerk.unprotect('shop.event');

RESET ROLE;
DROP SCHEMA shop CASCADE;
DROP FUNCTION testing.catalogs, testing.undone, testing.matrix;
DROP TABLE testing.person;
