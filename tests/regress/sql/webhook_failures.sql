-- Events that cannot be applied fail alone, are tried again, and die in the end; replays; the queue.

SELECT clerk.set_secret('webhook_secret', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');
CREATE FUNCTION testing.user_event(id text, name text, updated bigint) RETURNS text LANGUAGE sql RETURN testing.event(
    'user.updated', jsonb_build_object('id', id, 'object', 'user', 'first_name', name, 'updated_at', updated), updated + 5);

-- A type that lies, a null where none belongs, what jsonb cannot hold.
SELECT testing.deliver('msg_1', testing.event('user.updated', '{"id": "user_1", "updated_at": "yesterday"}', 1767225600000));
SELECT testing.deliver('msg_2', testing.event('user.updated', '{"id": null, "updated_at": 1767225600000}', 1767225600000));
SELECT testing.deliver('msg_3', replace(testing.user_event('user_1', 'NUL', 1767225600000), 'NUL', '\u0000'));
SELECT testing.deliver('msg_4', testing.event('user.updated', NULL, 1767225600000));
-- A trigger and a constraint of the application's own. No error tells a value.
CREATE FUNCTION testing.refuse_mallory() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.first_name = 'Mallory' THEN
        RAISE EXCEPTION 'no such people here';
    ELSIF NEW.first_name = 'Number' THEN
        PERFORM 'mallory@example.com'::integer;
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER refuse_mallory BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION testing.refuse_mallory();
CREATE FUNCTION testing.refuse_late() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'too late';
END
$body$;
ALTER TABLE clerk.users ADD CONSTRAINT short_names CHECK (length(first_name) < 10);
SELECT testing.deliver('msg_5', testing.user_event('user_5', 'Mallory', 1767225600000));
SELECT testing.deliver('msg_6', testing.user_event('user_6', 'Number', 1767225600000));
SELECT testing.deliver('msg_7', testing.user_event('user_7', 'Bartholomew', 1767225600000));
SELECT id, kind, object_id, status, attempts, last_error, applied_at IS NULL AS waits,
    next_attempt_at - received_at BETWEEN interval '4 s' AND interval '8 s' AS soon, body IS NOT NULL AS body
FROM clerk.webhook_events ORDER BY id;
SELECT count(*) FROM clerk.users;

-- Of whoever is erased nothing is left, neither in an event that could not be read nor in a trigger's message.
BEGIN;
UPDATE clerk.webhook_events SET status = 'dead', next_attempt_at = NULL WHERE id IN ('msg_1', 'msg_5');
SELECT testing.deliver('msg_gone_1', testing.event('user.deleted', '{"id": "user_1"}', 1767225600000));
SELECT testing.deliver('msg_gone_5', testing.event('user.deleted', '{"id": "user_5"}', 1767225600000));
SELECT id, status, last_error, body FROM clerk.webhook_events WHERE id IN ('msg_1', 'msg_5') ORDER BY id;
ROLLBACK;

-- Nothing is due yet. Later the poisoned fail again, alone: the good one among them is applied.
SELECT clerk._drain(100);
SET clerk_sync.webhook_mode = queue;
SELECT testing.deliver('msg_8', testing.user_event('user_3', 'Good', 1767225600000));
RESET clerk_sync.webhook_mode;
UPDATE clerk.webhook_events SET next_attempt_at = clock_timestamp() WHERE next_attempt_at IS NOT NULL;
SELECT clerk._drain(100);
SELECT id, status, attempts, last_error, next_attempt_at - clock_timestamp() BETWEEN interval '290 s' AND interval '361 s' AS later
FROM clerk.webhook_events ORDER BY id;
SELECT id, first_name FROM clerk.users;
-- After eight attempts they are dead, and nobody touches them.
DO $body$ BEGIN
    FOR attempt IN 3..9 LOOP
        UPDATE clerk.webhook_events SET next_attempt_at = clock_timestamp() WHERE next_attempt_at IS NOT NULL;
        PERFORM clerk._drain(100);
    END LOOP;
END $body$;
SELECT status, min(attempts), max(attempts), count(*), count(next_attempt_at) AS waiting FROM clerk.webhook_events GROUP BY status;

-- What a constraint refuses at the commit fails alone, too: received at once, and drained.
BEGIN;
CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT OR UPDATE ON clerk.users DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.first_name = 'Late') EXECUTE FUNCTION testing.refuse_late();
SELECT testing.deliver('msg_late_1', testing.user_event('user_late', 'Late', 1767225600000));
SET LOCAL clerk_sync.webhook_mode = queue;
SELECT testing.deliver('msg_late_2', testing.user_event('user_late', 'Late', 1767225600001));
SELECT testing.deliver('msg_late_3', testing.user_event('user_fine', 'Fine', 1767225600001));
SELECT clerk._drain(100);
SELECT id, status, attempts, last_error FROM clerk.webhook_events WHERE id ~ 'late' ORDER BY id;
ROLLBACK;

-- So does one that the server cannot serve, and nobody waits for it.
BEGIN;
CREATE FUNCTION testing.read_file() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM pg_read_file('/nowhere/at/all');
    RETURN NEW;
END
$body$;
CREATE TRIGGER read_file BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW WHEN (NEW.first_name = 'File')
    EXECUTE FUNCTION testing.read_file();
SELECT testing.deliver('msg_file_1', testing.user_event('user_file', 'File', 1767225600000));
SET LOCAL clerk_sync.webhook_mode = queue;
SELECT testing.deliver('msg_file_2', testing.user_event('user_file', 'File', 1767225600001));
SELECT testing.deliver('msg_file_3', testing.user_event('user_fine', 'Fine', 1767225600001));
SELECT clerk._drain(100);
SELECT id, status, attempts, left(last_error, 5) AS code FROM clerk.webhook_events WHERE id ~ 'file' ORDER BY id;
ROLLBACK;

-- However many owners a transaction names, it takes a bounded share of the server's locks, and none that any role can take.
BEGIN;
INSERT INTO clerk.webhook_events (id, instance_id, type, event_at, status, next_attempt_at, body)
SELECT 'msg_many_' || n, 'ins_test', 'organizationMembership.created', now(), 'received', clock_timestamp(),
    testing.event('organizationMembership.created', jsonb_build_object('id', 'orgmem_' || n, 'role', 'org:member', 'permissions', '[]'::jsonb,
        'organization', jsonb_build_object('id', 'org_' || n), 'public_user_data', jsonb_build_object('user_id', 'user_' || n),
        'updated_at', 1767225600000), 1767225600000)
FROM generate_series(1, 2000) AS n;
SELECT clerk._drain(2000);
SELECT status, count(*) FROM clerk.webhook_events WHERE id ~ 'many' GROUP BY 1;
SELECT locktype, count(*) BETWEEN 300 AND 600 AS bounded FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('advisory', 'object') GROUP BY 1;
ROLLBACK;

-- Replayed once the cause is gone.
DROP TRIGGER refuse_mallory ON clerk.users;
ALTER TABLE clerk.users DROP CONSTRAINT short_names;
SELECT result, code, hint FROM testing.outcome('SELECT clerk.replay()');
SELECT clerk.replay(id => 'msg_5'), clerk.replay(id => 'msg_5', status => 'dead') AS none,
    clerk.replay(since => 'infinity') AS none, clerk.replay(status => 'dead', type => 'user.updated') AS others;
SELECT clerk._drain(2), clerk._drain(100), clerk._drain(100);
SELECT id, status, attempts, last_error FROM clerk.webhook_events ORDER BY id;
SELECT id, first_name FROM clerk.users ORDER BY id;

-- The queue: stored, not applied; duplicates are known; a batch takes the newest state, and deletions last.
DELETE FROM clerk.webhook_events;
DELETE FROM clerk.users;
SET clerk_sync.webhook_mode = queue;
SELECT testing.deliver('msg_a', testing.user_event('user_1', 'second', 1767225602000)) AS a,
    testing.deliver('msg_b', testing.user_event('user_1', 'first', 1767225601000)) AS b,
    testing.deliver('msg_b', testing.user_event('user_1', 'first', 1767225601000)) AS again,
    testing.deliver('msg_c', testing.event('user.deleted', '{"id": "user_2", "deleted": true}', 1767225603000)) AS c,
    testing.deliver('msg_d', testing.user_event('user_2', 'gone', 1767225609000)) AS d,
    testing.deliver('msg_e', testing.event('email.created', '{}', 1767225609000)) AS e,
    testing.deliver('msg_f', testing.event('organizationMembership.created', '{"id": "orgmem_1", "role": "org:admin",
    "organization": {"id": "org_1"}, "public_user_data": {"user_id": "user_2"}, "permissions": [],
    "created_at": 1767225700000, "updated_at": 1767225700000}', 1767225700000)) AS f;
SELECT count(*) FROM clerk.users;
SELECT id, status, attempts, next_attempt_at IS NOT NULL AS due FROM clerk.webhook_events ORDER BY id;
SELECT clerk._drain(0), clerk._drain(100), clerk._drain(100);
SELECT id, status, attempts, next_attempt_at, body IS NULL AS erased FROM clerk.webhook_events ORDER BY id;
SELECT id, first_name, deleted_at IS NOT NULL AS deleted FROM clerk.users ORDER BY id;
SELECT id, deleted_at IS NOT NULL AS deleted FROM clerk.organization_memberships ORDER BY id;
-- A request cannot put events off.
SET ROLE regress_app;
SELECT code FROM testing.outcome('SET clerk_sync.webhook_mode = queue');
RESET ROLE;
RESET clerk_sync.webhook_mode;

DELETE FROM clerk.webhook_events;
DELETE FROM clerk.users;
DELETE FROM clerk.organization_memberships;
DROP FUNCTION testing.user_event, testing.refuse_mallory;
SELECT clerk.remove_secret('webhook_secret');
