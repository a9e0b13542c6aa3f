-- What every other test stands on: the extension, one instance whose key clerk-testing holds, the roles
-- that requests run as, and functions to look at refusals with.

SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_app, regress_other, regress_admin;
RESET client_min_messages;

-- As since Postgres 15: a request role makes nothing in public.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

CREATE EXTENSION clerk_sync;

-- The role of requests, one more like it, and an administrator who is no superuser.
CREATE ROLE regress_app;
CREATE ROLE regress_other;
CREATE ROLE regress_admin;
GRANT clerk_admin TO regress_admin;

-- The instance clerk.example.com.
\set jwks `cat "$CLERK_TEST_KEYS/jwks.json"`
SELECT * FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false);
SELECT * FROM clerk.add_signing_keys('https://clerk.example.com', :'jwks');

-- What a statement ends with: the text of its first column, or SQLSTATE, DETAIL and HINT. Seconds, which
-- differ from run to run, read N. Runs with the caller's rights.
CREATE SCHEMA testing;
GRANT USAGE ON SCHEMA testing TO PUBLIC;
CREATE FUNCTION testing.outcome(
    statement text, OUT result text, OUT code text, OUT detail text, OUT hint text
) LANGUAGE plpgsql AS $body$
BEGIN
    EXECUTE statement INTO result;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS
        result = MESSAGE_TEXT, code = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    detail := regexp_replace(detail, '\d+ s\M', 'N s');
END
$body$;

-- The same for a statement under a token, which is set as SET LOCAL does. The rollback of a refused one takes
-- the token with it.
CREATE FUNCTION testing.outcome_as(
    token text, statement text, OUT result text, OUT code text, OUT detail text, OUT hint text
) LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('clerk_sync.token', token, true);
    SELECT * INTO result, code, detail, hint FROM testing.outcome(statement);
END
$body$;

-- The same for a statement in a request with these headers, as PostgREST hands them on.
CREATE FUNCTION testing.outcome_of_request(
    headers text, statement text, OUT result text, OUT code text, OUT detail text, OUT hint text
) LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('request.headers', headers, true);
    SELECT * INTO result, code, detail, hint FROM testing.outcome(statement);
END
$body$;

-- Svix's side, by Postgres' own sha256: what signs a delivery, and a delivery that is signed now.
CREATE FUNCTION testing.sign(secret text, id text, sent_at text, body text) RETURNS text LANGUAGE plpgsql AS $body$
DECLARE
    key bytea := decode(replace(secret, 'whsec_', ''), 'base64');
    inner_key bytea;
    outer_key bytea;
BEGIN
    IF length(key) > 64 THEN
        key := sha256(key);
    END IF;
    key := key || decode(repeat('00', 64 - length(key)), 'hex');
    inner_key := key;
    outer_key := key;
    FOR place IN 0..63 LOOP
        inner_key := set_byte(inner_key, place, get_byte(key, place) # 54);
        outer_key := set_byte(outer_key, place, get_byte(key, place) # 92);
    END LOOP;
    RETURN 'v1,' || encode(sha256(outer_key || sha256(
        inner_key || convert_to(id || '.' || sent_at || '.' || body, 'UTF8'))), 'base64');
END
$body$;
CREATE FUNCTION testing.headers(
    id text, body text, secret text DEFAULT 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', age integer DEFAULT 0
) RETURNS jsonb LANGUAGE sql RETURN (
    SELECT jsonb_build_object('svix-id', id, 'svix-timestamp', sent_at,
        'svix-signature', testing.sign(secret, id, sent_at, body))
    FROM (SELECT (floor(extract(epoch FROM clock_timestamp()))::bigint - age)::text AS sent_at) AS now);
CREATE FUNCTION testing.deliver(id text, body text) RETURNS text LANGUAGE sql AS $body$
    SELECT concat_ws(' ', status, outcome, nullif(detail, ''))
    FROM clerk.receive_webhook(testing.headers(id, body), body)
$body$;
CREATE FUNCTION testing.event(type text, data jsonb, at bigint, instance text DEFAULT 'ins_test') RETURNS text
    LANGUAGE sql RETURN jsonb_build_object('object', 'event', 'type', type, 'data', data, 'timestamp', at,
        'instance_id', instance)::text;
