-- What clerk.protect() and clerk.policy_sql() refuse, with what they say, and that a refusal changes nothing.

\pset null (null)

CREATE SCHEMA yard AUTHORIZATION regress_admin;
GRANT CREATE, USAGE ON SCHEMA yard TO regress_other;
GRANT CREATE ON DATABASE :DBNAME TO regress_admin;
-- Has an own table, and no right to administration.
SET ROLE regress_other;
CREATE TABLE yard.theirs (id integer PRIMARY KEY, user_id text);
RESET ROLE;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
GRANT USAGE ON FOREIGN SERVER nowhere TO regress_admin;
-- As an ICU collation would be, which not every build has.
CREATE COLLATION yard.any_case FROM "C";
SET allow_system_table_mods = on;
UPDATE pg_collation SET collisdeterministic = false WHERE oid = 'yard.any_case'::regcollation;
RESET allow_system_table_mods;
ALTER COLLATION yard.any_case OWNER TO regress_admin;

SET ROLE regress_admin;
CREATE DOMAIN yard.old_id AS uuid;
CREATE DOMAIN yard.clerk_id AS text CHECK (VALUE LIKE 'user\_%');
CREATE DOMAIN yard.own_id AS yard.clerk_id;
CREATE TABLE yard.plot (id integer PRIMARY KEY, user_id text, title text, as_uuid uuid, as_integer integer, as_char character(40),
    as_array text[], as_json jsonb, as_domain yard.old_id, as_name name, any_case text COLLATE yard.any_case,
    good_varchar varchar(64), good_domain yard.own_id, deleted timestamp, flag boolean, day date, gone_at timestamptz);
ALTER TABLE yard.plot ADD dropped text;
ALTER TABLE yard.plot DROP dropped;
CREATE TABLE yard.nameless (id integer, body text);
CREATE VIEW yard.plots AS SELECT * FROM yard.plot;
CREATE MATERIALIZED VIEW yard.kept AS SELECT * FROM yard.plot;
CREATE FOREIGN TABLE yard.far (user_id text) SERVER nowhere;
CREATE SEQUENCE yard.numbers;
CREATE TYPE yard.pair AS (user_id text, b text);
CREATE TABLE yard.parts (id integer, user_id text) PARTITION BY RANGE (id);
CREATE TABLE yard.part_one PARTITION OF yard.parts FOR VALUES FROM (0) TO (10);
CREATE TABLE yard.part_two PARTITION OF yard.parts FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TEMP TABLE passing (user_id text);
CREATE TABLE yard.pairs (a integer, b integer, user_id text, PRIMARY KEY (a, b));
CREATE TABLE yard.open (id integer PRIMARY KEY, user_id text);

-- Everything that a refused call might have left behind.
RESET ROLE;
CREATE FUNCTION testing.everything() RETURNS text LANGUAGE sql AS $body$
    SELECT md5(concat((SELECT string_agg(pg_policy::text, '' ORDER BY oid) FROM pg_policy), (SELECT string_agg(pg_trigger::text, '' ORDER BY oid) FROM pg_trigger),
        (SELECT string_agg(concat_ws(' ', oid, xmin, relacl, relrowsecurity), '' ORDER BY oid) FROM pg_class), (SELECT string_agg(pg_attrdef::text, '' ORDER BY oid) FROM pg_attrdef),
        (SELECT string_agg(pg_description::text, '' ORDER BY objoid, classoid, objsubid) FROM pg_description)))
$body$;
SELECT testing.everything() AS before \gset
\pset format unaligned

-- === Whom.

-- Without clerk_admin, even a table of one's own.
SET ROLE regress_other;
SELECT call, outcome.* FROM unnest(ARRAY['clerk.protect(''yard.theirs'', ''owner'')', 'clerk.policy_sql(''yard.theirs'', ''owner'')',
    'clerk.unprotect(''yard.theirs'')', 'count(*) FROM clerk.policies', 'clerk._protect(''yard.theirs'', ''{"template": "owner"}'')'
]) WITH ORDINALITY AS calls (call, number), testing.outcome('SELECT ' || call) ORDER BY number;
-- With it, no table of somebody else's.
SET ROLE regress_admin;
SELECT call, outcome.* FROM unnest(ARRAY['protect(''yard.theirs'', ''owner'')', 'policy_sql(''yard.theirs'', ''owner'')', 'unprotect(''yard.theirs'')']) WITH ORDINALITY AS calls (call, number),
    testing.outcome('SELECT clerk.' || call) ORDER BY number;

-- === What is no table, or none of the caller's own.

-- A temporary schema is numbered by the session.
SELECT target, regexp_replace(result, 'pg_temp_\d+', 'pg_temp_N') AS result, code, detail, hint FROM unnest(ARRAY['yard.plots', 'yard.kept', 'yard.far', 'yard.numbers', 'yard.pair', 'yard.plot_pkey', 'yard.part_one', 'yard.part_two',
    'pg_temp.passing', 'pg_catalog.pg_class', 'information_schema.sql_features', 'clerk.instances', 'clerk.policies', 'yard.nowhere']) WITH ORDINALITY AS targets (target, number),
    testing.outcome(format('SELECT clerk.protect(%L, ''owner'')', target)) ORDER BY number;
SELECT target, regexp_replace(result, 'pg_temp_\d+', 'pg_temp_N') AS result, code FROM unnest(ARRAY['yard.plots', 'pg_temp.passing', 'yard.part_one', 'clerk.instances', 'pg_catalog.pg_class']) WITH ORDINALITY AS targets (target, number),
    testing.outcome(format('SELECT clerk.unprotect(%L)', target)) ORDER BY number;
SELECT outcome.* FROM testing.outcome('SELECT clerk.protect(NULL, ''owner'')');
SELECT outcome.* FROM testing.outcome('SELECT clerk.policy_sql(NULL, ''owner'')');
SELECT outcome.* FROM testing.outcome('SELECT clerk.unprotect(NULL)');
SELECT outcome.* FROM testing.outcome('SELECT clerk.protect(0, ''owner'')');
SELECT outcome.* FROM testing.outcome('SELECT clerk.unprotect(4294967295)');
-- Not the superuser either, where it makes no sense.
RESET ROLE;
SELECT target, outcome.result, outcome.code FROM unnest(ARRAY['clerk.signing_keys', 'pg_catalog.pg_authid', 'pg_toast.pg_toast_1255', 'yard.plots']) WITH ORDINALITY AS targets (target, number),
    testing.outcome(format('SELECT clerk.protect(%L, ''owner'')', target)) ORDER BY number;
BEGIN;
ALTER EXTENSION plpgsql ADD TABLE yard.open;
SELECT outcome.* FROM testing.outcome('SELECT clerk.protect(''yard.open'', ''owner'')');
ROLLBACK;
SET ROLE regress_admin;

-- === Options. Each is refused by clerk.protect(), and by clerk.policy_sql() alike, but for one that is for the text.

BEGIN;
SELECT call, outcome.*, CASE WHEN (SELECT text.result FROM testing.outcome(format('SELECT clerk.policy_sql(''yard.plot'', %s)', call)) AS text) IS DISTINCT FROM outcome.result
    THEN 'policy_sql() says something else' END AS text
FROM unnest(ARRAY[
    'NULL', '''''', '''ower''', '''OWNER''',
    -- columns
    '''owner'', owner_column => ''nobody''', '''owner'', owner_column => ''User_ID''', '''owner'', owner_column => ''''', '''owner'', owner_column => ''dropped''',
    '''owner'', owner_column => ''ctid''', '''owner'', owner_column => ''"user_id"''',
    '''owner'', owner_column => ''as_uuid''', '''owner'', owner_column => ''as_integer''', '''owner'', owner_column => ''as_char''', '''owner'', owner_column => ''as_array''',
    '''owner'', owner_column => ''as_json''', '''owner'', owner_column => ''as_domain''', '''owner'', owner_column => ''as_name''', '''owner'', owner_column => ''any_case''',
    '''organization''', '''organization'', org_column => ''as_uuid''', '''organization'', org_column => ''title'', owner_column => ''as_uuid''',
    '''owner'', immutable => ''{user_id,nobody}''', '''owner'', immutable => ''{NULL}''',
    '''owner'', soft_delete => ''nobody''', '''owner'', soft_delete => ''deleted''', '''owner'', soft_delete => ''flag''', '''owner'', soft_delete => ''day''',
    -- what a template needs
    '''role''', '''role'', role => ''admin''', '''permission'', permission => ''org:a:b''', '''role'', role => '''', org_column => ''title''', '''permission''', '''plan''', '''plan'', plan => ''''',
    '''feature''', '''inherit''', '''custom''', '''service''', '''service'', to_roles => ''{public}''', '''service'', to_roles => ''{regress_other,public}''',
    '''service'', to_roles => ''{regress_other}'', read_to_roles => ''{public}''',
    '''public_read'', owner_column => ''as_uuid''', '''reverified'', reverification => ''now and then''', '''owner'', reverification => ''''', '''owner'', reverification => ''strict 5 apples''',
    '''owner'', reverification => ''second_factor''',
    -- what it does not take
    '''owner'', via => ''id references yard.open''', '''owner'', predicate => ''true''', '''owner'', organization => ''org_a''', '''role'', role => ''admin'', organization => ''''',
    -- lists
    '''owner'', commands => ''{}''', '''owner'', commands => ''{truncate}''', '''owner'', commands => ''{all}''', '''owner'', commands => ''{NULL}''', '''owner'', to_roles => ''{}''',
    '''owner'', to_roles => ''{regress_nobody}''', '''owner'', to_roles => ''{NULL}''', '''owner'', to_roles => ''{PUBLIC}''', '''owner'', read_to_roles => ''{"x; DROP"}''',
    '''owner'', roles => ''[]''', '''owner'', roles => ''{}''', '''owner'', roles => ''"admin"''', '''owner'', roles => ''{"truncate": "admin"}''', '''owner'', roles => ''{"read": 5}''',
    '''owner'', roles => ''{"read": []}''', '''owner'', roles => ''{"read": ["a", ""]}''', '''owner'', roles => ''{"read": null}''', '''owner'', permissions => ''{"write": {"a": 1}}''',
    -- names and words
    '''owner'', prefix => ''''', '''owner'', prefix => repeat(''x'', 64)', '''owner'', prefix => repeat(''ü'', 32)', '''owner'', indexes => ''drop''', '''owner'', indexes => ''''',
    '''owner'', indexes => ''concurrently''',
    -- types of the call itself
    '''owner'', commands => ''select''', '''owner'', force => ''perhaps''', '''owner'', roles => ''{read}''', '''owner'', nonsense => 1'
]) WITH ORDINALITY AS calls (call, number), testing.outcome(format('SELECT clerk.protect(''yard.plot'', %s)', call)) ORDER BY number;
ROLLBACK;
-- The JSON behind it, which the two functions build, takes no more.
SELECT options, outcome.* FROM unnest(ARRAY['{}', '5', '{"template": 5}', '{"template": "owner", "colour": "red"}', '{"template": "owner", "force": "yes"}', '{"template": "owner", "commands": "select"}']) WITH ORDINALITY AS calls (options, number),
    testing.outcome(format('SELECT clerk._protect(''yard.plot'', %L::jsonb)', options)) ORDER BY number;
-- A table without the columns that a template looks for.
SELECT call, outcome.* FROM unnest(ARRAY['''owner''', '''private_profile''', '''public_profile''', '''public_read'', commands => ''{select,insert}''', '''reverified''']) WITH ORDINALITY AS calls (call, number),
    testing.outcome(format('SELECT clerk.protect(''yard.nameless'', %s)', call)) ORDER BY number;
SELECT outcome.* FROM testing.outcome('SELECT clerk.policy_sql(''yard.parts'', ''owner'', indexes => ''concurrently'')');
-- What is fine: varchar, a domain over a domain over text, a partitioned table.
SELECT target, call, outcome.code FROM (VALUES ('yard.plot', '''owner'', owner_column => ''good_varchar'''), ('yard.plot', '''owner'', owner_column => ''good_domain'''), ('yard.parts', '''owner''')) AS calls (target, call),
    testing.outcome(format('SELECT count(*) FROM clerk.policy_sql(%L, %s)', target, call));

-- === Parents.

SELECT via, outcome.* FROM unnest(ARRAY['', 'id', 'id references', 'references yard.open', 'id references yard.open (', 'id references yard.open (id, user_id)', 'id, references yard.open', 'id reference yard.open',
    'id references yard.open; DROP TABLE yard.open', 'id references a.b.c', 'id references yard.open (id) on delete cascade', '5 references yard.open',
    'nobody references yard.open', 'id references yard.nowhere', 'id references nowhere.open', 'id references open', 'id references yard.open', 'id references yard.plot', 'id references yard.pairs',
    'id references yard.plots', 'id references pg_catalog.pg_class', 'title references yard.theirs']) WITH ORDINALITY AS vias (via, number),
    testing.outcome(format('SELECT clerk.protect(''yard.plot'', ''inherit'', via => %L)', via)) ORDER BY number;
-- Columns of the parent that are not there, too few, of another type; a circle.
BEGIN;
SELECT count(*) FROM clerk.protect('yard.pairs', 'owner');
SELECT count(*) FROM clerk.protect('yard.open', 'owner');
SELECT via, outcome.* FROM unnest(ARRAY['id references yard.pairs', 'id references yard.pairs (nobody)', 'id, as_integer, as_integer references yard.pairs', 'title references yard.open', 'id references yard.open (ctid)']) WITH ORDINALITY AS vias (via, number),
    testing.outcome(format('SELECT clerk.protect(''yard.plot'', ''inherit'', via => %L)', via)) ORDER BY number;
SELECT count(*) FROM clerk.protect('yard.plot', 'inherit', via => 'as_integer references yard.open (id)');
SELECT outcome.* FROM testing.outcome('SELECT clerk.protect(''yard.open'', ''inherit'', via => ''id references yard.plot'')');
SELECT outcome.* FROM testing.outcome('SELECT clerk.protect(''yard.open'', ''inherit'', prefix => ''more'', via => ''id references yard.plot'')');
ROLLBACK;

-- === Predicates: one boolean expression over the table's columns, for all three options.

BEGIN;
SELECT left(predicate, 40) AS predicate, outcome.* FROM unnest(ARRAY[
    '', '  ', 'true; DROP TABLE yard.plot', 'true)); DROP TABLE yard.plot; --', 'true) OR (true', '(true', 'title = ''open', 'title = "open', 'true -- so', 'true /* so */', '$$x$$ = ''x''', 'title = $1',
    'title = E''a\''', 'ARRAY[true)', 'true AS x', 'true FROM yard.plot', 'true UNION SELECT true', 'true, true', 'id', 'NULL::text', 'nobody = 1', 'yard.plot.nobody = 1', 'other.id = 1', 'nothing(id)', 'count(*) > 0', 'sum(id) OVER () > 0',
    'generate_series(1, 2) = 1', 'id = ''x''', 'id = title', 'id ==== 1', repeat('true AND ', 1000) || 'true', 'EXISTS (SELECT FROM yard.nowhere)'
]) WITH ORDINALITY AS predicates (predicate, number), testing.outcome(format('SELECT clerk.protect(''yard.plot'', ''custom'', predicate => %L)', predicate)) ORDER BY number;
SELECT option, outcome.* FROM unnest(ARRAY['and_where => ''true) OR (true''', 'or_where => ''nobody = 1''', 'and_where => ''''', 'or_where => ''1''']) WITH ORDINALITY AS options (option, number),
    testing.outcome(format('SELECT clerk.protect(''yard.plot'', ''owner'', %s)', option)) ORDER BY number;
ROLLBACK;
-- What looks odd and is fine.
BEGIN;
SELECT predicate, outcome.code, outcome.result AS statements, ran.code, ran.result AS changes FROM unnest(ARRAY['title = '');--''', '"title" = ''/* $$ */''', 'ARRAY[id, 2] @> ARRAY[1]', 'EXISTS (SELECT FROM yard.open WHERE open.id = plot.id)', '(title, id) = (''a'', 1)', 'NULL', 'yard.plot.id = 1', 'SELECT true', 'title = U&''d!0061t!+000061'' UESCAPE ''!''', E'id\n=\n1'])
    WITH ORDINALITY AS predicates (predicate, number), testing.outcome(format('SELECT count(*) FROM clerk.policy_sql(''yard.plot'', ''custom'', predicate => %L)', predicate)),
    testing.outcome(format('SELECT count(*) FROM clerk.protect(''yard.plot'', ''custom'', prefix => %L, predicate => %L)', 'odd' || number, predicate)) AS ran
ORDER BY number;
ROLLBACK;

-- === A name that is taken by somebody else, or by another set.

BEGIN;
CREATE POLICY clerk_update ON yard.plot FOR UPDATE USING (true);
SELECT outcome.* FROM testing.outcome('SELECT clerk.protect(''yard.plot'', ''owner'')');
SELECT outcome.* FROM testing.outcome('SELECT clerk.policy_sql(''yard.plot'', ''owner'')');
-- The set that does without it is no trouble; nor is that policy taken back.
SELECT count(*) FROM clerk.protect('yard.plot', 'owner', commands => '{select}');
SELECT count(*) FROM clerk.unprotect('yard.plot');
SELECT policyname FROM pg_policies WHERE tablename = 'plot';
ROLLBACK;
-- A comment in our form that is none of ours.
BEGIN;
CREATE POLICY clerk_select ON yard.plot USING (true);
COMMENT ON POLICY clerk_select ON yard.plot IS 'clerk_sync: not JSON';
SELECT outcome.result, outcome.code FROM testing.outcome('SELECT clerk.protect(''yard.plot'', ''owner'')');
ROLLBACK;

-- === A read-only transaction reads the text, and changes nothing.

BEGIN READ ONLY;
SELECT count(*) FROM clerk.policy_sql('yard.plot', 'owner');
SELECT outcome.* FROM testing.outcome('SELECT clerk.protect(''yard.plot'', ''owner'')');
SELECT outcome.* FROM testing.outcome('SELECT clerk.unprotect(''yard.plot'')');
COMMIT;

-- === None of these has left anything, nor taken a lock that outlasts it.

RESET ROLE;
SELECT testing.everything() = :'before' AS as_before;
BEGIN;
SELECT code FROM testing.outcome('SELECT clerk.protect(''yard.plot'', ''owner'', prefix => '''')');
SELECT code FROM testing.outcome('SELECT clerk.protect(''yard.plot'', ''custom'', predicate => ''nobody'')');
SELECT mode FROM pg_locks WHERE relation = 'yard.plot'::regclass AND pid = pg_backend_pid() AND mode <> 'AccessShareLock';
ROLLBACK;

REVOKE CREATE ON DATABASE :DBNAME FROM regress_admin;
SET client_min_messages = warning;
DROP TABLE pg_temp.passing;
DROP SCHEMA yard CASCADE;
DROP FOREIGN DATA WRAPPER nowhere CASCADE;
DROP FUNCTION testing.everything;
