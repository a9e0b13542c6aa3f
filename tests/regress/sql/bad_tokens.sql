-- Tokens that must sign in nobody: each is refused with Clerk's reason, whoever asks and however, and opens no row.

-- A second instance: its key has an id of its own, and it restricts who may use its tokens.
\set forged_jwks `cat "$CLERK_FORGED_KEYS/jwks.json"`
SELECT value AS issuer FROM clerk.configure('pk_test_aGFwcHktaGlwcG8tMS5jbGVyay5hY2NvdW50cy5kZXYk',
    authorized_parties => '{https://app.example.com}', audiences => '{api}', fetch_keys => false)
WHERE item = 'issuer';
SELECT * FROM clerk.add_signing_keys('https://happy-hippo-1.clerk.accounts.dev',
    jsonb_set(:'forged_jwks', '{keys,0,kid}', '"ins_hippo"'));

CREATE TABLE testing.documents (owner text, title text);
INSERT INTO testing.documents VALUES ('user_alice', 'her own'), ('', 'nobody''s'), (NULL, 'unowned');
ALTER TABLE testing.documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON testing.documents USING (owner = clerk_user_id());
GRANT SELECT ON testing.documents TO regress_app;

CREATE TABLE testing.tokens (number serial, kind text, token text);
GRANT SELECT ON testing.tokens TO regress_app;

\set good `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\set alg_none `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"alg":"none"}'`
\set hs256 `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"alg":"HS256"}'`
\set rs384 `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"alg":"RS384"}'`
\set ps256 `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"alg":"PS256"}'`
\set es256 `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"alg":"ES256"}'`
\set rs256_lower `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"alg":"rs256"}'`
\set no_alg `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"alg":null}'`
\set no_kid `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"kid":null}'`
\set unknown_kid `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --kid ins_other`
\set other_key `clerk-testing sign --key "$CLERK_FORGED_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\set kid_of_other_issuer `clerk-testing sign --key "$CLERK_FORGED_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --kid ins_hippo`
\set issuer_of_other_key `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --issuer https://happy-hippo-1.clerk.accounts.dev`
\set unknown_issuer `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --issuer https://clerk.example.org`
\set issuer_with_slash `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --issuer https://clerk.example.com/`
\set issuer_in_capitals `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --issuer https://CLERK.example.com`
\set issuer_list `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","iss":["https://clerk.example.com"]}'`
\set no_issuer `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","iss":null}'`
\set expired `clerk-testing sign --key "$CLERK_TEST_KEYS" --at $(($(date +%s) - 3600)) --claims '{"sub":"user_alice"}'`
\set expired_now `clerk-testing sign --key "$CLERK_TEST_KEYS" --at $(($(date +%s) - 65)) --claims '{"sub":"user_alice"}'`
\set no_exp `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_alice","exp":null}'`
\set exp_text `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_alice","exp":"4102444800"}'`
\set exp_never `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_alice","exp":1e300}'`
\set nbf `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","nbf":4102444800}'`
\set iat `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","iat":4102444800}'`
\set no_sub `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":null}'`
\set empty_sub `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":""}'`
\set sub_list `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":["user_alice"]}'`
\set sub_nul `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice\u0000"}'`
\set no_sid `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","sid":null}'`
\set template `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"cat":"cl_B7d4PD222AAA"}'`
\set m2m `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"mch_1","sid":null}' --header '{"cat":"cl_B7d4PD333AAA"}'`
\set m2m_without_cat `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"mch_1"}'`
\set oauth `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","client_id":"c"}' --header '{"typ":"at+jwt"}'`
\set crit `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}' --header '{"crit":["b64"],"b64":false}'`
\set wrong_party `clerk-testing sign --key "$CLERK_FORGED_KEYS" --kid ins_hippo --issuer https://happy-hippo-1.clerk.accounts.dev --lifetime 600 --claims '{"sub":"user_alice","azp":"https://evil.example.com"}'`
\set no_party `clerk-testing sign --key "$CLERK_FORGED_KEYS" --kid ins_hippo --issuer https://happy-hippo-1.clerk.accounts.dev --lifetime 600 --claims '{"sub":"user_alice","azp":null}'`
\set wrong_audience `clerk-testing sign --key "$CLERK_FORGED_KEYS" --kid ins_hippo --issuer https://happy-hippo-1.clerk.accounts.dev --lifetime 600 --claims '{"sub":"user_alice","aud":"web"}'`
\set good_hippo `clerk-testing sign --key "$CLERK_FORGED_KEYS" --kid ins_hippo --issuer https://happy-hippo-1.clerk.accounts.dev --lifetime 600 --claims '{"sub":"user_alice","aud":["web","api"]}'`
\set payload_of_bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_bob"}'`

INSERT INTO testing.tokens (kind, token) VALUES
    ('alg none', :'alg_none'),
    ('alg none, a signature', :'alg_none' || split_part(:'good', '.', 3)),
    ('HS256 keyed with the public key', :'hs256'),
    ('RS384', :'rs384'), ('PS256', :'ps256'), ('ES256', :'es256'), ('rs256', :'rs256_lower'), ('no alg', :'no_alg'),
    ('no kid', :'no_kid'), ('unknown kid', :'unknown_kid'), ('signed by another key', :'other_key'),
    ('kid of another issuer', :'kid_of_other_issuer'), ('issuer of another key', :'issuer_of_other_key'),
    ('unknown issuer', :'unknown_issuer'), ('issuer with a slash', :'issuer_with_slash'),
    ('issuer in capitals', :'issuer_in_capitals'), ('issuer in a list', :'issuer_list'), ('no issuer', :'no_issuer'),
    ('expired', :'expired'), ('expired just now', :'expired_now'), ('no exp', :'no_exp'), ('exp is a text', :'exp_text'),
    ('exp never', :'exp_never'), ('nbf in the future', :'nbf'), ('iat in the future', :'iat'),
    ('no sub', :'no_sub'), ('empty sub', :'empty_sub'), ('sub in a list', :'sub_list'), ('NUL in sub', :'sub_nul'),
    ('no sid', :'no_sid'), ('JWT template', :'template'), ('M2M', :'m2m'), ('M2M without cat', :'m2m_without_cat'),
    ('OAuth', :'oauth'), ('crit', :'crit'),
    ('wrong azp', :'wrong_party'), ('no azp', :'no_party'), ('wrong aud', :'wrong_audience'),
    -- A token and a signature that belong to different tokens.
    ('payload of another', split_part(:'good', '.', 1) || '.' || split_part(:'payload_of_bob', '.', 2) || '.' || split_part(:'good', '.', 3)),
    ('signature cut', left(:'good', -2)),
    ('signature twice', :'good' || split_part(:'good', '.', 3)),
    ('no signature', split_part(:'good', '.', 1) || '.' || split_part(:'good', '.', 2) || '.'),
    ('two parts', split_part(:'good', '.', 1) || '.' || split_part(:'good', '.', 2)),
    ('four parts', :'good' || '.'),
    ('more than 16 KiB', :'good' || repeat('A', 17 * 1024)),
    ('space before', ' ' || :'good'), ('line feed behind', :'good' || E'\n'), ('Bearer before', 'Bearer ' || :'good'),
    ('quotes around', '"' || :'good' || '"'),
    ('lone dots', '..'), ('garbage', 'x'), ('not ASCII', 'ü.ü.ü'), ('opaque', 'oat_0123456789abcdef0123456789abcdef'),
    ('control characters', E'\x01\x1f\x7f'),
    ('an object', '{"sub":"user_alice"}'), ('spaces', '   ');

\pset null (null)
SET ROLE regress_app;

-- The good ones are good, so that each line below is refused for its own reason alone.
SELECT code, result FROM testing.outcome_as(:'good', 'SELECT clerk_user_id()');
SELECT code, result FROM testing.outcome_as(:'good_hippo', 'SELECT clerk_user_id()');
SELECT code, result FROM testing.outcome_as(:'good', 'SELECT string_agg(title, '','') FROM testing.documents');

SELECT kind, code, detail
FROM testing.tokens, testing.outcome_as(token, 'SELECT clerk_user_id()')
ORDER BY number;

-- The same tokens are refused by every road that a session takes, so these are none: a query on the table, and
-- the other functions.
SELECT kind, statement, code, result
FROM testing.tokens,
    unnest(ARRAY[
        'SELECT string_agg(title, '','') FROM testing.documents',
        'SELECT clerk_claims()', 'SELECT clerk_has_role(''admin'')', 'SELECT clerk_require_user()',
        'SELECT clerk_owns(''user_alice'')'
    ]) AS statement,
    testing.outcome_as(token, statement)
WHERE code IS DISTINCT FROM '28000'
ORDER BY number, statement;

-- In the header of a request, a token that names no instance of ours is no session: no error, and no rows. White space
-- around a header is trimmed, so what was only spoilt by that is a good token there.
SELECT code, result, string_agg(kind, ', ' ORDER BY number) AS kinds
FROM testing.tokens,
    testing.outcome_of_request(
        jsonb_build_object('authorization', 'Bearer ' || token)::text,
        'SELECT string_agg(title, '','') FROM testing.documents')
GROUP BY code, result ORDER BY code, result;

-- A refused token is refused again: nothing is remembered of it, nor forgotten of a good one.
BEGIN;
SET LOCAL clerk_sync.token = :'good';
SELECT clerk_user_id();
SELECT code FROM testing.outcome_as(:'other_key', 'SELECT clerk_user_id()');
SELECT code FROM testing.outcome_as(:'other_key', 'SELECT clerk_user_id()');
SET LOCAL clerk_sync.token = :'good';
SELECT clerk_user_id();
COMMIT;

-- Each single character counts: of the token with one changed, wherever, none is accepted.
SELECT count(*) > 500 AS many, bool_and(code = '28000') AS all_refused
FROM generate_series(1, length(:'good')) AS place,
    overlay(:'good' PLACING CASE substr(:'good', place, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM place) AS token,
    testing.outcome_as(token, 'SELECT clerk_user_id()');

-- No token and no personal data in the message of a refusal.
SELECT kind FROM testing.tokens, testing.outcome_as(token, 'SELECT clerk_user_id()')
WHERE length(token) > 10 AND (strpos(result || detail || hint, token) > 0 OR strpos(result || detail || hint, 'alice') > 0);

RESET ROLE;
DROP TABLE testing.tokens, testing.documents;
SELECT clerk.remove_instance('https://happy-hippo-1.clerk.accounts.dev');
