-- Parsing is enough to run code: an array of a domain, written as a literal, is checked by the domain's constraint. Whatever stands in the policies
-- and comments of somebody's table is therefore parsed with that table's owner's rights, whoever asks.

CREATE ROLE regress_evil;
GRANT clerk_admin TO regress_evil;
CREATE SCHEMA lair AUTHORIZATION regress_evil;
CREATE TABLE testing.caught (who text);
GRANT INSERT ON testing.caught TO PUBLIC;
GRANT USAGE ON SCHEMA lair TO regress_app;

SET ROLE regress_evil;
CREATE FUNCTION lair.is_fine(value integer) RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
    -- Who runs this, and what a superuser would be made to do.
    INSERT INTO testing.caught VALUES (current_user);
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        RAISE WARNING 'caught %', current_user;
    END IF;
    RETURN true;
END
$body$;
CREATE DOMAIN lair.fine AS integer CHECK (lair.is_fine(VALUE));
CREATE TABLE lair.parent (id integer PRIMARY KEY, user_id text);
CREATE TABLE lair.child (id integer PRIMARY KEY, parent_id integer REFERENCES lair.parent);
INSERT INTO lair.parent VALUES (1, 'user_alice');
GRANT SELECT ON lair.parent TO regress_app;
SELECT count(*) FROM clerk.protect('lair.parent', 'custom', predicate => '''{1}''::lair.fine[] IS NOT NULL');
SELECT count(*) FROM clerk.protect('lair.child', 'inherit', via => 'parent_id references lair.parent');
RESET ROLE;
SELECT DISTINCT who FROM testing.caught;
DELETE FROM testing.caught;

-- A superuser looks, protects, explains and takes back.
CREATE TABLE public.innocent (id integer PRIMARY KEY, user_id text);
SELECT target, status, count(*) FROM clerk.policies GROUP BY target, status ORDER BY target::text COLLATE "C";
SELECT DISTINCT who AS looking FROM testing.caught; DELETE FROM testing.caught;
SELECT count(*) FROM clerk.protect('public.innocent', 'owner', set_defaults => false);
SELECT change FROM clerk.protect('lair.parent', 'custom', predicate => '''{2}''::lair.fine[] IS NOT NULL', and_where => 'true');
-- What somebody else wrote into the parent is parsed for nobody but the owner.
SELECT change FROM clerk.protect('lair.child', 'inherit', via => 'parent_id references lair.parent', force => true);
SET ROLE regress_evil;
SELECT change FROM clerk.protect('lair.child', 'inherit', via => 'parent_id references lair.parent', force => true);
RESET ROLE;
SELECT DISTINCT who AS protecting FROM testing.caught; DELETE FROM testing.caught;
SELECT command, result, reason FROM clerk.explain_access('lair.parent', '{"sub": "user_alice"}', '1', 'regress_app') WHERE policy IS NULL;
SELECT DISTINCT who AS explaining FROM testing.caught; DELETE FROM testing.caught;

-- A note whose privileges are more than privileges is no note.
SELECT format('COMMENT ON POLICY clerk_select ON lair.child IS %L',
    'clerk_sync: {"template":"inherit","via":"parent_id references lair.parent (id)","commands":["select"],"made":{"grants":[["public","SELECT ON lair.child FROM public; CREATE TABLE public.owned (); --"]]}}') \gexec
SET client_min_messages = error;
SELECT count(*) FROM clerk.protect('lair.parent', 'custom', predicate => '''{3}''::lair.fine[] IS NOT NULL');
SELECT count(*) FROM clerk.unprotect('lair.child');
RESET client_min_messages;
SELECT to_regclass('public.owned') IS NULL AS nothing_ran;
DROP POLICY IF EXISTS clerk_select ON lair.child;
SET ROLE regress_evil;
SELECT count(*) FROM clerk.protect('lair.child', 'inherit', via => 'parent_id references lair.parent');
RESET ROLE;
DELETE FROM testing.caught;

-- A child of somebody else's parent does not take over what stands in the parent's policies.
CREATE TABLE public.follower (id integer PRIMARY KEY, parent_id integer);
SELECT * FROM testing.outcome('SELECT clerk.protect(''public.follower'', ''inherit'', via => ''parent_id references lair.parent'')');
SELECT count(*) AS caught FROM testing.caught;

-- Settings, prepared statements and casts of the owner's are not left to whoever looks.
SET ROLE regress_evil;
CREATE FUNCTION lair.is_quiet(value integer) RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('search_path', 'lair, pg_catalog', false);
    RETURN true;
END
$body$;
CREATE DOMAIN lair.quiet AS integer CHECK (lair.is_quiet(VALUE));
CREATE FUNCTION lair.prepare_more() RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
    EXECUTE 'DEALLOCATE mine';
    EXECUTE 'PREPARE mine AS SELECT ''lair''';
    RETURN true;
END
$body$;
CREATE TABLE lair.loud (id integer PRIMARY KEY, user_id text);
INSERT INTO lair.loud VALUES (1, 'user_alice');
GRANT SELECT ON lair.loud TO regress_app;
CREATE FUNCTION lair.to_text(lair.loud) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    RAISE WARNING 'cast by %', current_user;
    RETURN '(1,user_alice)';
END
$body$;
CREATE CAST (lair.loud AS text) WITH FUNCTION lair.to_text(lair.loud);
SELECT count(*) FROM clerk.protect('lair.loud', 'owner', commands => '{select}', and_where => '''{1}''::lair.quiet[] IS NOT NULL');
CREATE POLICY by_hand ON lair.loud FOR SELECT USING (lair.prepare_more());
RESET ROLE;
SHOW search_path;
PREPARE mine AS SELECT 'a superuser' AS of;
SELECT policy, status FROM clerk.policies WHERE target = 'lair.loud'::regclass;
SHOW search_path;
SELECT policy, result, reason FROM clerk.explain_access('lair.loud', '{"sub": "user_alice"}', '1', 'regress_app') WHERE command = 'SELECT';
SHOW search_path;
EXECUTE mine;
DEALLOCATE mine;

-- An error with the code of a cancel is an error of the policy, and hides no other table's.
SET ROLE regress_evil;
CREATE OR REPLACE FUNCTION lair.is_quiet(value integer) RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'mine' USING ERRCODE = 'query_canceled';
END
$body$;
RESET ROLE;
SELECT policy, status, detail FROM clerk.policies WHERE target = 'lair.loud'::regclass;
-- Nor does a comment that no text can hold, or that is longer than any note.
SELECT format('COMMENT ON POLICY clerk_select ON lair.loud IS %L', 'clerk_sync: {"template":"owner","commands":["select"],"prefix":"x\u0000y"}') \gexec
SELECT count(*) AS tables FROM clerk.policies WHERE target = 'lair.loud'::regclass;
SELECT format('COMMENT ON POLICY clerk_select ON lair.loud IS %L', 'clerk_sync: {"template":"owner","commands":["select"],"via":"' || repeat('x', 200000) || '"}') \gexec
SELECT count(*) AS tables FROM clerk.policies WHERE target = 'lair.loud'::regclass;

SELECT count(*) FROM clerk.unprotect('lair.child');
SELECT DISTINCT who AS taking_back FROM testing.caught; DELETE FROM testing.caught;
SET client_min_messages = warning;
DROP TABLE public.follower, public.innocent;
DROP SCHEMA lair CASCADE;
DROP TABLE testing.caught;
DROP OWNED BY regress_evil;
DROP ROLE regress_evil;
