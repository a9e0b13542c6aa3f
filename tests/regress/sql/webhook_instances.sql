-- Several instances in one database: each has its objects, and may have an endpoint with a secret of its own.

CREATE FUNCTION testing.user_of(instance text, id text, name text, updated bigint) RETURNS text LANGUAGE sql RETURN testing.event(
    'user.updated', jsonb_build_object('id', id, 'object', 'user', 'first_name', name, 'updated_at', updated), updated + 5, instance);
CREATE FUNCTION testing.receive(id text, body text, secret text) RETURNS text LANGUAGE sql AS $body$
    SELECT status || ' ' || outcome FROM clerk.receive_webhook(testing.headers(id, body, secret), body)
$body$;

-- A secret for each endpoint, each with a rotation of its own; one that bears an instance's id signs for that one only.
SELECT clerk.set_secret('webhook_secret', 'whsec_QUFB');
SELECT clerk.set_secret('webhook_secret:staging', 'whsec_QkJC');
SELECT clerk.set_secret('webhook_secret:ins_dev', 'whsec_Q0ND');
SELECT clerk.set_secret('webhook_secret:staging', 'whsec_RERE');
SELECT name, expires_at IS NULL AS current FROM clerk.secrets ORDER BY id;
SELECT secret, testing.receive('msg_prod_' || secret, testing.user_of('ins_prod', 'user_1', 'Of prod', 1767225600000), 'whsec_' || secret) AS prod,
    testing.receive('msg_dev_' || secret, testing.user_of('ins_dev', 'user_2', 'Of dev', 1767225600000), 'whsec_' || secret) AS dev
FROM unnest('{QUFB,QkJC,RERE,Q0ND,ZZZZ}'::text[]) AS secret;
SELECT clerk.remove_secret('webhook_secret:staging');
SELECT testing.receive('msg_3', testing.user_of('ins_prod', 'user_1', 'Of prod', 1767225600000), 'whsec_RERE') AS removed,
    testing.receive('msg_4', testing.user_of('ins_prod', 'user_1', 'Of prod', 1767225600000), 'whsec_QUFB') AS other;
SELECT clerk.remove_secret('webhook_secret');
SELECT testing.receive('msg_5', testing.user_of('ins_prod', 'user_1', 'Of prod', 1767225600000), 'whsec_Q0ND') AS bound_to_another;
SELECT result, code, hint FROM testing.outcome($$SELECT clerk.set_secret('webhook_secret:', 'whsec_QUFB')$$);
SELECT result, code FROM testing.outcome($$SELECT clerk.set_secret('webhook_secret:a b', 'whsec_QUFB')$$);
SELECT result, code FROM testing.outcome(format('SELECT clerk.set_secret(%L, %L)', 'webhook_secret:' || repeat('x', 65), 'whsec_QUFB'));
SELECT clerk.remove_secret('webhook_secret:ins_dev');

-- An event of one instance changes, buries and takes no object of another.
SELECT clerk.set_secret('webhook_secret', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');
INSERT INTO clerk.organization_memberships (id, instance_id, organization_id, user_id, role, permissions, updated_at)
VALUES ('orgmem_1', 'ins_prod', 'org_1', 'user_1', 'org:admin', '{}', '2026-01-01');
SELECT testing.deliver('msg_6', testing.user_of('ins_dev', 'user_1', 'Stolen', 1799999999000)) AS changed;
SELECT testing.deliver('msg_7', testing.event('user.deleted', '{"id": "user_1"}', 1799999999000, 'ins_dev')) AS buried;
SELECT testing.deliver('msg_8', testing.event('organization.deleted', '{"id": "org_1"}', 1799999999000, 'ins_dev')) AS buried;
-- Nor in one batch with the other's.
SET clerk_sync.webhook_mode = queue;
SELECT testing.deliver('msg_6a', testing.user_of('ins_dev', 'user_1', 'Stolen', 1799999999000)),
    testing.deliver('msg_6b', testing.user_of('ins_prod', 'user_1', 'Renamed', 1767225700000));
SELECT clerk._drain(10);
RESET clerk_sync.webhook_mode;
SELECT id, status FROM clerk.webhook_events WHERE id ~ 'msg_6' ORDER BY id;
SELECT id, instance_id, first_name, deleted_at FROM clerk.users ORDER BY id;
SELECT id, deleted_at FROM clerk.organization_memberships;
SELECT id, instance_id, body IS NULL AS erased FROM clerk.webhook_events WHERE object_id = 'user_1' ORDER BY id;
-- Nor makes it anybody a member there.
INSERT INTO clerk.organizations (id, instance_id, name, updated_at) VALUES ('org_2', 'ins_prod', 'Of prod', '2026-01-01');
SELECT testing.deliver('msg_8b', testing.event('organizationMembership.created', '{"id": "orgmem_2", "role": "org:admin", "permissions": [],
    "organization": {"id": "org_2"}, "public_user_data": {"user_id": "user_mallory"}, "updated_at": 1767225600000}', 1767225600000, 'ins_dev'));
SELECT id FROM clerk.organization_memberships;
-- Who made the row before the event did not know the instance.
INSERT INTO clerk.users (id, updated_at, event_at) VALUES ('user_3', 'epoch', 'epoch'), ('user_4', 'epoch', 'epoch');
SELECT testing.deliver('msg_9', testing.user_of('ins_prod', 'user_3', 'Known', 1767225600000)),
    testing.deliver('msg_10', testing.event('user.deleted', '{"id": "user_4"}', 1767225600000, 'ins_prod'));
SELECT id, instance_id, first_name, deleted_at IS NOT NULL AS deleted FROM clerk.users WHERE id IN ('user_3', 'user_4') ORDER BY id;

-- What is kept is what an instance asks for; of one whose keys are not there, what the configured ones ask for.
BEGIN;
SELECT item, value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false, deletion => 'keep', mirror_sessions => true) LIMIT 1;
SELECT instance, clerk._erases(instance), clerk._mirrors_sessions(instance) FROM unnest('{ins_test,ins_prod}'::text[]) AS instance;
SELECT clerk.remove_signing_key('https://clerk.example.com', 'ins_test');
SELECT instance, clerk._erases(instance), clerk._mirrors_sessions(instance) FROM unnest('{ins_test,ins_prod}'::text[]) AS instance;
ROLLBACK;
SELECT clerk._erases('ins_prod'), clerk._mirrors_sessions('ins_prod');

-- What the newest event does not say is not known, whatever an older one said.
SELECT testing.deliver('msg_11', testing.event('user.updated', '{"id": "user_5", "object": "user", "banned": true, "private_metadata": {"a": 1},
    "image_url": "https://img.example.com", "updated_at": 1767225600000}', 1767225600000)),
    testing.deliver('msg_12', testing.event('user.updated', '{"id": "user_5", "object": "user", "banned": false, "private_metadata": null,
    "updated_at": 1767225700000}', 1767225700000));
SELECT banned, private_metadata, image_url FROM clerk.users WHERE id = 'user_5';

-- Long bodies are drained in several batches, and none is left over.
INSERT INTO clerk.webhook_events (id, instance_id, type, event_at, status, next_attempt_at, body)
SELECT 'msg_long_' || n, 'ins_prod', 'user.updated', now(), 'received', clock_timestamp(),
    testing.event('user.updated', jsonb_build_object('id', 'user_long_' || n, 'object', 'user', 'first_name', repeat('x', 900000),
        'updated_at', 1767225600000), 1767225600000, 'ins_prod')
FROM generate_series(1, 40) AS n;
SELECT clerk._drain(100), clerk._drain(100) AS nothing_is_left;
SELECT count(*), min(length(first_name)) FROM clerk.users WHERE id ~ 'long';

-- What is due, past its retention, or of the last day is found by an index in a long ledger.
INSERT INTO clerk.webhook_events (id, instance_id, type, event_at, received_at, status, next_attempt_at)
SELECT 'msg_ledger_' || n, 'ins_prod', 'user.updated', now(), now() - (n % 20) * interval '1 day', CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'applied' END,
    CASE WHEN n % 1000 = 0 THEN now() + interval '1 hour' END
FROM generate_series(1, 20000) AS n;
ANALYZE clerk.webhook_events;
-- Lines of the plan that look through what no index chose.
CREATE FUNCTION testing.look_through(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $body$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        IF line ~ 'Seq Scan on webhook_events|Filter: .*(next_attempt_at|received_at)' THEN
            RETURN NEXT trim(line);
        END IF;
    END LOOP;
END
$body$;
\set due `cat sql/statements/due_events.sql`
\set is_due `cat sql/statements/is_event_due.sql`
PREPARE due (integer) AS :due;
SELECT testing.look_through('EXECUTE due(500)');
SELECT testing.look_through(:'is_due');
SELECT testing.look_through('SELECT * FROM clerk.sync_health');
SELECT testing.look_through('SELECT FROM clerk.webhook_events WHERE received_at > clock_timestamp()') AS what_it_would_find;
DEALLOCATE due;

DELETE FROM clerk.webhook_events;
DELETE FROM clerk.users;
DELETE FROM clerk.organizations;
DELETE FROM clerk.organization_memberships;
DROP FUNCTION testing.user_of, testing.receive, testing.look_through;
SELECT clerk.remove_secret('webhook_secret');
