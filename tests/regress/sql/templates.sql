-- Every template, every command, every persona: what clerk.protect() lets whom see and change. What is expected is
-- written below by hand, from what README says of the templates, and compared with what clerk_test.access_matrix()
-- finds. Tables are protected by a plain role that owns them; all of it is looked at by a login that may test and no more.

\pset null -
SELECT session_user AS superuser \gset
CREATE EXTENSION clerk_sync_test;
CREATE ROLE regress_owner;
CREATE ROLE regress_service;
GRANT clerk_admin TO regress_owner;
-- Sees every row, as access_matrix() must, and is nobody's persona.
CREATE ROLE regress_auditor BYPASSRLS;
CREATE ROLE regress_tester LOGIN NOINHERIT;
GRANT clerk_tester, regress_owner, regress_service, regress_app, regress_auditor TO regress_tester;

-- anna is the member of lower role. alice has left initech.
INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role, deleted_at) VALUES
    ('orgmem_1', 'org_acme', 'user_alice', 'org:editor', NULL), ('orgmem_2', 'org_globex', 'user_alice', 'org:member', NULL),
    ('orgmem_3', 'org_initech', 'user_alice', 'org:editor', '2026-01-01'), ('orgmem_4', 'org_acme', 'user_amy', 'org:editor', NULL),
    ('orgmem_5', 'org_acme', 'user_anna', 'org:member', NULL), ('orgmem_6', 'org_globex', 'user_bob', 'org:editor', NULL);

CREATE SCHEMA matrix AUTHORIZATION regress_owner;
GRANT USAGE ON SCHEMA matrix TO regress_app, regress_service, regress_auditor;

-- === The tables. Rows: alice 3, amy 2, bob 1, zoe 1, nobody 2; acme 4, globex 2, initech 1, no organization 2.
CREATE TABLE testing.row (id integer, user_id text, org_id text, is_public boolean, is_locked boolean, deleted_at timestamptz);
INSERT INTO testing.row VALUES
    (1, 'user_alice', 'org_acme',    false, false, NULL),
    (2, 'user_amy',   'org_acme',    false, false, NULL),
    (3, 'user_amy',   'org_acme',    false, true,  NULL),
    (4, NULL,         'org_acme',    true,  false, NULL),
    (5, 'user_alice', 'org_globex',  false, true,  NULL),
    (6, 'user_bob',   'org_globex',  true,  true,  NULL),
    (7, 'user_alice', NULL,          false, false, '2026-01-01'),
    (8, NULL,         NULL,          true,  false, NULL),
    (9, 'user_zoe',   'org_initech', false, false, '2026-01-01');

-- A table for each template, a line for each call of clerk.protect() on it.
CREATE TABLE testing.call (number serial, template text, arguments text);
INSERT INTO testing.call (template, arguments) VALUES
    ('owner',                $$'owner'$$),
    ('organization',         $$'organization'$$),
    ('organization author',  $$'organization', owner_column => 'user_id'$$),
    ('organization roles',   $$'organization', roles => '{"read": ["editor", "member"], "write": "editor"}'$$),
    ('organization permissions', $$'organization', permissions => '{"select": "org:items:read", "insert": "org:items:manage", "update": "org:items:manage", "delete": "org:items:purge"}'$$),
    ('organization to app',  $$'organization', to_roles => '{regress_app}'$$),
    ('member',               $$'member'$$),
    ('member roles',         $$'member', roles => '{"write": "editor"}'$$),
    ('member author',        $$'member', owner_column => 'user_id'$$),
    ('role',                 $$'role', role => 'editor'$$),
    ('role named',           $$'role', role => 'editor', organization => 'org_acme'$$),
    ('permission',           $$'permission', permission => 'org:items:read'$$),
    ('plan',                 $$'plan', plan => 'o:pro'$$),
    ('plan of the row',      $$'plan', plan => 'o:pro', org_column => 'org_id', commands => '{select,insert,update,delete}'$$),
    ('feature',              $$'feature', feature => 'reports', org_column => 'org_id'$$),
    ('reverified',           $$'reverified', reverification => 'second_factor 10 minutes'$$),
    ('reverified strict',    $$'reverified'$$),
    ('public_read',          $$'public_read'$$),
    ('public_read to roles', $$'public_read', to_roles => '{regress_app}', read_to_roles => '{regress_app,regress_service}'$$),
    ('public_profile',       $$'public_profile'$$),
    ('private_profile',      $$'private_profile'$$),
    ('service',              $$'service', to_roles => '{regress_service}'$$),
    ('custom',               $$'custom', predicate => 'user_id = clerk_user_id() AND clerk_has_plan(''pro'')'$$),
    ('and_where or_where',   $$'owner', or_where => 'is_public', and_where => 'NOT is_locked'$$),
    ('two sets and a restrictive', $$'owner'$$),
    ('two sets and a restrictive', $$'organization', commands => '{select}', prefix => 'colleagues'$$),
    ('two sets and a restrictive', $$'reverified', reverification => 'second_factor 10 minutes', commands => '{insert,update,delete}', restrictive => true, prefix => 'fresh'$$),
    ('restrictive plan',     $$'owner'$$),
    ('restrictive plan',     $$'plan', plan => 'pro', restrictive => true, prefix => 'paid'$$),
    ('restrictive alone',    $$'owner', restrictive => true$$),
    ('soft delete',          $$'owner', soft_delete => 'deleted_at'$$),
    ('child of organization',     $$'inherit', via => 'parent_id references matrix.organization'$$),
    ('child of organization roles', $$'inherit', via => 'parent_id references matrix."organization roles"'$$),
    ('child of member roles',     $$'inherit', via => 'parent_id references matrix."member roles" (id)'$$),
    ('child of soft delete',      $$'inherit', via => 'parent_id references matrix."soft delete"'$$),
    ('grandchild of organization', $$'inherit', via => 'parent_id references matrix."child of organization"'$$);
GRANT SELECT ON testing.row, testing.call TO regress_owner, regress_auditor;

SET ROLE regress_owner;
SET client_min_messages = warning;
-- A child's parent is the table that its name ends with: row 1 has two children, 2 to 9 one each, and one child has none.
-- A grandchild has the child of its own number.
DO $body$
DECLARE
    made text;
    part record;
    parent text;
BEGIN
    FOR made IN SELECT template FROM testing.call GROUP BY template ORDER BY min(number) LOOP
        parent := CASE WHEN made LIKE 'grandchild of %' THEN replace(made, 'grand', '') ELSE substr(made, 10) END;
        IF made LIKE '%child of %' THEN
            EXECUTE format('CREATE TABLE matrix.%I (id integer PRIMARY KEY, parent_id integer REFERENCES matrix.%I)', made, parent);
            IF made LIKE 'grandchild of %' THEN
                EXECUTE format('INSERT INTO matrix.%I SELECT id, id FROM matrix.%I', made, parent);
            ELSE
                EXECUTE format('INSERT INTO matrix.%I SELECT id, id FROM testing.row UNION ALL VALUES (10, 1), (11, NULL)', made);
            END IF;
        ELSE
            EXECUTE format('CREATE TABLE matrix.%I (LIKE testing.row, PRIMARY KEY (id))', made);
            EXECUTE format('INSERT INTO matrix.%I SELECT * FROM testing.row', made);
        END IF;
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON matrix.%I TO regress_app, regress_service', made);
        EXECUTE format('GRANT SELECT ON matrix.%I TO regress_auditor', made);
        FOR part IN SELECT arguments FROM testing.call WHERE template = made ORDER BY number LOOP
            EXECUTE format('SELECT count(*) FROM clerk.protect(%L, %s)', format('matrix.%I', made), part.arguments);
        END LOOP;
    END LOOP;
END
$body$;
RESET client_min_messages;
RESET ROLE;
-- Each is what its specification makes; no template is left out.
SELECT status, count(*) AS policies, count(DISTINCT template) AS templates FROM clerk.policies
WHERE target IN (SELECT oid FROM pg_class WHERE relnamespace = 'matrix'::regnamespace) GROUP BY status;

-- === The personas.
CREATE TABLE testing.persona (name text, forced boolean DEFAULT false, traits jsonb);
INSERT INTO testing.persona (name, traits) VALUES
    ('owner', '{"user_id": "user_alice", "org_id": "org_acme", "org_role": "editor", "plan": "pro", "features": ["reports"],
        "permissions": ["org:items:read", "org:items:manage"], "factor_ages": [1, 1]}'),
    ('other', '{"user_id": "user_bob", "org_id": "org_globex", "org_role": "editor", "features": ["reports"],
        "permissions": ["org:items:read", "org:items:purge"], "factor_ages": [1, 1]}'),
    -- alice in her other organization, and without any.
    ('elsewhere', '{"user_id": "user_alice", "org_id": "org_globex", "org_role": "member", "features": ["reports"],
        "permissions": ["org:items:read"], "factor_ages": [1, 1]}'),
    ('personal', '{"user_id": "user_alice", "plan": "plus"}'),
    ('anonymous', '{"anonymous": true}'),
    ('service', '{"service": true}'),
    ('table owner', '{"anonymous": true, "as_role": "regress_owner"}');
-- Who differs from the owner in this alone.
INSERT INTO testing.persona (name, traits)
SELECT differing.name, owner.traits || differing.traits
FROM testing.persona AS owner, (VALUES
    ('colleague', '{"user_id": "user_amy"}'::jsonb),
    ('lower', '{"user_id": "user_anna", "org_role": "member", "permissions": []}'),
    ('pending', '{"pending": true}'),
    -- As Clerk has it: who has no second factor is asked for the first; who has one, for that.
    ('one factor', '{"factor_ages": [1, -1]}'),
    ('one old factor', '{"factor_ages": [90, -1]}'),
    ('no second now', '{"factor_ages": [1, 90]}')) AS differing (name, traits)
WHERE owner.name = 'owner';
-- The table's owner with FORCE ROW LEVEL SECURITY, signed in by nobody and by alice.
INSERT INTO testing.persona
SELECT CASE name WHEN 'owner' THEN 'forced alice' ELSE 'forced' END, true, traits || '{"as_role": "regress_owner"}'
FROM testing.persona WHERE name IN ('owner', 'anonymous');

-- === What each may: rows to select, insert, update and delete. alices are alice at acme, whatever her factors.
CREATE TABLE testing.expectation (template text, who text, "select" bigint, insert bigint, update bigint, delete bigint);
INSERT INTO testing.expectation VALUES
    ('owner', 'alices, elsewhere, personal, forced alice',      3, 3, 3, 3),
    ('owner', 'colleague',                                      2, 2, 2, 2),
    ('owner', 'other',                                          1, 1, 1, 1),
    ('owner', 'lower, nobodies',                                0, 0, 0, 0),

    ('organization', 'alices, colleague, lower, forced alice',  4, 4, 4, 4),
    ('organization', 'other, elsewhere',                        2, 2, 2, 2),
    ('organization', 'personal, nobodies',                      0, 0, 0, 0),

    -- An insert is one's own.
    ('organization author', 'alices, forced alice',             4, 1, 4, 4),
    ('organization author', 'colleague',                        4, 2, 4, 4),
    ('organization author', 'lower',                            4, 0, 4, 4),
    ('organization author', 'other, elsewhere',                 2, 1, 2, 2),
    ('organization author', 'personal, nobodies',               0, 0, 0, 0),

    ('organization roles', 'alices, colleague, forced alice',   4, 4, 4, 4),
    ('organization roles', 'lower',                             4, 0, 0, 0),
    ('organization roles', 'other',                             2, 2, 2, 2),
    ('organization roles', 'elsewhere',                         2, 0, 0, 0),
    ('organization roles', 'personal, nobodies',                0, 0, 0, 0),

    -- Who may update or delete and not read finds nothing to do it to; here nobody is that one.
    ('organization permissions', 'alices, colleague, forced alice', 4, 4, 4, 0),
    ('organization permissions', 'lower, personal, nobodies',   0, 0, 0, 0),
    ('organization permissions', 'other',                       2, 0, 0, 2),
    ('organization permissions', 'elsewhere',                   2, 0, 0, 0),

    ('organization to app', 'alices, colleague, lower',         4, 4, 4, 4),
    ('organization to app', 'other, elsewhere',                 2, 2, 2, 2),
    ('organization to app', 'personal, nobodies, forced alice', 0, 0, 0, 0),

    -- Not the active organization counts, but the memberships.
    ('member', 'alices, elsewhere, personal, forced alice',     6, 6, 6, 6),
    ('member', 'colleague, lower',                              4, 4, 4, 4),
    ('member', 'other',                                         2, 2, 2, 2),
    ('member', 'nobodies',                                      0, 0, 0, 0),

    ('member roles', 'alices, elsewhere, personal, forced alice', 6, 4, 4, 4),
    ('member roles', 'colleague',                               4, 4, 4, 4),
    ('member roles', 'lower',                                   4, 0, 0, 0),
    ('member roles', 'other',                                   2, 2, 2, 2),
    ('member roles', 'nobodies',                                0, 0, 0, 0),

    ('member author', 'alices, elsewhere, personal, forced alice', 6, 2, 6, 6),
    ('member author', 'colleague',                              4, 2, 4, 4),
    ('member author', 'lower',                                  4, 0, 4, 4),
    ('member author', 'other',                                  2, 1, 2, 2),
    ('member author', 'nobodies',                               0, 0, 0, 0),

    ('role', 'alices, colleague, forced alice',                 4, 4, 4, 4),
    ('role', 'other',                                           2, 2, 2, 2),
    ('role', 'lower, elsewhere, personal, nobodies',            0, 0, 0, 0),

    -- bob is an editor too, of another organization.
    ('role named', 'alices, colleague, forced alice',           9, 9, 9, 9),
    ('role named', 'lower, other, elsewhere, personal, nobodies', 0, 0, 0, 0),

    ('permission', 'alices, colleague, forced alice',           4, 4, 4, 4),
    ('permission', 'other, elsewhere',                          2, 2, 2, 2),
    ('permission', 'lower, personal, nobodies',                 0, 0, 0, 0),

    ('plan', 'alices, colleague, lower, forced alice',          9, 0, 0, 0),
    ('plan', 'other, elsewhere, personal, nobodies',            0, 0, 0, 0),

    ('plan of the row', 'alices, colleague, lower, forced alice', 4, 4, 4, 4),
    ('plan of the row', 'other, elsewhere, personal, nobodies', 0, 0, 0, 0),

    ('feature', 'alices, colleague, lower, forced alice',       4, 0, 0, 0),
    ('feature', 'other, elsewhere',                             2, 0, 0, 0),
    ('feature', 'personal, nobodies',                           0, 0, 0, 0),

    -- Without ages of factors nothing was proved.
    ('reverified', 'owner, one factor, elsewhere, forced alice', 3, 3, 3, 3),
    ('reverified', 'one old factor, no second now, personal',   3, 0, 0, 0),
    ('reverified', 'colleague',                                 2, 2, 2, 2),
    ('reverified', 'other',                                     1, 1, 1, 1),
    ('reverified', 'lower, nobodies',                           0, 0, 0, 0),

    -- The preset strict is the second factor, of ten minutes.
    ('reverified strict', 'owner, one factor, elsewhere, forced alice', 3, 3, 3, 3),
    ('reverified strict', 'one old factor, no second now, personal', 3, 0, 0, 0),
    ('reverified strict', 'colleague',                          2, 2, 2, 2),
    ('reverified strict', 'other',                              1, 1, 1, 1),
    ('reverified strict', 'lower, nobodies',                    0, 0, 0, 0),

    ('public_read', 'alices, elsewhere, personal, forced alice', 9, 3, 3, 3),
    ('public_read', 'colleague',                                9, 2, 2, 2),
    ('public_read', 'other',                                    9, 1, 1, 1),
    ('public_read', 'lower, nobodies',                          9, 0, 0, 0),

    ('public_read to roles', 'alices, elsewhere, personal',     9, 3, 3, 3),
    ('public_read to roles', 'colleague',                       9, 2, 2, 2),
    ('public_read to roles', 'other',                           9, 1, 1, 1),
    ('public_read to roles', 'lower, anonymous, pending, service', 9, 0, 0, 0),
    ('public_read to roles', 'forced, forced alice',            0, 0, 0, 0),

    ('public_profile', 'alices, elsewhere, personal, forced alice', 9, 3, 3, 0),
    ('public_profile', 'colleague',                             9, 2, 2, 0),
    ('public_profile', 'other',                                 9, 1, 1, 0),
    ('public_profile', 'lower, nobodies',                       9, 0, 0, 0),

    ('private_profile', 'alices, elsewhere, personal, forced alice', 3, 3, 3, 0),
    ('private_profile', 'colleague',                            2, 2, 2, 0),
    ('private_profile', 'other',                                1, 1, 1, 0),
    ('private_profile', 'lower, nobodies',                      0, 0, 0, 0),

    ('service', 'service',                                      9, 9, 9, 9),
    ('service', 'alices, colleague, lower, other, elsewhere, personal, anonymous, pending, forced, forced alice', 0, 0, 0, 0),

    ('custom', 'alices, forced alice',                          3, 3, 3, 3),
    ('custom', 'colleague',                                     2, 2, 2, 2),
    ('custom', 'lower, other, elsewhere, personal, nobodies',   0, 0, 0, 0),

    -- Public and not locked are 4 and 8, for everybody's eyes. One of the three of alice is locked, one of amy's two, bob's.
    ('and_where or_where', 'alices, elsewhere, personal, forced alice', 4, 2, 2, 2),
    ('and_where or_where', 'colleague',                         3, 1, 1, 1),
    ('and_where or_where', 'lower, other, nobodies',            2, 0, 0, 0),

    -- One's own and the organization's to read, one's own to write, and with a factor.
    ('two sets and a restrictive', 'owner, one factor, forced alice', 6, 3, 3, 3),
    ('two sets and a restrictive', 'one old factor, no second now', 6, 0, 0, 0),
    ('two sets and a restrictive', 'colleague',                 4, 2, 2, 2),
    ('two sets and a restrictive', 'lower',                     4, 0, 0, 0),
    ('two sets and a restrictive', 'other',                     2, 1, 1, 1),
    ('two sets and a restrictive', 'elsewhere',                 4, 3, 3, 3),
    ('two sets and a restrictive', 'personal',                  3, 0, 0, 0),
    ('two sets and a restrictive', 'nobodies',                  0, 0, 0, 0),

    ('restrictive plan', 'alices, forced alice',                3, 3, 3, 3),
    ('restrictive plan', 'colleague',                           2, 2, 2, 2),
    ('restrictive plan', 'lower, other, elsewhere, personal, nobodies', 0, 0, 0, 0),

    ('restrictive alone', 'alices, colleague, lower, other, elsewhere, personal, nobodies, forced alice', 0, 0, 0, 0),

    -- Of alice's three one was deleted: it is not seen, not changed, and not put in again as a live one.
    ('soft delete', 'alices, elsewhere, personal, forced alice', 2, 2, 2, 0),
    ('soft delete', 'colleague',                                2, 2, 2, 0),
    ('soft delete', 'other',                                    1, 1, 1, 0),
    ('soft delete', 'lower, nobodies',                          0, 0, 0, 0),

    ('child of organization', 'alices, colleague, lower, forced alice', 5, 5, 5, 5),
    ('child of organization', 'other, elsewhere',               2, 2, 2, 2),
    ('child of organization', 'personal, nobodies',             0, 0, 0, 0),

    -- Writing a child is changing its parent.
    ('child of organization roles', 'alices, colleague, forced alice', 5, 5, 5, 5),
    ('child of organization roles', 'lower',                    5, 0, 0, 0),
    ('child of organization roles', 'other',                    2, 2, 2, 2),
    ('child of organization roles', 'elsewhere',                2, 0, 0, 0),
    ('child of organization roles', 'personal, nobodies',       0, 0, 0, 0),

    ('child of member roles', 'alices, elsewhere, personal, forced alice', 7, 5, 5, 5),
    ('child of member roles', 'colleague',                      5, 5, 5, 5),
    ('child of member roles', 'lower',                          5, 0, 0, 0),
    ('child of member roles', 'other',                          2, 2, 2, 2),
    ('child of member roles', 'nobodies',                       0, 0, 0, 0),

    -- A deleted parent takes its children along. Row 1 has two.
    ('child of soft delete', 'alices, elsewhere, personal, forced alice', 3, 3, 3, 3),
    ('child of soft delete', 'colleague',                       2, 2, 2, 2),
    ('child of soft delete', 'other',                           1, 1, 1, 1),
    ('child of soft delete', 'lower, nobodies',                 0, 0, 0, 0),

    ('grandchild of organization', 'alices, colleague, lower, forced alice', 5, 5, 5, 5),
    ('grandchild of organization', 'other, elsewhere',          2, 2, 2, 2),
    ('grandchild of organization', 'personal, nobodies',        0, 0, 0, 0);
-- The table's owner is above all that without FORCE.
INSERT INTO testing.expectation
SELECT template, 'table owner', rows, rows, rows, rows
FROM (SELECT template, CASE WHEN template LIKE '%child of %' THEN 11 ELSE 9 END FROM testing.call GROUP BY template) AS tables (template, rows);

-- A line for each template, persona and command.
CREATE VIEW testing.expected AS
SELECT template, persona, command, rows
FROM testing.expectation,
    regexp_split_to_table(replace(replace(who, 'alices', 'owner, one factor, one old factor, no second now'),
        'nobodies', 'anonymous, pending, forced' || CASE template WHEN 'service' THEN '' ELSE ', service' END), ', ') AS persona,
    LATERAL (VALUES ('select', "select"), ('insert', insert), ('update', update), ('delete', delete)) AS commands (command, rows);
-- Each once, none of a persona or a template that is not there.
SELECT count(*) AS expected, count(DISTINCT (template, persona, command)) AS different,
    (SELECT count(*) FROM testing.persona) * (SELECT count(DISTINCT template) FROM testing.call) * 4 AS all_there_are,
    count(*) FILTER (WHERE persona NOT IN (SELECT name FROM testing.persona)) AS unknown_personas,
    count(*) FILTER (WHERE template NOT IN (SELECT call.template FROM testing.call)) AS unknown_templates
FROM testing.expected;

-- What there is, and how it differs.
CREATE TABLE testing.found (template text, persona text, command text, rows bigint, refused bigint, error text);
CREATE FUNCTION testing.look(forced_ones boolean, only_template text DEFAULT NULL) RETURNS SETOF testing.found LANGUAGE sql AS $body$
    SELECT tables.template, matrix.persona, matrix.command, coalesce(matrix.visible, matrix.changeable), matrix.refused, matrix.error
    FROM (SELECT template FROM testing.call WHERE template = coalesce(only_template, template) GROUP BY template) AS tables,
        clerk_test.access_matrix(format('matrix.%I', template)::regclass,
            (SELECT jsonb_object_agg(name, traits) FROM testing.persona WHERE forced = forced_ones)) AS matrix
$body$;
CREATE FUNCTION testing.differences(forced_ones boolean)
RETURNS TABLE (template text, persona text, command text, expected bigint, found bigint, error text) LANGUAGE sql AS $body$
    SELECT template, persona, command, e.rows, f.rows, f.error
    FROM (SELECT * FROM testing.expected WHERE persona IN (SELECT name FROM testing.persona WHERE forced = forced_ones)) AS e
        FULL JOIN testing.found AS f USING (template, persona, command)
    WHERE e.rows IS DISTINCT FROM f.rows OR f.error IS NOT NULL
        OR f.rows + f.refused IS DISTINCT FROM CASE WHEN template LIKE '%child of %' THEN 11 ELSE 9 END
    ORDER BY template COLLATE "C", persona COLLATE "C", command COLLATE "C"
$body$;
GRANT SELECT ON testing.persona, testing.expected TO regress_auditor;
GRANT ALL ON testing.found TO regress_auditor;

-- === Looked at by a login that is a tester. The personas' roles are plain: nothing here is above row security.
\c - regress_tester
SET clerk_test.request_role = regress_app;
SET clerk_test.anonymous_role = regress_app;
SET clerk_test.service_role = regress_service;
SELECT rolname, rolsuper OR rolbypassrls AS above_row_security, pg_has_role(rolname, 'regress_auditor', 'MEMBER') AS may_become_the_auditor
FROM pg_roles WHERE rolname IN (session_user, 'regress_app', 'regress_service', 'regress_owner') ORDER BY rolname;
SET ROLE regress_auditor;
INSERT INTO testing.found SELECT * FROM testing.look(false);
SELECT * FROM testing.differences(false);
SELECT template, count(*) AS compared, sum(rows) AS let_through, sum(refused) AS refused
FROM testing.found GROUP BY template ORDER BY template COLLATE "C";

-- The comparison finds what is wrong: a policy too many, a policy too few, row security that is off.
TRUNCATE testing.found;
BEGIN;
SET LOCAL ROLE regress_owner;
CREATE POLICY too_wide ON matrix.owner FOR SELECT USING (org_id = clerk_org_id());
DROP POLICY clerk_update ON matrix.role;
ALTER TABLE matrix.private_profile DISABLE ROW LEVEL SECURITY;
SET LOCAL ROLE regress_auditor;
INSERT INTO testing.found SELECT looked.* FROM unnest('{owner,role,private_profile}'::text[]) AS broken, testing.look(false, broken) AS looked;
SELECT template, persona, command, expected, found FROM testing.differences(false)
WHERE template IN ('owner', 'role', 'private_profile') AND (template <> 'private_profile' OR persona IN ('colleague', 'anonymous'));
ROLLBACK;

-- With FORCE.
SET ROLE regress_owner;
DO $body$
DECLARE
    target regclass;
BEGIN
    FOR target IN SELECT oid FROM pg_class WHERE relnamespace = 'matrix'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    END LOOP;
END
$body$;
SET ROLE regress_auditor;
TRUNCATE testing.found;
INSERT INTO testing.found SELECT * FROM testing.look(true);
SELECT * FROM testing.differences(true);
SELECT template, count(*) AS compared, sum(rows) AS let_through, sum(refused) AS refused
FROM testing.found GROUP BY template ORDER BY template COLLATE "C";

\c - :superuser
SET client_min_messages = warning;
DROP SCHEMA matrix CASCADE;
RESET client_min_messages;
DROP VIEW testing.expected;
DROP FUNCTION testing.look, testing.differences;
DROP TABLE testing.row, testing.call, testing.persona, testing.expectation, testing.found;
DELETE FROM clerk.organization_memberships;
DROP EXTENSION clerk_sync_test;
DROP ROLE regress_tester, regress_auditor, regress_owner, regress_service;
