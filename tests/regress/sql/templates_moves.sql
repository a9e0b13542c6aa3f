-- No road leads a row to another owner or tenant, and none lets a row begin there: updates, inserts and upserts under
-- every template that writes, by a person with all it asks for. What is expected is written by hand beside each statement.

\pset null -
SELECT session_user AS superuser \gset
CREATE EXTENSION clerk_sync_test;
CREATE ROLE regress_owner;
GRANT clerk_admin TO regress_owner;
CREATE ROLE regress_tester LOGIN NOINHERIT;
GRANT clerk_tester, regress_owner, regress_app TO regress_tester;
-- alice is an editor at acme, a member at globex, and has left initech.
INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role, deleted_at) VALUES
    ('orgmem_1', 'org_acme', 'user_alice', 'org:editor', NULL), ('orgmem_2', 'org_globex', 'user_alice', 'org:member', NULL),
    ('orgmem_3', 'org_initech', 'user_alice', 'org:editor', '2026-01-01');

CREATE SCHEMA matrix AUTHORIZATION regress_owner;
GRANT USAGE ON SCHEMA matrix TO regress_app;

-- Rows 8 and 9 are public: to be seen is not to be changed.
CREATE TABLE testing.row (id integer, title text, user_id text, org_id text, is_public boolean DEFAULT false, is_locked boolean DEFAULT false, deleted_at timestamptz);
INSERT INTO testing.row (id, title, user_id, org_id) VALUES
    (1, '', 'user_alice', 'org_acme'), (2, '', 'user_amy', 'org_acme'), (4, '', NULL, 'org_acme'), (5, '', 'user_alice', 'org_globex'),
    (6, '', 'user_bob', 'org_globex'), (7, '', 'user_alice', NULL), (8, '', NULL, NULL), (9, '', 'user_zoe', 'org_initech');
UPDATE testing.row SET is_public = true WHERE id IN (8, 9);

-- Templates of a kind have the same expectations.
CREATE TABLE testing.call (number serial, kind text, template text, arguments text);
INSERT INTO testing.call (kind, template, arguments) VALUES
    ('own', 'owner',              $$'owner'$$),
    ('own', 'reverified',         $$'reverified', reverification => 'second_factor 10 minutes'$$),
    ('own', 'public_read',        $$'public_read'$$),
    ('own', 'public_profile',     $$'public_profile'$$),
    ('own', 'private_profile',    $$'private_profile'$$),
    ('own', 'custom',             $$'custom', owner_column => 'user_id', predicate => 'user_id = clerk_user_id() AND clerk_has_plan(''pro'')'$$),
    ('own', 'and_where or_where', $$'owner', or_where => 'is_public', and_where => 'NOT is_locked'$$),
    ('own', 'restrictive',        $$'owner'$$),
    ('own', 'restrictive',        $$'organization', commands => '{select}', prefix => 'colleagues'$$),
    ('own', 'restrictive',        $$'reverified', commands => '{insert,update,delete}', restrictive => true, prefix => 'fresh'$$),
    ('own', 'soft delete',        $$'owner', soft_delete => 'deleted_at'$$),
    ('tenant', 'organization',    $$'organization'$$),
    ('tenant', 'organization roles', $$'organization', roles => '{"read": ["editor", "member"], "write": "editor"}'$$),
    ('tenant', 'organization permissions', $$'organization', permissions => '{"read": "org:items:read", "write": "org:items:manage"}'$$),
    ('tenant', 'role',            $$'role', role => 'editor'$$),
    ('tenant', 'permission',      $$'permission', permission => 'org:items:manage'$$),
    ('tenant', 'plan',            $$'plan', plan => 'o:pro', org_column => 'org_id', commands => '{select,insert,update}'$$),
    ('tenant', 'feature',         $$'feature', feature => 'reports', org_column => 'org_id', commands => '{select,insert,update}'$$),
    ('author', 'organization author', $$'organization', owner_column => 'user_id'$$),
    ('member', 'member',          $$'member'$$),
    ('member roles', 'member roles', $$'member', roles => '{"write": "editor"}'$$),
    ('member author', 'member author', $$'member', owner_column => 'user_id'$$),
    ('both', 'reverified both',   $$'reverified', owner_column => 'user_id', org_column => 'org_id'$$),
    ('both', 'plan both',         $$'plan', plan => 'pro', owner_column => 'user_id', org_column => 'org_id', commands => '{select,insert,update}'$$),
    -- Without its triggers: what the policies say alone.
    ('unguarded', 'member unguarded', $$'member', immutable => '{}'$$),
    ('of organization', 'child of organization', $$'inherit', via => 'parent_id references matrix.organization'$$),
    ('of organization roles', 'child of organization roles', $$'inherit', via => 'parent_id references matrix."organization roles"'$$),
    ('of member', 'child of member', $$'inherit', via => 'parent_id references matrix.member'$$),
    ('of member roles', 'child of member roles', $$'inherit', via => 'parent_id references matrix."member roles"'$$),
    ('of member, unguarded', 'child of member, unguarded', $$'inherit', via => 'parent_id references matrix.member', immutable => '{}'$$);
GRANT SELECT ON testing.row, testing.call TO regress_owner, regress_app;

SET ROLE regress_owner;
SET client_min_messages = warning;
-- A child has the number of its parent; 11 has none.
DO $body$
DECLARE
    made record;
    part record;
BEGIN
    FOR made IN SELECT format('matrix.%I', template) AS name, substring(template FROM '^child of ([^,]*)') AS parent, template
        FROM testing.call GROUP BY template ORDER BY min(number) LOOP
        IF made.parent IS NULL THEN
            EXECUTE format('CREATE TABLE %s (LIKE testing.row INCLUDING DEFAULTS, PRIMARY KEY (id))', made.name);
            EXECUTE format('INSERT INTO %s SELECT * FROM testing.row', made.name);
        ELSE
            EXECUTE format('CREATE TABLE %s (id integer PRIMARY KEY, title text, parent_id integer REFERENCES matrix.%I)', made.name, made.parent);
            EXECUTE format('INSERT INTO %s (id, parent_id) SELECT id, id FROM testing.row UNION ALL VALUES (11, NULL::integer)', made.name);
        END IF;
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO regress_app', made.name);
        FOR part IN SELECT arguments FROM testing.call WHERE template = made.template ORDER BY number LOOP
            EXECUTE format('SELECT count(*) FROM clerk.protect(%L, %s)', made.name, part.arguments);
        END LOOP;
    END LOOP;
END
$body$;
RESET client_min_messages;
RESET ROLE;

-- What alice, at acme, tries, and how it should end: so many rows, or R, refused (42501). In the order of the kinds:
--   own tenant author member member_roles member_author both unguarded
-- A template that asks for the user alone says nothing of organizations, and the other way round.
CREATE TABLE testing.attempt (number serial, name text, statement text, outcomes text);
INSERT INTO testing.attempt (name, statement, outcomes) VALUES
    -- Who changes what, not moving it.
    ('change 1, alice''s at acme', $$UPDATE %s SET title = 'x' WHERE id = 1$$,
        '1 1 1 1 1 1 1 1'),
    ('change 2, amy''s at acme', $$UPDATE %s SET title = 'x' WHERE id = 2$$,
        '0 1 1 1 1 1 0 1'),
    ('change 6, bob''s at globex', $$UPDATE %s SET title = 'x' WHERE id = 6$$,
        '0 0 0 1 0 1 0 1'),
    ('change 8, nobody''s', $$UPDATE %s SET title = 'x' WHERE id = 8$$,
        '0 0 0 0 0 0 0 0'),
    ('change 9, zoe''s at initech', $$UPDATE %s SET title = 'x' WHERE id = 9$$,
        '0 0 0 0 0 0 0 0'),
    -- Moves.
    ('give 1 to amy', $$UPDATE %s SET user_id = 'user_amy' WHERE id = 1$$,
        'R 1 R 1 1 R R 1'),
    ('give 1 to bob', $$UPDATE %s SET user_id = 'user_bob' WHERE id = 1$$,
        'R 1 R 1 1 R R 1'),
    ('give 1 to somebody of nearly her id', $$UPDATE %s SET user_id = 'User_alice' WHERE id = 1$$,
        'R 1 R 1 1 R R 1'),
    ('give 1 to nobody', $$UPDATE %s SET user_id = NULL WHERE id = 1$$,
        'R 1 R 1 1 R R 1'),
    ('move 1 to her other organization', $$UPDATE %s SET org_id = 'org_globex' WHERE id = 1$$,
        '1 R R R R R R 1'),
    ('move 1 to a foreign organization', $$UPDATE %s SET org_id = 'org_initech' WHERE id = 1$$,
        '1 R R R R R R R'),
    ('move 1 to no organization', $$UPDATE %s SET org_id = NULL WHERE id = 1$$,
        '1 R R R R R R R'),
    ('give 1 to bob at globex', $$UPDATE %s SET user_id = 'user_bob', org_id = 'org_globex' WHERE id = 1$$,
        'R R R R R R R 1'),
    ('take 2 from amy', $$UPDATE %s SET user_id = 'user_alice' WHERE id = 2$$,
        '0 1 R 1 1 R 0 1'),
    ('move 2 to globex', $$UPDATE %s SET org_id = 'org_globex' WHERE id = 2$$,
        '0 R R R R R 0 1'),
    ('take 4, nobody''s at acme', $$UPDATE %s SET user_id = 'user_alice' WHERE id = 4$$,
        '0 1 R 1 1 R 0 1'),
    ('move 5, her own at globex, to acme', $$UPDATE %s SET org_id = 'org_acme' WHERE id = 5$$,
        '1 0 0 R 0 R 0 1'),
    ('take 6 from bob', $$UPDATE %s SET user_id = 'user_alice' WHERE id = 6$$,
        '0 0 0 1 0 R 0 1'),
    ('move 6 to acme', $$UPDATE %s SET org_id = 'org_acme' WHERE id = 6$$,
        '0 0 0 R 0 R 0 1'),
    ('take 8 home', $$UPDATE %s SET user_id = 'user_alice', org_id = 'org_acme' WHERE id = 8$$,
        '0 0 0 0 0 0 0 0'),
    ('take 9 home', $$UPDATE %s SET user_id = 'user_alice', org_id = 'org_acme' WHERE id = 9$$,
        '0 0 0 0 0 0 0 0'),
    -- Without a WHERE nothing is read, and the policies for reading are not asked: the others must do alone.
    ('give all to bob, blindly', $$UPDATE %s SET user_id = 'user_bob'$$,
        'R 3 R 5 3 R R 5'),
    ('give all to nobody, blindly', $$UPDATE %s SET user_id = NULL$$,
        'R 3 R 5 3 R R 5'),
    ('move all to her other organization, blindly', $$UPDATE %s SET org_id = 'org_globex'$$,
        '3 R R R R R R 5'),
    ('move all to a foreign organization, blindly', $$UPDATE %s SET org_id = 'org_initech'$$,
        '3 R R R R R R R'),
    ('take all home, blindly', $$UPDATE %s SET user_id = 'user_alice', org_id = 'org_acme'$$,
        '3 3 R R 3 R 1 5'),
    -- Inserts.
    ('insert what the session fills in', $$INSERT INTO %s (id, title) VALUES (20, 'x')$$,
        '1 1 1 1 1 1 1 1'),
    ('insert her own at acme', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, 'user_alice', 'org_acme')$$,
        '1 1 1 1 1 1 1 1'),
    ('insert amy''s at acme', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, 'user_amy', 'org_acme')$$,
        'R 1 R 1 1 R R 1'),
    ('insert nobody''s at acme', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, NULL, 'org_acme')$$,
        'R 1 R 1 1 R R 1'),
    ('insert her own at globex', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, 'user_alice', 'org_globex')$$,
        '1 R R 1 R 1 R 1'),
    ('insert her own at initech', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, 'user_alice', 'org_initech')$$,
        '1 R R R R R R R'),
    ('insert her own nowhere', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, 'user_alice', NULL)$$,
        '1 R R R R R R R'),
    ('insert bob''s at globex', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, 'user_bob', 'org_globex')$$,
        'R R R 1 R R R 1'),
    ('insert zoe''s at initech', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, 'user_zoe', 'org_initech')$$,
        'R R R R R R R R'),
    ('insert nobody''s nowhere', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, NULL, NULL)$$,
        'R R R R R R R R'),
    ('insert two, the second forged', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, 'user_alice', 'org_acme'), (21, 'user_zoe', 'org_initech')$$,
        'R R R R R R R R'),
    -- Upserts: the row that is offered must be one that may be inserted, the row that is there one that may be changed.
    ('upsert 1', $$INSERT INTO %s (id, user_id, org_id) VALUES (1, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        '1 1 1 1 1 1 1 1'),
    ('upsert what is not there', $$INSERT INTO %s (id, user_id, org_id) VALUES (20, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        '1 1 1 1 1 1 1 1'),
    ('upsert 1 and give it to bob', $$INSERT INTO %s (id, user_id, org_id) VALUES (1, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET user_id = 'user_bob'$$,
        'R 1 R 1 1 R R 1'),
    ('upsert 1 and move it to globex', $$INSERT INTO %s (id, user_id, org_id) VALUES (1, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET org_id = 'org_globex'$$,
        '1 R R R R R R 1'),
    ('upsert 1 and move it to initech', $$INSERT INTO %s (id, user_id, org_id) VALUES (1, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET org_id = 'org_initech'$$,
        '1 R R R R R R R'),
    ('upsert over 2', $$INSERT INTO %s (id, user_id, org_id) VALUES (2, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        'R 1 1 1 1 1 R 1'),
    ('upsert over 2 and take it', $$INSERT INTO %s (id, user_id, org_id) VALUES (2, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id$$,
        'R 1 R 1 1 R R 1'),
    ('upsert over 6', $$INSERT INTO %s (id, user_id, org_id) VALUES (6, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        'R R R 1 R 1 R 1'),
    ('upsert over 6 and move it to acme', $$INSERT INTO %s (id, user_id, org_id) VALUES (6, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET org_id = excluded.org_id$$,
        'R R R R R R R 1'),
    ('upsert over 8 and take it home', $$INSERT INTO %s (id, user_id, org_id) VALUES (8, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, org_id = excluded.org_id$$,
        'R R R R R R R R'),
    ('upsert over 9', $$INSERT INTO %s (id, user_id, org_id) VALUES (9, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        'R R R R R R R R'),
    ('upsert over 9 and take it home', $$INSERT INTO %s (id, user_id, org_id) VALUES (9, 'user_alice', 'org_acme') ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, org_id = excluded.org_id$$,
        'R R R R R R R R'),
    ('upsert 1, offering zoe''s at initech', $$INSERT INTO %s (id, user_id, org_id) VALUES (1, 'user_zoe', 'org_initech') ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        'R R R R R R R R'),
    ('upsert 1, offering nobody''s', $$INSERT INTO %s (id, user_id, org_id) VALUES (1, NULL, NULL) ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        'R R R R R R R R'),
    ('insert over 9 or do nothing', $$INSERT INTO %s (id, user_id, org_id) VALUES (9, 'user_alice', 'org_acme') ON CONFLICT (id) DO NOTHING$$,
        '0 0 0 0 0 0 0 0'),
    ('insert zoe''s over 9 or do nothing', $$INSERT INTO %s (id, user_id, org_id) VALUES (9, 'user_zoe', 'org_initech') ON CONFLICT (id) DO NOTHING$$,
        'R R R R R R R R');
-- Children, in the order: of organization, of organization roles, of member, of member roles, of member unguarded.
CREATE TABLE testing.attempt_on_child (LIKE testing.attempt INCLUDING ALL);
INSERT INTO testing.attempt_on_child (name, statement, outcomes) VALUES
    ('change the child of 1', $$UPDATE %s SET title = 'x' WHERE id = 1$$,
        '1 1 1 1 1'),
    ('change the child of 6', $$UPDATE %s SET title = 'x' WHERE id = 6$$,
        '0 0 1 0 1'),
    ('change the child of 9', $$UPDATE %s SET title = 'x' WHERE id = 9$$,
        '0 0 0 0 0'),
    ('change the child of nobody', $$UPDATE %s SET title = 'x' WHERE id = 11$$,
        '0 0 0 0 0'),
    ('move it from 1 to 2', $$UPDATE %s SET parent_id = 2 WHERE id = 1$$,
        '1 1 R R 1'),
    ('move it from 1 to 6', $$UPDATE %s SET parent_id = 6 WHERE id = 1$$,
        'R R R R 1'),
    ('move it from 1 to 9', $$UPDATE %s SET parent_id = 9 WHERE id = 1$$,
        'R R R R R'),
    ('move it from 1 to nobody', $$UPDATE %s SET parent_id = NULL WHERE id = 1$$,
        'R R R R R'),
    ('move it from 6 to 1', $$UPDATE %s SET parent_id = 1 WHERE id = 6$$,
        '0 0 R 0 1'),
    ('move it from 9 to 1', $$UPDATE %s SET parent_id = 1 WHERE id = 9$$,
        '0 0 0 0 0'),
    ('move it from nobody to 1', $$UPDATE %s SET parent_id = 1 WHERE id = 11$$,
        '0 0 0 0 0'),
    ('insert under 1', $$INSERT INTO %s (id, parent_id) VALUES (20, 1)$$,
        '1 1 1 1 1'),
    ('insert under 6', $$INSERT INTO %s (id, parent_id) VALUES (20, 6)$$,
        'R R 1 R 1'),
    ('insert under 9', $$INSERT INTO %s (id, parent_id) VALUES (20, 9)$$,
        'R R R R R'),
    ('insert under nobody', $$INSERT INTO %s (id) VALUES (20)$$,
        'R R R R R'),
    ('upsert the child of 1', $$INSERT INTO %s (id, parent_id) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        '1 1 1 1 1'),
    ('upsert it and move it to 2', $$INSERT INTO %s (id, parent_id) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET parent_id = 2$$,
        '1 1 R R 1'),
    ('upsert it and move it to 6', $$INSERT INTO %s (id, parent_id) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET parent_id = 6$$,
        'R R R R 1'),
    ('upsert it and move it to 9', $$INSERT INTO %s (id, parent_id) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET parent_id = 9$$,
        'R R R R R'),
    ('upsert over the child of 6', $$INSERT INTO %s (id, parent_id) VALUES (6, 1) ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        'R R 1 R 1'),
    ('upsert over the child of 9', $$INSERT INTO %s (id, parent_id) VALUES (9, 1) ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        'R R R R R'),
    ('upsert over the child of 9 and take it', $$INSERT INTO %s (id, parent_id) VALUES (9, 1) ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id$$,
        'R R R R R'),
    ('upsert the child of 1, offering one of 9', $$INSERT INTO %s (id, parent_id) VALUES (1, 9) ON CONFLICT (id) DO UPDATE SET title = 'x'$$,
        'R R R R R');
CREATE VIEW testing.expected AS
SELECT attempts.number, kind, template, name, format(statement, format('matrix.%I', template)) AS statement, outcome
FROM (SELECT number, name, statement, outcome, ('{own,tenant,author,member,member roles,member author,both,unguarded}'::text[])[place] AS kind
        FROM testing.attempt, string_to_table(outcomes, ' ') WITH ORDINALITY AS o (outcome, place)
        UNION ALL
        SELECT number, name, statement, outcome, ('{of organization,of organization roles,of member,of member roles,"of member, unguarded"}'::text[])[place]
        FROM testing.attempt_on_child, string_to_table(outcomes, ' ') WITH ORDINALITY AS o (outcome, place)) AS attempts
    JOIN (SELECT DISTINCT kind, template FROM testing.call) AS calls USING (kind);
GRANT SELECT ON testing.expected TO regress_app;
CREATE FUNCTION testing.results() RETURNS TABLE (number integer, template text, outcome text, result text) LANGUAGE sql AS $body$
    SELECT number, template, outcome, clerk_test.expect(statement, rows => nullif(outcome, 'R')::bigint,
        refused => CASE WHEN outcome = 'R' THEN true END, description => concat_ws(': ', template, name))
    FROM testing.expected
$body$;

-- By a login that is a tester, in a role that is plain.
\c - regress_tester
SET clerk_test.request_role = regress_app;
SELECT rolname, rolsuper OR rolbypassrls AS above_row_security FROM pg_roles
WHERE rolname IN (session_user, 'regress_app', 'regress_owner') ORDER BY rolname;
\set as_alice 'SELECT clerk_test.act_as(''user_alice'', ''org_acme'', ''editor'', ''{org:items:read,org:items:manage}'', ''pro'', ''{reports}'', ''{1,1}'');'
BEGIN;
:as_alice
SELECT clerk_test.whoami();
CREATE TEMP TABLE results AS SELECT * FROM testing.results();
SELECT result FROM results WHERE result NOT LIKE 'ok - %' ORDER BY template COLLATE "C", number;
SELECT template, count(*) AS tried, count(*) FILTER (WHERE outcome = 'R') AS refused, count(*) FILTER (WHERE outcome = '0') AS not_reached,
    count(*) FILTER (WHERE outcome NOT IN ('R', '0')) AS done
FROM results WHERE result LIKE 'ok - %' GROUP BY template ORDER BY template COLLATE "C";
ROLLBACK;

-- The comparison finds a check that is too weak and a trigger that is gone.
BEGIN;
SET LOCAL ROLE regress_owner;
ALTER POLICY clerk_update ON matrix.owner WITH CHECK (true);
ALTER POLICY clerk_insert ON matrix."child of organization" WITH CHECK (true);
ALTER POLICY clerk_update ON matrix.public_read USING (true);
ALTER TABLE matrix.member DISABLE TRIGGER USER;
:as_alice
SELECT result FROM testing.results() WHERE result NOT LIKE 'ok - %' ORDER BY template COLLATE "C", number;
ROLLBACK;

-- A deletion asks the policy for deleting alone, too. Nobody deletes a profile, and what is deleted softly stays.
BEGIN;
:as_alice
SELECT clerk_test.expect(format('DELETE FROM matrix.%I', template), rows => rows)
FROM (VALUES (1, 'owner', 3), (2, 'public_read', 3), (3, 'public_profile', 0), (4, 'private_profile', 0), (5, 'soft delete', 0),
    (6, 'restrictive', 3), (7, 'custom', 3), (8, 'role', 3), (9, 'organization permissions', 3), (10, 'organization author', 3),
    (11, 'member author', 5), (12, 'reverified both', 1), (13, 'child of organization', 3), (14, 'child of member', 5),
    (15, 'child of member roles', 3)) AS expected (number, template, rows) ORDER BY number;
-- The same without what is asked for: as a member with no permissions and an old factor.
SELECT clerk_test.act_as('user_alice', 'org_acme', 'member', factor_ages => '{90,90}');
SELECT clerk_test.expect(statement, rows => rows)
FROM (SELECT 1, format('DELETE FROM matrix.%I', template) AS statement, rows
    FROM (VALUES ('owner', 3), ('restrictive', 0), ('custom', 0), ('role', 0), ('organization permissions', 0), ('reverified both', 0),
        ('child of organization', 3), ('child of organization roles', 0)) AS d (template, rows)
    UNION ALL
    SELECT 2, format('UPDATE matrix.%I SET title = ''x''', template), rows
    FROM (VALUES ('owner', 3), ('restrictive', 0), ('custom', 0), ('role', 0), ('organization permissions', 0), ('reverified both', 0),
        ('plan both', 0), ('feature', 0), ('organization', 3), ('organization roles', 0), ('child of organization', 3),
        ('child of organization roles', 0)) AS u (template, rows)) AS expected (number, statement, rows)
ORDER BY number, statement COLLATE "C";
ROLLBACK;

-- A row that was deleted softly is gone for good, and a deletion has no time but its own.
SET ROLE regress_owner;
UPDATE matrix."soft delete" SET deleted_at = now() WHERE id = 7;
RESET ROLE;
BEGIN;
:as_alice
SELECT clerk_test.expect(statement, rows => nullif(outcome, 'R')::bigint, refused => CASE WHEN outcome = 'R' THEN true END)
FROM (VALUES
    (1, $$UPDATE matrix."soft delete" SET deleted_at = now() WHERE id = 1$$, '1'),
    (2, $$UPDATE matrix."soft delete" SET deleted_at = now() WHERE id = 2$$, '0'),
    (3, $$UPDATE matrix."soft delete" SET deleted_at = now(), user_id = 'user_bob' WHERE id = 1$$, 'R'),
    (4, $$UPDATE matrix."soft delete" SET deleted_at = NULL WHERE id = 7$$, '0'),
    (5, $$UPDATE matrix."soft delete" SET title = 'x' WHERE id = 7$$, '0'),
    (6, $$DELETE FROM matrix."soft delete" WHERE id = 1$$, '0'),
    (7, $$INSERT INTO matrix."soft delete" (id, user_id) VALUES (20, 'user_alice')$$, '1'),
    (8, $$INSERT INTO matrix."soft delete" (id, user_id, deleted_at) VALUES (20, 'user_alice', 'infinity')$$, 'R'),
    (9, $$INSERT INTO matrix."soft delete" (id, user_id, deleted_at) VALUES (20, 'user_alice', '2026-01-01')$$, 'R'),
    (10, $$INSERT INTO matrix."soft delete" (id, user_id) VALUES (7, 'user_alice') ON CONFLICT (id) DO UPDATE SET deleted_at = NULL$$, 'R'),
    (11, $$INSERT INTO matrix."soft delete" (id, user_id) VALUES (1, 'user_alice') ON CONFLICT (id) DO UPDATE SET deleted_at = now()$$, '1')
) AS attempts (number, statement, outcome) ORDER BY number;
UPDATE matrix."soft delete" SET deleted_at = 'infinity' WHERE id = 1 RETURNING deleted_at = now() AS stamped;
UPDATE matrix."soft delete" SET deleted_at = '1999-01-01' WHERE id = 5 RETURNING deleted_at = now() AS stamped;
ROLLBACK;

-- Of the table's owner, who is above row security, the triggers ask nothing; with FORCE they do.
BEGIN;
SELECT clerk_test.act_as_anonymous('regress_owner');
SELECT clerk_test.expect($$UPDATE matrix."member author" SET user_id = 'user_bob', org_id = 'org_globex' WHERE id = 1$$, rows => 1);
SELECT clerk_test.expect($$UPDATE matrix."child of member" SET parent_id = 9 WHERE id = 1$$, rows => 1);
ALTER TABLE matrix."member author" FORCE ROW LEVEL SECURITY;
SELECT clerk_test.act_as('user_alice', 'org_acme', as_role => 'regress_owner');
SELECT clerk_test.expect($$UPDATE matrix."member author" SET title = 'x' WHERE id = 1$$, rows => 1);
SELECT clerk_test.expect($$UPDATE matrix."member author" SET org_id = 'org_globex' WHERE id = 1$$, refused => true);
ROLLBACK;

\c - :superuser
SET client_min_messages = warning;
DROP SCHEMA matrix CASCADE;
RESET client_min_messages;
DROP FUNCTION testing.results;
DROP VIEW testing.expected;
DROP TABLE testing.row, testing.call, testing.attempt, testing.attempt_on_child;
DELETE FROM clerk.organization_memberships;
DROP EXTENSION clerk_sync_test;
DROP ROLE regress_tester, regress_owner;
