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
