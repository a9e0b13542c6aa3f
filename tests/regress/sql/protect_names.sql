-- Names and texts that look like SQL, wherever clerk.protect() takes or meets one: they name what they name, and what
-- the caller's search_path holds is never taken for ours.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","pla":"u:it'"'"'s \\ \"pro\"; --","o":{"id":"org_acme","rol":"it'"'"'s \\ \"boss\"; DROP TABLE x; --"}}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob","o":{"id":"org_acme","rol":"member"}}'`
\pset null (null)

-- 63 bytes; the name that Postgres keeps.
\set longest 'a long name that ends with quote and an umlaut "; DROP x; -- ü'
SELECT octet_length(:'longest');
GRANT CREATE ON DATABASE :DBNAME TO regress_admin;
SET client_min_messages = warning;
DROP ROLE IF EXISTS "it's; a ""role""", "public role";
RESET client_min_messages;
CREATE ROLE "it's; a ""role""";
GRANT "it's; a ""role""" TO regress_app;
SET ROLE regress_admin;

-- === Each hostile name as everything at once: schema, table, columns, prefix.

CREATE FUNCTION pg_temp.try_name(name text, OUT changes bigint, OUT again bigint, OUT by_text boolean, OUT statuses text, OUT back bigint, OUT left_over bigint) LANGUAGE plpgsql AS $body$
DECLARE
    quoted regclass;
    made text;
    statement text;
BEGIN
    -- A schema must not begin with pg_.
    EXECUTE format('CREATE SCHEMA %I', name);
    EXECUTE format('CREATE TABLE %I.%I (id serial PRIMARY KEY, %I text, %I text, %I timestamptz)', name, name, name, 'o' || left(name, 30), 'd' || left(name, 30));
    quoted := format('%I.%I', name, name)::regclass;
    SELECT count(*) INTO changes FROM clerk.protect(quoted, 'organization', owner_column => name, org_column => 'o' || left(name, 30), prefix => name,
        roles => jsonb_build_object('write', name), permission => name, plan => name, feature => name, and_where => format('%I IS NOT NULL', name), commands => '{select,insert,update}',
        soft_delete => 'd' || left(name, 30), to_roles => ARRAY['it''s; a "role"'], immutable => ARRAY[name, 'o' || left(name, 30)]);
    SELECT string_agg(concat(polname, polcmd, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(oid)), '' ORDER BY polname) INTO made FROM pg_policy WHERE polrelid = quoted;
    SELECT count(*) INTO again FROM clerk.protect(quoted, 'organization', owner_column => name, org_column => 'o' || left(name, 30), prefix => name,
        roles => jsonb_build_object('write', name), permission => name, plan => name, feature => name, and_where => format('%I IS NOT NULL', name), commands => '{select,insert,update}',
        soft_delete => 'd' || left(name, 30), to_roles => ARRAY['it''s; a "role"'], immutable => ARRAY[name, 'o' || left(name, 30)]);
    -- The text, run over it, makes the same.
    FOR statement IN SELECT * FROM clerk.policy_sql(quoted, 'organization', owner_column => name, org_column => 'o' || left(name, 30), prefix => name,
        roles => jsonb_build_object('write', name), permission => name, plan => name, feature => name, and_where => format('%I IS NOT NULL', name), commands => '{select,insert,update}',
        soft_delete => 'd' || left(name, 30), to_roles => ARRAY['it''s; a "role"'], immutable => ARRAY[name, 'o' || left(name, 30)])
    LOOP EXECUTE statement; END LOOP;
    SELECT made = string_agg(concat(polname, polcmd, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(oid)), '' ORDER BY polname) INTO by_text FROM pg_policy WHERE polrelid = quoted;
    SELECT string_agg(DISTINCT status, ', ') INTO statuses FROM clerk.policies WHERE target = quoted;
    SELECT count(*) INTO back FROM clerk.unprotect(quoted, name);
    SELECT (SELECT count(*) FROM pg_policy WHERE polrelid = quoted) + (SELECT count(*) FROM pg_trigger WHERE tgrelid = quoted AND NOT tgisinternal)
        + (SELECT count(*) FROM pg_index WHERE indrelid = quoted AND NOT indisprimary) INTO left_over;
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
END
$body$;
CREATE FUNCTION pg_temp.is_there(name text) RETURNS boolean LANGUAGE sql AS $$ SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = name) $$;
SET client_min_messages = warning;
-- How wide a name is depends on the version.
\pset format unaligned
BEGIN;
SELECT name, tried.* FROM unnest(ARRAY['plain', 'Two Words', 'quo"te', '"', '""', 'apos''trophe', '''', 'back\slash', '\', E'new\nline', E'tab\t', 'x"; DROP TABLE x; --', 'x''); DROP TABLE x; --', '$$', '$body$', '%s', '{braces}', '*/', '/*', '--',
    'größe', '表', '🙂', E'\u200b', E'a\u0301', 'select', 'user', 'public', 'old', 'new', 'null', '1st', ' ', ' spaced ', 'a.b', 'a,b', '(a)', :'longest', repeat('ü', 31)])
    WITH ORDINALITY AS names (name, number), pg_temp.try_name(name) AS tried WHERE NOT pg_temp.is_there(name) ORDER BY number;
ROLLBACK;
\pset format aligned
RESET client_min_messages;

-- Two prefixes and two tables that differ only beyond what fits keep names of their own, each of at most 63 bytes.
CREATE SCHEMA lab;
GRANT USAGE ON SCHEMA lab TO regress_app;
BEGIN;
SELECT format('CREATE TABLE lab.%I (id integer, %I text, %I text)', repeat('t', 63), repeat('c', 62) || '1', repeat('c', 62) || '2') \gexec
SELECT count(*) FROM clerk.protect(format('lab.%I', repeat('t', 63))::regclass, 'owner', owner_column => repeat('c', 62) || '1', prefix => repeat('p', 62) || '1', immutable => ARRAY[repeat('c', 62) || '1', repeat('c', 62) || '2']);
SELECT count(*) FROM clerk.protect(format('lab.%I', repeat('t', 63))::regclass, 'owner', owner_column => repeat('c', 62) || '2', prefix => repeat('p', 62) || '2', immutable => ARRAY[repeat('c', 62) || '1', repeat('c', 62) || '2']);
SELECT count(*) AS policies, count(DISTINCT policyname) AS names, max(octet_length(policyname)) AS longest FROM pg_policies WHERE schemaname = 'lab';
SELECT indexname FROM pg_indexes WHERE schemaname = 'lab' ORDER BY indexname;
SELECT count(*) AS triggers, bool_and(octet_length(tgname) <= 63 AND tgname LIKE 'clerk\_keep%') AS ours FROM pg_trigger WHERE tgrelid = format('lab.%I', repeat('t', 63))::regclass;
SELECT status, count(*) FROM clerk.policies WHERE target::text LIKE 'lab.ttt%' GROUP BY status;
SELECT count(*) FROM clerk.unprotect(format('lab.%I', repeat('t', 63))::regclass, repeat('p', 62) || '1');
SELECT status, count(*) FROM clerk.policies WHERE target::text LIKE 'lab.ttt%' GROUP BY status;
ROLLBACK;

-- === A column for each word that Postgres knows.

\set ECHO none
SELECT 'CREATE TABLE lab.words (user_id text, ' || string_agg(format('"%s" text', word), ', ') || ')' FROM pg_get_keywords() \gexec
\set ECHO all
SELECT count(*) FILTER (WHERE change LIKE 'create trigger %') = (SELECT count(*) FROM pg_get_keywords()) AS a_trigger_each
FROM clerk.protect('lab.words', 'owner', immutable => (SELECT array_agg(word) FROM pg_get_keywords()));
SELECT count(*) FROM clerk.protect('lab.words', 'owner', immutable => (SELECT array_agg(word) FROM pg_get_keywords()));
-- Bare or quoted, the text can be run on this version.
\set ECHO none
SELECT clerk.policy_sql('lab.words', 'owner', immutable => (SELECT array_agg(word) FROM pg_get_keywords())) \gexec
\set ECHO all
SELECT status, count(*) FROM clerk.policies WHERE target = 'lab.words'::regclass GROUP BY status;
-- As the column of the user too, one after the other: a policy for each word.
SELECT count(*) = (SELECT count(*) FROM pg_get_keywords()) AS a_policy_each
FROM pg_get_keywords(), clerk.protect('lab.words', 'owner', owner_column => word, commands => '{select}') WHERE change LIKE 'replace policy %';
SELECT status, count(*) FROM clerk.policies WHERE target = 'lab.words'::regclass GROUP BY status;
SET client_min_messages = warning;
SELECT count(*) > 0 AS taken_back FROM clerk.unprotect('lab.words');
RESET client_min_messages;
DROP TABLE lab.words;
-- Nor does it matter whether this version quotes a word: json is a keyword since 16.
CREATE TABLE lab.word (user_id text, json text);
SELECT count(*) FROM clerk.protect('lab.word', 'owner', immutable => '{json}') WHERE change LIKE 'create trigger %';
SELECT count(*) FROM clerk.protect('lab.word', 'owner', immutable => '{json}');
DROP TABLE lab.word;

-- === Roles of the database, and texts of Clerk.

CREATE TABLE lab.memo (id integer, user_id text, org_id text);
INSERT INTO lab.memo VALUES (1, 'user_alice', 'org_acme'), (2, 'user_bob', 'org_acme'), (3, 'user_alice', NULL);
SELECT change FROM clerk.protect('lab.memo', 'organization', role => 'it''s \ "boss"; DROP TABLE x; --', to_roles => ARRAY['it''s; a "role"'], grants => true, commands => '{select}');
SELECT change FROM clerk.protect('lab.memo', 'plan', plan => 'it''s \ "pro"; --', owner_column => 'user_id', to_roles => ARRAY['it''s; a "role"'], prefix => 'plan''s');
SET ROLE regress_app;
SELECT who, coalesce(code, result) AS sees FROM (VALUES (1, 'alice', :'alice'), (2, 'bob', :'bob'), (3, 'nobody', '')) AS people (number, who, token),
    testing.outcome_as(token, 'SELECT string_agg(id::text, '','' ORDER BY id) FROM lab.memo') ORDER BY number;
SET ROLE regress_admin;
-- Whatever strings look like in the session.
BEGIN;
SET LOCAL standard_conforming_strings = off;
SET LOCAL escape_string_warning = off;
SET LOCAL backslash_quote = off;
SELECT change FROM clerk.protect('lab.memo', 'organization', role => $$it's \ "boss"; DROP TABLE x; --$$, to_roles => ARRAY[$$it's; a "role"$$], grants => true, commands => '{select}');
SELECT statement FROM clerk.policy_sql('lab.memo', 'organization', role => $$\'; DROP TABLE x; --$$, commands => '{select}', to_roles => '{regress_app}') AS statement WHERE statement LIKE 'CREATE POLICY%';
-- quote_all_identifiers changes how Postgres writes, not what is there.
SET LOCAL quote_all_identifiers = on;
SELECT policy, status FROM clerk.policies WHERE target = 'lab.memo'::regclass ORDER BY policy;
ROLLBACK;
-- A role that is called public, which Postgres does not allow, and one that looks like a list.
RESET ROLE;
SELECT result, code FROM testing.outcome('CREATE ROLE "public"');
CREATE ROLE "public role";
SET ROLE regress_admin;
SELECT change FROM clerk.protect('lab.memo', 'owner', to_roles => '{public role}', commands => '{select}', prefix => 'roles');
SELECT policyname, roles FROM pg_policies WHERE schemaname = 'lab' ORDER BY policyname;
DROP TABLE lab.memo;
RESET ROLE;
DROP ROLE "public role";

-- === A hostile search_path: an equality that always holds, functions of our names, types and tables.

CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
CREATE FUNCTION hostile.yes(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION hostile.yes(varchar, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION hostile.yes(varchar, varchar) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION hostile.yes(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR hostile.= (FUNCTION = hostile.yes, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR hostile.= (FUNCTION = hostile.yes, LEFTARG = varchar, RIGHTARG = text);
CREATE OPERATOR hostile.= (FUNCTION = hostile.yes, LEFTARG = varchar, RIGHTARG = varchar);
CREATE OPERATOR hostile.>= (FUNCTION = hostile.yes, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE FUNCTION hostile.clerk_user_id() RETURNS text LANGUAGE sql AS $$ SELECT 'user_alice'::text $$;
CREATE FUNCTION hostile.clerk_org_id() RETURNS text LANGUAGE sql AS $$ SELECT 'org_acme'::text $$;
CREATE FUNCTION hostile.clerk_has_role(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION hostile.clerk_reverified(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION hostile.clerk_reverified(unknown_preset text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '-infinity'::timestamptz $$;
CREATE FUNCTION hostile._refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE hostile.pg_policy (polname text);
CREATE TABLE hostile.pg_class (relname text);
CREATE VIEW hostile.pg_policies AS SELECT 'x'::text AS policyname;
CREATE FUNCTION hostile.pg_has_role(oid, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION hostile.jsonb_strip_nulls(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"template": "public_read"}'::jsonb $$;
GRANT SELECT ON ALL TABLES IN SCHEMA hostile TO PUBLIC;
SET ROLE regress_admin;
CREATE DOMAIN lab.person AS text;
CREATE TABLE lab.project (id integer PRIMARY KEY, code varchar(9) UNIQUE, user_id varchar(64), org_id lab.person, gone timestamptz);
CREATE TABLE lab.step (id integer PRIMARY KEY, code varchar(9));
INSERT INTO lab.project VALUES (1, 'a', 'user_alice', 'org_acme', NULL), (2, 'b', 'user_bob', 'org_globex', NULL), (3, 'c', 'user_alice', 'org_globex', '2000-01-01');
INSERT INTO lab.step VALUES (1, 'a'), (2, 'b'), (3, 'c');
SET search_path = hostile, pg_catalog, public;
-- The trap works on a policy written by hand.
CREATE TABLE lab.trapped (user_id varchar(64));
ALTER TABLE lab.trapped ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_hand ON lab.trapped USING (user_id = clerk_user_id());
SELECT count(*) FROM clerk.protect('lab.project', 'owner', soft_delete => 'gone', reverification => 'strict', to_roles => '{regress_app}', grants => true, immutable => '{user_id}');
SELECT count(*) FROM clerk.protect('lab.project', 'organization', prefix => 'org', commands => '{select}', role => 'member', to_roles => '{regress_app}', and_where => 'gone IS NULL');
SELECT count(*) FROM clerk.protect('lab.step', 'inherit', via => 'code references lab.project (code)', to_roles => '{regress_app}', grants => true);
SELECT count(*) FROM clerk.protect('lab.step', 'inherit', via => 'code references lab.project (code)', to_roles => '{regress_app}', grants => true);
SELECT target, policy, status, detail FROM clerk.policies ORDER BY 1, 2;
RESET search_path;
-- What hangs on the hostile schema: the trap alone.
SELECT DISTINCT pg_describe_object(classid, objid, objsubid) AS depends, pg_describe_object(refclassid, refobjid, refobjsubid) AS on_hostile
FROM pg_depend WHERE classid IN ('pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_attrdef'::regclass)
    AND pg_identify_object(refclassid, refobjid, refobjsubid)::text LIKE '%hostile%'
ORDER BY 1, 2;
-- And seen from outside of it, nothing differs.
SELECT target, policy, status FROM clerk.policies WHERE status <> 'ok' ORDER BY 1, 2;
SELECT count(*) FROM clerk.protect('lab.step', 'inherit', via => 'code references lab.project (code)', to_roles => '{regress_app}', grants => true);
SET ROLE regress_app;
SELECT who, coalesce(project.code, project.result) AS projects, coalesce(step.code, step.result) AS steps
FROM (VALUES (1, 'alice', :'alice'), (2, 'bob', :'bob'), (3, 'nobody', '')) AS people (number, who, token),
    testing.outcome_as(token, 'SELECT string_agg(id::text, '','' ORDER BY id) FROM lab.project') AS project,
    testing.outcome_as(token, 'SELECT string_agg(id::text, '','' ORDER BY id) FROM lab.step') AS step ORDER BY number;
RESET ROLE;

-- The text of policy_sql() is SQL like any other: where somebody else's schema goes before pg_catalog, it is caught (README
-- says so). What names its schema, as all functions do, is not.
SET ROLE regress_admin;
SET client_min_messages = warning;
SELECT count(*) FROM clerk.unprotect('lab.step');
SELECT count(*) FROM clerk.unprotect('lab.project');
RESET client_min_messages;
SET search_path = hostile, pg_catalog, public;
\set ECHO none
SELECT clerk.policy_sql('lab.project', 'owner', soft_delete => 'gone', reverification => 'strict', immutable => '{user_id}') \gexec
SELECT clerk.policy_sql('lab.step', 'inherit', via => 'code references lab.project (code)') \gexec
\set ECHO all
RESET search_path;
SELECT DISTINCT pg_describe_object(classid, objid, objsubid) AS depends, pg_describe_object(refclassid, refobjid, refobjsubid) AS on_hostile
FROM pg_depend WHERE classid IN ('pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_attrdef'::regclass)
    AND pg_identify_object(refclassid, refobjid, refobjsubid)::text LIKE '%hostile%'
ORDER BY 1, 2;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA hostile CASCADE;
DROP SCHEMA lab CASCADE;
RESET client_min_messages;

-- === The extension in a schema of another name.

BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION clerk_sync CASCADE;
CREATE SCHEMA "Ext; x";
CREATE EXTENSION clerk_sync SCHEMA "Ext; x";
RESET client_min_messages;
GRANT USAGE ON SCHEMA "Ext; x" TO PUBLIC;
SET LOCAL ROLE regress_admin;
CREATE SCHEMA lab;
CREATE TABLE lab.note (id integer PRIMARY KEY, user_id text, org_id text, gone timestamptz);
SELECT statement FROM clerk.policy_sql('lab.note', 'organization', owner_column => 'user_id', soft_delete => 'gone') AS statement WHERE statement NOT LIKE 'COMMENT %';
SELECT count(*) FROM clerk.protect('lab.note', 'organization', owner_column => 'user_id', soft_delete => 'gone');
SELECT * FROM clerk.protect('lab.note', 'organization', owner_column => 'user_id', soft_delete => 'gone');
SELECT policy, status, detail FROM clerk.policies ORDER BY policy;
SELECT change FROM clerk.unprotect('lab.note');
ROLLBACK;

REVOKE CREATE ON DATABASE :DBNAME FROM regress_admin;
DROP ROLE "it's; a ""role""";
