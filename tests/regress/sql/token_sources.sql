-- Where the token comes from: clerk_sync.token, then the authorization header of request.headers, then, only where a
-- superuser trusts them, request.jwt.claims. The first one that is set counts.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob"}'`
\set expired `clerk-testing sign --key "$CLERK_TEST_KEYS" --at $(($(date +%s) - 3600)) --claims '{"sub":"user_alice"}'`
\set forged `clerk-testing sign --key "$CLERK_FORGED_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
-- Of somebody else: Supabase Auth's user, its anon key, another Clerk instance.
\set supabase `clerk-testing sign --key "$CLERK_FORGED_KEYS" --issuer https://abc.supabase.co/auth/v1 --lifetime 600 --claims '{"sub":"5f0c","role":"authenticated"}'`
\set anon_key `clerk-testing sign --key "$CLERK_FORGED_KEYS" --issuer supabase --lifetime 600 --header '{"alg":"HS256"}' --claims '{"role":"anon"}'`
\set other_instance `clerk-testing sign --key "$CLERK_FORGED_KEYS" --issuer https://clerk.unknown.example --lifetime 600 --claims '{"sub":"user_alice"}'`

-- Plays a request: headers, claims and token as given, NULL for what is not set; then asks who it is.
CREATE FUNCTION testing.who(authorization_header text, claims text, token text, OUT who text, OUT code text, OUT detail text)
LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('request.headers', jsonb_strip_nulls(
        jsonb_build_object('host', 'api.example.com', 'authorization', authorization_header))::text, true);
    PERFORM set_config('request.jwt.claims', coalesce(claims, ''), true);
    PERFORM set_config('clerk_sync.token', coalesce(token, ''), true);
    SELECT outcome.result, outcome.code, outcome.detail INTO who, code, detail
    FROM testing.outcome('SELECT clerk_user_id()') AS outcome;
END
$body$;
SELECT jsonb_build_object('iss', 'https://clerk.example.com', 'sub', 'user_carol', 'sid', 'sess_3',
    'exp', extract(epoch FROM now() + '10 min')::bigint) AS carol \gset
\pset null (null)

SET ROLE regress_app;

-- The order. While request.jwt.claims are not trusted, they are nothing.
SELECT kind, who, code, detail
FROM (VALUES
    ('all three', 'Bearer ' || :'bob', :'carol', :'alice'),
    ('token', NULL, NULL, :'alice'),
    ('header', 'Bearer ' || :'bob', NULL, NULL),
    ('header and claims', 'Bearer ' || :'bob', :'carol', NULL),
    ('claims alone', NULL, :'carol', NULL),
    ('nothing', NULL, NULL, NULL)
) AS cases (kind, header, claims, token), testing.who(header, claims, token);

-- A token that is set and bad is an error, whatever stands in the sources behind it: never another's session.
SELECT kind, who, code, detail
FROM (VALUES
    ('expired token, good header', 'Bearer ' || :'bob', NULL, :'expired'),
    ('garbage token, good header', 'Bearer ' || :'bob', NULL, 'x'),
    ('token of another issuer, good header', 'Bearer ' || :'bob', NULL, :'other_instance'),
    ('expired header', 'Bearer ' || :'expired', NULL, NULL),
    ('forged header', 'Bearer ' || :'forged', NULL, NULL)
) AS cases (kind, header, claims, token), testing.who(header, claims, token);

-- The header: one scheme, spelled exactly; a bare token counts, as for Clerk. What is not Clerk's is no Clerk session.
SELECT kind, who, code, detail
FROM (VALUES
    ('Bearer', 'Bearer ' || :'bob'),
    ('bare', :'bob'),
    ('white space around', '  Bearer ' || :'bob' || '  '),
    ('bearer', 'bearer ' || :'bob'),
    ('BEARER', 'BEARER ' || :'bob'),
    ('two spaces', 'Bearer  ' || :'bob'),
    ('three parts', 'Bearer ' || :'bob' || ' x'),
    ('Basic', 'Basic ' || :'bob'),
    ('empty', ''),
    ('scheme alone', 'Bearer'),
    ('no JWT', 'Bearer sb_publishable_abc'),
    ('garbage of three parts', 'Bearer a.b.c'),
    ('anon key', 'Bearer ' || :'anon_key'),
    ('Supabase Auth', 'Bearer ' || :'supabase'),
    ('unknown Clerk instance', 'Bearer ' || :'other_instance')
) AS cases (kind, header), testing.who(header, NULL, NULL);

-- Headers that are no JSON object, or hold no text there, hold no token.
SELECT headers, result, code
FROM unnest(ARRAY['', 'x', '[]', 'null', '{}', '{"authorization": null}', '{"authorization": ["Bearer x"]}',
    '{"Authorization": "Bearer ' || :'bob' || '"}', '{"authorization": {"a": 1}}']) WITH ORDINALITY AS cases (text, number),
    regexp_replace(text, 'ey[^"]*', 'TOKEN') AS headers,
    testing.outcome_of_request(text, 'SELECT clerk_user_id()')
ORDER BY number;
RESET ROLE;

-- Exactly what PostgREST 12 does at the begin of a transaction. A refusal is a 401 there, by its SQLSTATE.
\set headers '{"host":"api.example.com","user-agent":"curl/8.5.0","accept":"*/*","authorization":"Bearer ' :bob '"}'
\set bad_headers '{"host":"api.example.com","user-agent":"curl/8.5.0","accept":"*/*","authorization":"Bearer ' :expired '"}'
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
SELECT set_config('search_path', '"public"', true), set_config('role', 'regress_app', true),
    set_config('request.jwt.claims', '{"role":"regress_app"}', true), set_config('request.method', 'GET', true),
    set_config('request.path', '/documents', true), set_config('request.headers', :'headers', true) <> '' AS headers,
    set_config('request.cookies', '{}', true);
SELECT current_user, clerk_user_id();
COMMIT;
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
SELECT set_config('search_path', '"public"', true), set_config('role', 'regress_app', true),
    set_config('request.jwt.claims', '{"role":"regress_app"}', true), set_config('request.method', 'GET', true),
    set_config('request.path', '/documents', true), set_config('request.headers', :'bad_headers', true) <> '' AS headers,
    set_config('request.cookies', '{}', true);
SELECT code, result, detail, hint FROM testing.outcome('SELECT clerk_user_id()');
-- Also where the token came by clerk_sync.token. A missing right stays 42501, which PostgREST answers with 403.
SET LOCAL clerk_sync.token = :'forged';
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
SET LOCAL clerk_sync.token = :'alice';
SELECT code, result FROM testing.outcome('SELECT clerk_require_role(''admin'')');
COMMIT;
-- After the transaction these settings are empty, which is as if they had never been set.
SELECT current_setting('request.headers') = '' AS empty, clerk_user_id();
BEGIN;
SET LOCAL clerk_sync.token = :'forged';
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
COMMIT;

-- A header that was set for the session and not for the transaction signs in nobody.
SELECT set_config('request.headers', :'headers', false) <> '' AS set;
SELECT code, result, hint FROM testing.outcome('SELECT clerk_user_id()');
RESET request.headers;

-- request.jwt.claims, trusted: the claims of a known instance, the same rules but for the signature.
SET clerk_sync.trust_request_claims = on;
SET ROLE regress_app;
SELECT kind, who, code, detail
FROM (VALUES
    ('claims', NULL, :'carol', NULL),
    ('header first', 'Bearer ' || :'bob', :'carol', NULL),
    ('token first', 'Bearer ' || :'bob', :'carol', :'alice'),
    ('anon key in the header', 'Bearer ' || :'anon_key', '{"role":"anon"}', NULL),
    ('another''s claims', NULL, '{"iss":"https://abc.supabase.co/auth/v1","sub":"5f0c"}', NULL),
    ('no issuer', NULL, '{"role":"anon"}', NULL),
    ('expired', NULL, (:'carol'::jsonb || '{"exp":1}')::text, NULL),
    ('no exp', NULL, (:'carol'::jsonb - 'exp')::text, NULL),
    ('no sub', NULL, (:'carol'::jsonb - 'sub')::text, NULL),
    ('no session', NULL, (:'carol'::jsonb - 'sid')::text, NULL),
    ('pending', NULL, (:'carol'::jsonb || '{"sts":"pending"}')::text, NULL),
    ('no object', NULL, '[]', NULL),
    ('no JSON', NULL, 'x', NULL),
    ('empty', NULL, '', NULL)
) AS cases (kind, header, claims, token), testing.who(header, claims, token);
RESET ROLE;
RESET clerk_sync.trust_request_claims;
SET ROLE regress_app;
SELECT who, code FROM testing.who(NULL, :'carol', NULL);
SET clerk_sync.trust_request_claims = on;
RESET ROLE;

DROP FUNCTION testing.who;
