-- Signing keys: what clerk.add_signing_keys() takes and refuses, and that a key counts from the moment it is stored to
-- the moment it is removed.

\set jwks `cat "$CLERK_TEST_KEYS/jwks.json"`
\set forged_jwks `cat "$CLERK_FORGED_KEYS/jwks.json"`
\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\pset null (null)

SET ROLE regress_admin;

-- Keys: added, unchanged, replaced, skipped.
BEGIN;
SELECT count(*) AS rows FROM clerk.configure('pk_test_aGFwcHktaGlwcG8tMS5jbGVyay5hY2NvdW50cy5kZXYk', fetch_keys => false);
SELECT jsonb_set(:'forged_jwks', '{keys,0,kid}', '"ins_hippo"') AS hippo_jwks \gset
SELECT * FROM clerk.add_signing_keys('https://happy-hippo-1.clerk.accounts.dev', :'hippo_jwks');
SELECT * FROM clerk.add_signing_keys('https://happy-hippo-1.clerk.accounts.dev', :'hippo_jwks');
SELECT * FROM clerk.add_signing_keys('https://happy-hippo-1.clerk.accounts.dev', jsonb_set(:'jwks', '{keys,0,kid}', '"ins_hippo"'));
SELECT * FROM clerk.add_signing_keys('https://happy-hippo-1.clerk.accounts.dev', jsonb_build_object('keys', jsonb_build_array(
    :'hippo_jwks'::jsonb -> 'keys' -> 0,
    '{"kty":"EC","kid":"ec","crv":"P-256","x":"AA","y":"AA"}'::jsonb, '{"kty":"oct","kid":"symmetric"}'::jsonb,
    (:'jwks'::jsonb -> 'keys' -> 0) || '{"kid":"for_encryption","use":"enc"}',
    (:'jwks'::jsonb -> 'keys' -> 0) || '{"kid":"for_rs512","alg":"RS512"}',
    (:'jwks'::jsonb -> 'keys' -> 0) - 'kid')));
SELECT issuer, kid, algorithm, bits, source FROM clerk.signing_keys ORDER BY issuer, kid;
ROLLBACK;

-- Key sets that are refused as a whole; nothing of them is stored.
SELECT what, code, result, hint
FROM (VALUES
    (1, 'a private key', jsonb_set(:'jwks', '{keys,0,d}', '"AQAB"')),
    (2, 'a private key of another kind', (:'jwks'::jsonb #- '{keys,1}') || jsonb_build_object('keys',
        (:'jwks'::jsonb -> 'keys') || '[{"kty":"EC","d":"AA"}]'::jsonb)),
    (3, 'a short key', '{"keys":[{"kty":"RSA","kid":"short","e":"AQAB","n":"u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7QkrmBL7jTKEn5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW_VDL5AaWTg0nk"}]}'),
    (4, 'a weak exponent', jsonb_set(:'jwks', '{keys,0,e}', '"Aw"')),
    (5, 'an even modulus', jsonb_set(:'jwks', '{keys,0,n}', to_jsonb(rpad('u1SU', 341, 'A') || 'A'))),
    (6, 'no base64url', jsonb_set(:'jwks', '{keys,0,n}', '"+/=="')),
    (7, 'no modulus', :'jwks'::jsonb #- '{keys,0,n}'),
    (8, 'two keys of one id', jsonb_build_object('keys', (:'jwks'::jsonb -> 'keys') || (:'forged_jwks'::jsonb -> 'keys'))),
    (9, 'nothing usable', '{"keys":[{"kty":"EC","kid":"ec"}]}'),
    (10, 'no keys', '{"keys":[]}'), (11, 'no list', '{"keys":{}}'), (12, 'another object', '{}'), (13, 'a list', '[]'),
    (14, 'null', 'null'), (15, 'entries that are no objects', '{"keys":[1]}'),
    (16, 'too many', jsonb_build_object('keys', (SELECT jsonb_agg('{}'::jsonb) FROM generate_series(1, 65)))),
    (17, 'too long', jsonb_set(:'jwks', '{keys,0,x5c}', to_jsonb(repeat('A', 65536))))
) AS sets (number, what, jwks),
    testing.outcome(format('SELECT clerk.add_signing_keys(%L, %L)', 'https://clerk.example.com', jwks))
ORDER BY number;
SELECT code, result, hint FROM testing.outcome(format('SELECT clerk.add_signing_keys(%L, %L)', 'https://clerk.example.net', :'jwks'));
SELECT clerk.remove_signing_key(NULL, 'ins_test'), clerk.remove_signing_key('https://clerk.example.com', NULL),
    clerk.remove_instance(NULL), (SELECT count(*) FROM clerk.add_signing_keys('https://clerk.example.com', NULL)) AS added;
SELECT issuer, kid, source, modulus = :'jwks'::jsonb #>> '{keys,0,n}' AS as_given FROM clerk.signing_keys;

-- A key that is removed is refused from the same session's next transaction on, although its token was verified before;
-- and in this transaction already.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
COMMIT;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
SELECT clerk.remove_signing_key('https://clerk.example.com', 'ins_test');
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
COMMIT;
SELECT clerk.remove_signing_key('https://clerk.example.com', 'ins_test');
SELECT code, detail FROM testing.outcome_as(:'alice', 'SELECT clerk_user_id()');
-- ... and a removal that is rolled back never was.
SELECT outcome FROM clerk.add_signing_keys('https://clerk.example.com', :'jwks');
SELECT result FROM testing.outcome_as(:'alice', 'SELECT clerk_user_id()');
BEGIN;
SELECT clerk.remove_instance('https://clerk.example.com');
SELECT code, result, hint FROM testing.outcome_as(:'alice', 'SELECT clerk_user_id()');
ROLLBACK;
SELECT result FROM testing.outcome_as(:'alice', 'SELECT clerk_user_id()');

RESET ROLE;
