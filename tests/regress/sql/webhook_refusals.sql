-- What is no delivery of Clerk's is refused, and leaves nothing behind. Who may receive, and what else they may do.

CREATE FUNCTION testing.receive(headers jsonb, body text) RETURNS text LANGUAGE sql AS $body$
    SELECT regexp_replace(concat_ws(' ', status, outcome, nullif(detail, '')), '\d+ s\M', 'N s')
    FROM clerk.receive_webhook(headers, body)
$body$;
SELECT testing.event('email.created', '{"id": "ema_1"}', 1767225600000) AS body \gset

-- No secret is set.
SELECT testing.receive(testing.headers('msg_1', :'body'), :'body');

-- What is no secret is refused without being told.
SELECT result, code, hint FROM testing.outcome($$SELECT clerk.set_secret('webhook_secret', 'sk_test_abcdef')$$);
SELECT result, code, hint FROM testing.outcome($$SELECT clerk.set_secret('webhook_secret', 'whsec_not base64')$$);
SELECT result, code, hint FROM testing.outcome($$SELECT clerk.set_secret('webhook_secret', 'whsec_')$$);
SELECT result, code, hint FROM testing.outcome($$SELECT clerk.set_secret('webhook_secret', NULL)$$);
SELECT result, code, hint FROM testing.outcome($$SELECT clerk.set_secret('other', 'whsec_AAAA')$$);
SELECT result, code, hint FROM testing.outcome($$SELECT clerk.set_secret('webhook_secret', 'whsec_AAAA', '31 days')$$);
SELECT clerk.set_secret('webhook_secret', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');

SELECT testing.receive(testing.headers('msg_1', :'body', 'whsec_AAAA'), :'body') AS other_secret;
SELECT testing.receive(testing.headers('msg_1', :'body'), :'body' || ' ') AS other_body;
SELECT testing.receive(testing.headers('msg_1', :'body') || '{"svix-id": "msg_2"}', :'body') AS other_id;
SELECT testing.receive(testing.headers('msg_1', :'body', age => 400), :'body') AS too_old;
SELECT testing.receive(testing.headers('msg_1', :'body', age => -400), :'body') AS too_new;
SELECT testing.receive('{}', :'body') AS no_headers;
SELECT testing.receive('[]', :'body') AS headers_are_no_object;
SELECT testing.receive(NULL, NULL) AS nothing;
SELECT testing.receive(testing.headers('msg_1', :'body') - 'svix-signature', :'body') AS no_signature;
SELECT testing.receive(testing.headers('msg_1', :'body') || '{"svix-id": 1}', :'body') AS number_as_header;
SELECT testing.receive(testing.headers(repeat('x', 256), :'body'), :'body') AS long_id;
SELECT testing.receive(testing.headers('msg_1', repeat('x', 1048577)), repeat('x', 1048577)) AS too_large;
SELECT testing.receive(testing.headers('msg_1', body), body) AS signed_but_no_event
FROM unnest(ARRAY['', 'x', '[]', '{}', '{"object": "event"}', repeat('[', 200) || repeat(']', 200)]) AS body;
SELECT count(*) FROM clerk.webhook_events;

-- Standard Webhooks' names of the headers, in any case.
SELECT testing.receive(jsonb_build_object('Webhook-Id', h ->> 'svix-id', 'WEBHOOK-TIMESTAMP', h ->> 'svix-timestamp',
    'webhook-signature', 'v2,x v1,AAAA ' || (h ->> 'svix-signature')), :'body')
FROM testing.headers('msg_1', :'body') AS h;

-- Two secrets count during a rotation, the third ends the first; the old one ends in time.
SELECT clerk.set_secret('webhook_secret', 'whsec_AAAA');
SELECT testing.receive(testing.headers('msg_2', :'body', 'whsec_AAAA'), :'body') AS new,
    testing.receive(testing.headers('msg_3', :'body'), :'body') AS old;
SELECT clerk.set_secret('webhook_secret', 'whsec_AAAA');
SELECT count(*), count(expires_at), max(expires_at) - now() > interval '23 hours' AS a_day FROM clerk.secrets;
SELECT clerk.set_secret('webhook_secret', 'whsec_BBBB', '0');
SELECT testing.receive(testing.headers('msg_4', :'body', 'whsec_BBBB'), :'body') AS new,
    testing.receive(testing.headers('msg_5', :'body', 'whsec_AAAA'), :'body') AS ended,
    testing.receive(testing.headers('msg_6', :'body'), :'body') AS gone;
SELECT clerk.set_secret('webhook_secret', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');

-- Under PostgREST: headers and status are settings of the transaction, the body is json with its text kept.
CREATE ROLE regress_webhook;
GRANT clerk_webhook TO regress_webhook;
ALTER ROLE regress_webhook INHERIT;
GRANT EXECUTE ON FUNCTION testing.outcome TO regress_webhook;
CREATE FUNCTION testing.post(headers jsonb, body text, OUT answer json, OUT status text) LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('request.headers', headers::text, true), set_config('request.method', 'POST', true);
    answer := clerk_webhook(body::json);
    answer := regexp_replace(answer::text, '\d+ s\M', 'N s')::json;
    status := current_setting('response.status');
END
$body$;
SET ROLE regress_webhook;
-- An operator of the caller's own is never called with the owner's rights.
SET search_path = testing, public, pg_catalog;
SELECT p.* FROM testing.headers('msg_7', E'  \r\n' || :'body' || ' ') AS h, testing.post(h, E'  \r\n' || :'body' || ' ') AS p;
SELECT p.* FROM testing.headers('msg_7', :'body') AS h, testing.post(h, :'body') AS p;
SELECT p.* FROM testing.headers('msg_8', '{}') AS h, testing.post(h, '{}') AS p;
SELECT p.* FROM testing.headers('msg_8', :'body', 'whsec_CCCC') AS h, testing.post(h, :'body') AS p;
SELECT p.* FROM testing.post('{"accept": "*/*"}', :'body') AS p;
RESET search_path;
SELECT testing.deliver('msg_9', :'body');
-- Nothing else is open to it.
SELECT testing.outcome('SELECT FROM clerk.webhook_events');
SELECT testing.outcome('SELECT FROM clerk.secrets');
SELECT testing.outcome('SELECT clerk.set_secret(''webhook_secret'', ''whsec_AAAA'')');
SELECT testing.outcome('SELECT clerk._drain(1)');
SELECT testing.outcome('SELECT clerk.replay(status => ''dead'')');
RESET ROLE;
SELECT p.oid::regprocedure AS open_to_clerk_webhook
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE nspname = 'clerk' AND has_function_privilege('clerk_webhook', p.oid, 'EXECUTE') ORDER BY 1;
SELECT c.oid::regclass AS open_to_clerk_webhook
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE nspname = 'clerk' AND relkind IN ('r', 'v') AND has_any_column_privilege('clerk_webhook', c.oid, 'SELECT,INSERT,UPDATE,REFERENCES');
-- Secrets are open to nobody; requests get at nothing.
SET ROLE regress_admin;
SELECT testing.outcome('SELECT FROM clerk.secrets');
SELECT clerk.set_secret('webhook_secret', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');
SELECT count(*) FROM clerk.webhook_events;
SET ROLE regress_app;
SELECT testing.outcome('SELECT clerk_webhook(''{}'')');
SELECT testing.outcome('SELECT FROM clerk.users');
RESET ROLE;

-- A flood of refusals is answered by 429; what Clerk signed still gets through.
SELECT count(*) FILTER (WHERE answer NOT LIKE '429%') BETWEEN 1 AND 60 AS refused, count(*) FILTER (WHERE answer = '429 flood too many deliveries were refused') > 0 AS flooded
FROM generate_series(1, 100) AS n, testing.receive(jsonb_build_object('n', n), :'body') AS answer;
SELECT testing.deliver('msg_10', :'body');

SELECT clerk.remove_secret('webhook_secret'), clerk.remove_secret('webhook_secret');
DELETE FROM clerk.webhook_events;
REVOKE EXECUTE ON FUNCTION testing.outcome FROM regress_webhook;
DROP ROLE regress_webhook;
DROP FUNCTION testing.post, testing.receive;
