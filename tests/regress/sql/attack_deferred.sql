-- What others put off, or attach to a deletion, never runs with the rights of the extension's owner.

SELECT clerk.set_secret('webhook_secret', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');
CREATE SCHEMA attack AUTHORIZATION regress_admin;
GRANT USAGE ON SCHEMA testing TO regress_admin;
GRANT EXECUTE ON FUNCTION testing.outcome TO regress_admin;
GRANT REFERENCES ON clerk.users TO regress_admin;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_admin';

-- A deferred trigger of the caller's own, fired while events are applied and purged for them.
SET ROLE regress_admin;
CREATE TABLE attack.seen (place text, who text);
CREATE FUNCTION attack.look() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO attack.seen VALUES (TG_ARGV[0], current_user);
    PERFORM set_config('search_path', 'attack, pg_catalog', false);
    RETURN NULL;
END
$body$;
CREATE TABLE attack.bait (id integer);
CREATE CONSTRAINT TRIGGER look AFTER INSERT ON attack.bait DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION attack.look('deferred');
RESET ROLE;
SET clerk_sync.webhook_mode = queue;
SELECT testing.deliver('msg_1', testing.event('user.updated', '{"id": "user_1", "object": "user", "updated_at": 1767225600000}', 1767225600000));
SET ROLE regress_admin;
BEGIN;
INSERT INTO attack.bait VALUES (1);
SELECT clerk._drain(10);
SHOW search_path;
COMMIT;
SELECT * FROM attack.seen;
RESET ROLE;
RESET search_path;
RESET clerk_sync.webhook_mode;

-- ON DELETE CASCADE onto a table with triggers: referenced, and so it stays.
SELECT item, value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false, deletion => 'remove', deletion_hold => '10 days') LIMIT 1;
INSERT INTO clerk.users (id, instance_id, deleted_at, synced_at)
SELECT 'user_gone_' || n, 'ins_test', '2026-01-01', '2026-01-01' FROM generate_series(1, 5) AS n;
SET ROLE regress_admin;
CREATE TABLE attack.cascades (owner text REFERENCES clerk.users (id) ON DELETE CASCADE);
CREATE TABLE attack.nulls (owner text REFERENCES clerk.users (id) ON DELETE SET NULL);
CREATE TABLE attack.defaults (owner text DEFAULT NULL REFERENCES clerk.users (id) ON DELETE SET DEFAULT);
CREATE TRIGGER before AFTER UPDATE OR DELETE ON attack.cascades FOR EACH ROW EXECUTE FUNCTION attack.look('after');
CREATE TRIGGER before AFTER UPDATE OR DELETE ON attack.nulls FOR EACH ROW EXECUTE FUNCTION attack.look('after');
CREATE CONSTRAINT TRIGGER look AFTER UPDATE OR DELETE ON attack.defaults DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION attack.look('deferred');
INSERT INTO attack.cascades VALUES ('user_gone_1');
INSERT INTO attack.nulls VALUES ('user_gone_2');
INSERT INTO attack.defaults VALUES ('user_gone_3');
RESET ROLE;
SELECT clerk._purge(100);
SELECT id FROM clerk.users WHERE id ~ 'gone' ORDER BY id;
SELECT owner FROM attack.cascades UNION ALL SELECT owner FROM attack.nulls UNION ALL SELECT owner FROM attack.defaults ORDER BY 1;
SELECT * FROM attack.seen;
-- NO ACTION: what is not referenced goes, and the check's code (casts, index predicates) runs with its owner's rights and changes
-- nothing of ours.
DROP TABLE attack.cascades, attack.nulls, attack.defaults;
UPDATE clerk.users SET synced_at = '2026-01-01';
SET ROLE regress_admin;
CREATE TYPE attack.key AS (v text);
CREATE FUNCTION attack.text_of(key attack.key) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO attack.seen VALUES ('cast', current_user);
    INSERT INTO attack.bait VALUES (1);
    PERFORM set_config('search_path', 'attack, pg_catalog', false);
    RETURN (key).v;
END
$body$;
CREATE CAST (attack.key AS text) WITH FUNCTION attack.text_of(attack.key) AS IMPLICIT;
DO $body$
BEGIN
    CREATE TABLE attack.odd (owner attack.key REFERENCES clerk.users (id));
    INSERT INTO attack.odd VALUES (ROW('user_gone_4')::attack.key);
EXCEPTION WHEN OTHERS THEN
    -- Postgres 18 refuses such a foreign key.
    CREATE TABLE attack.odd (owner text REFERENCES clerk.users (id));
    INSERT INTO attack.odd VALUES ('user_gone_4');
END
$body$;
CREATE FUNCTION attack.predicate() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $body$
BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        ALTER ROLE regress_admin SUPERUSER;
    END IF;
    RETURN true;
END
$body$;
CREATE TABLE attack.plain (owner text REFERENCES clerk.users (id));
CREATE INDEX ON attack.plain (owner) WHERE attack.predicate();
INSERT INTO attack.plain VALUES ('user_gone_5');
CREATE FUNCTION attack.minus(a integer, b integer) RETURNS integer LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO attack.seen VALUES ('operator', current_user);
    RETURN a OPERATOR(pg_catalog.-) b;
END
$body$;
CREATE OPERATOR attack.- (LEFTARG = integer, RIGHTARG = integer, FUNCTION = attack.minus);
TRUNCATE attack.seen;
RESET ROLE;
RESET search_path;
SELECT clerk._purge(100);
SHOW search_path;
SELECT id FROM clerk.users WHERE id ~ 'gone' ORDER BY id;
SELECT place, who FROM attack.seen WHERE who <> 'regress_admin' OR place = 'operator';
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_admin';
DROP TABLE attack.odd, attack.plain;
INSERT INTO clerk.users (id, instance_id, deleted_at, synced_at)
SELECT 'user_gone_' || n, 'ins_test', '2026-01-01', '2026-01-01' FROM generate_series(1, 3) AS n ON CONFLICT DO NOTHING;

-- With one snapshot nobody can tell who references what: nothing is removed.
UPDATE clerk.users SET synced_at = '2026-01-01';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT clerk._purge(100);
COMMIT;
SELECT clerk._purge(100);
SELECT id FROM clerk.users WHERE id ~ 'gone' ORDER BY id;

SELECT result, code FROM testing.outcome($$SELECT clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', deletion_hold => '1000001 years')$$);
SELECT item, value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false, deletion => 'erase', deletion_hold => '30 days') LIMIT 1;
DROP SCHEMA attack CASCADE;
REVOKE REFERENCES ON clerk.users FROM regress_admin;
REVOKE EXECUTE ON FUNCTION testing.outcome FROM regress_admin;
REVOKE USAGE ON SCHEMA testing FROM regress_admin;
DELETE FROM clerk.webhook_events;
DELETE FROM clerk.users;
SELECT clerk.remove_secret('webhook_secret');
