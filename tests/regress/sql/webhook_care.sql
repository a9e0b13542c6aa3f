-- How the sync goes at a look; what is purged when; what is left of who was deleted.

SELECT clerk.set_secret('webhook_secret', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');
SELECT * FROM clerk.sync_health;

-- An event every minute until two hours ago: that is a silence. Of every status one, and one that waits.
INSERT INTO clerk.webhook_events (id, instance_id, type, event_at, received_at, status, next_attempt_at, body)
SELECT 'msg_' || n, 'ins_test', 'email.created', now() - (120 + n) * interval '1 min', now() - (120 + n) * interval '1 min', s.status,
    CASE WHEN s.status IN ('received', 'failed') THEN now() END, '{}'
FROM generate_series(1, 12) AS n, LATERAL (SELECT (ARRAY['applied', 'stale', 'ignored', 'dead', 'received', 'failed'])[1 + n % 6]) AS s (status);
SELECT received, applied, stale, ignored, failed, dead, usual_gap,
    oldest_waiting = (SELECT min(received_at) FROM clerk.webhook_events WHERE next_attempt_at IS NOT NULL) AS oldest,
    lag > interval '2 hours' AS lag, silence > interval '2 hours' AS silence, warning
FROM clerk.sync_health;
SELECT testing.deliver('msg_now', testing.event('email.created', '{}', 1767225600000));
SELECT silence < interval '1 minute' AS silence, warning FROM clerk.sync_health;

-- Purged: what is done, and old enough for its instance; never more than asked.
SELECT clerk._purge(100) AS nothing_is_old;
UPDATE clerk.webhook_events SET received_at = received_at - interval '31 days' WHERE id <> 'msg_now';
BEGIN;
SELECT item, value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false, event_retention => '60 days') LIMIT 1;
SELECT clerk._purge(100) AS kept_longer;
ROLLBACK;
SELECT clerk._purge(2), clerk._purge(0), clerk._purge(-1), clerk._purge(100), clerk._purge(100);
SELECT status, count(*) FROM clerk.webhook_events GROUP BY status ORDER BY status;
BEGIN;
SELECT item, value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false, event_retention => '0') LIMIT 1;
SELECT clerk._purge(100) AS at_once;
ROLLBACK;

-- remove: a tombstone at once, nothing after the hold.
BEGIN;
SELECT item, value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false, deletion => 'remove', deletion_hold => '10 days') LIMIT 1;
SELECT deletion, deletion_hold, event_retention, mirror_sessions FROM clerk.instances;
SELECT testing.deliver('msg_gone_1', testing.event('user.deleted', '{"id": "user_1"}', extract(epoch FROM now() - interval '9 days')::bigint * 1000));
SELECT testing.deliver('msg_gone_2', testing.event('user.deleted', '{"id": "user_2"}', extract(epoch FROM now() - interval '11 days')::bigint * 1000));
SELECT testing.deliver('msg_gone_3', testing.event('user.deleted', '{"id": "user_3"}', extract(epoch FROM now() - interval '11 days')::bigint * 1000, 'ins_other'));
-- The hold begins when the deletion arrives, however late that is: what comes after it must find it.
SELECT clerk._purge(100) AS too_early;
UPDATE clerk.users SET synced_at = deleted_at;
-- One that the application references stays, and keeps nothing else: nor does one that the application keeps by a
-- constraint that is checked at the commit, or by a trigger.
INSERT INTO clerk.users (id, instance_id, deleted_at, synced_at)
SELECT 'user_' || n, 'ins_test', '2026-01-01', '2026-01-01' FROM generate_series(4, 6) AS n;
CREATE TABLE public.note (owner text REFERENCES clerk.users (id) ON DELETE RESTRICT);
INSERT INTO public.note VALUES ('user_4');
CREATE TABLE public.draft (owner text REFERENCES clerk.users (id) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO public.draft VALUES ('user_5');
CREATE FUNCTION testing.keep_user() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'kept';
END
$body$;
CREATE TRIGGER keep_user BEFORE DELETE ON clerk.users FOR EACH ROW WHEN (OLD.id = 'user_6') EXECUTE FUNCTION testing.keep_user();
SELECT clerk._purge(1), clerk._purge(1), clerk._purge(1), clerk._purge(1), clerk._purge(1);
SELECT id, synced_at > now() - interval '1 hour' AS looked_at FROM clerk.users ORDER BY id;
ROLLBACK;

SELECT result, code, hint FROM testing.outcome($$SELECT clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', deletion => 'shred')$$);
SELECT result, code, hint FROM testing.outcome($$SELECT clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', event_retention => '-1 day')$$);
DELETE FROM clerk.webhook_events;
SELECT clerk.remove_secret('webhook_secret');
