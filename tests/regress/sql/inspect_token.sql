-- clerk.inspect_token explains a token check by check, at any time, and never raises an error.
CREATE TABLE testing.token (place serial PRIMARY KEY, what text, token text);
GRANT SELECT ON testing.token TO regress_admin, regress_app;
-- Signed at 2026-01-01 00:00:00 UTC. Most live a century, so that they can be asked about at that time and now.
\set good `clerk-testing sign --at 1767225600 --key "$CLERK_TEST_KEYS"`
\set lasting `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS"`
\set forged `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_FORGED_KEYS"`
\set unknown_kid `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"kid":"ins_other"}'`
\set no_kid `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"kid":null}'`
\set unknown_issuer `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --issuer https://clerk.other.example`
\set ugly_issuer `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"iss":"\u001b[31m\n\"https://clerk.example.com"}'`
\set no_issuer `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"iss":null}'`
\set alg_none `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"alg":"none"}'`
\set alg_hs256 `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"alg":"HS256"}'`
\set alg_rs512 `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"alg":"RS512"}'`
\set alg_ps256 `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"alg":"PS256"}'`
\set no_alg `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"alg":null}'`
\set typ `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"typ":"at+jwt"}'`
\set crit `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"crit":["exp"]}'`
\set machine `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"cat":"cl_B7d4PD333AAA"}'`
\set template `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --header '{"cat":"cl_B7d4PD222AAA"}' --claims '{"sid":null}'`
\set no_sid `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"sid":null}'`
\set no_sub `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"sub":null}'`
\set empty_sub `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"sub":""}'`
\set nul_sub `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_a\u0000b"}'`
\set machine_sub `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"sub":"mch_1"}'`
\set expired `clerk-testing sign --at 1767222000 --key "$CLERK_TEST_KEYS"`
\set no_exp `clerk-testing sign --at 1767225600 --key "$CLERK_TEST_KEYS" --claims '{"exp":null}'`
\set text_exp `clerk-testing sign --at 1767225600 --key "$CLERK_TEST_KEYS" --claims '{"exp":"4767225600"}'`
\set far_exp `clerk-testing sign --at 1767225600 --key "$CLERK_TEST_KEYS" --claims '{"exp":8640000000001}'`
\set huge_exp `clerk-testing sign --at 1767225600 --key "$CLERK_TEST_KEYS" --claims '{"exp":1e300}'`
\set not_yet `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"nbf":4767225000}'`
\set text_nbf `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"nbf":"now"}'`
\set future `clerk-testing sign --at 4767225000 --lifetime 600 --key "$CLERK_TEST_KEYS" --claims '{"nbf":null}'`
\set pending `clerk-testing sign --at 1767225600 --lifetime 3000000000 --key "$CLERK_TEST_KEYS" --claims '{"sts":"pending"}'`
\set many `clerk-testing sign --at 1767222000 --key "$CLERK_FORGED_KEYS" --header '{"alg":"HS256","typ":"x","cat":"cl_B7d4PD333AAA"}' --claims '{"sub":null,"iat":4767225000,"nbf":4767225000}'`
-- A part of a JWT from its text.
CREATE FUNCTION testing.part(content text) RETURNS text
    LANGUAGE sql IMMUTABLE RETURN rtrim(translate(encode(convert_to(content, 'UTF8'), 'base64'), E'+/\n', '-_'), '=');
INSERT INTO testing.token (what, token) VALUES
    ('lasting', :'lasting'),
    ('pending', :'pending'),
    ('payload of another', concat_ws('.', split_part(:'lasting', '.', 1), split_part(:'pending', '.', 2),
        split_part(:'lasting', '.', 3))),
    ('header of another', concat_ws('.', split_part(:'crit', '.', 1), split_part(:'lasting', '.', 2),
        split_part(:'lasting', '.', 3))),
    ('no signature', concat_ws('.', split_part(:'lasting', '.', 1), split_part(:'lasting', '.', 2), '')),
    ('forged', :'forged'), ('unknown kid', :'unknown_kid'), ('no kid', :'no_kid'),
    ('unknown issuer', :'unknown_issuer'), ('issuer of control characters', :'ugly_issuer'), ('no issuer', :'no_issuer'),
    ('alg none', :'alg_none'), ('alg HS256', :'alg_hs256'), ('alg RS512', :'alg_rs512'), ('alg PS256', :'alg_ps256'),
    ('no alg', :'no_alg'), ('typ at+jwt', :'typ'), ('crit', :'crit'), ('machine', :'machine'),
    ('template', :'template'), ('no sid', :'no_sid'),
    ('no sub', :'no_sub'), ('empty sub', :'empty_sub'), ('sub with NUL', :'nul_sub'), ('sub of a machine', :'machine_sub'),
    ('expired', :'expired'), ('no exp', :'no_exp'), ('exp a text', :'text_exp'), ('exp too far', :'far_exp'),
    ('exp far too far', :'huge_exp'), ('not yet', :'not_yet'), ('nbf a text', :'text_nbf'),
    ('from the future', :'future'), ('much at once', :'many'),
    ('empty', ''), ('a word', 'token'), ('two parts', 'a.b'), ('four parts', :'lasting' || '.x'), ('dots', '..'),
    ('not base64url', '!.!.!'), ('signature not base64url', :'lasting' || '!'),
    ('with Bearer', 'Bearer ' || :'lasting'), ('with a line feed', :'lasting' || E'\n'),
    ('header a list', concat_ws('.', testing.part('[]'), split_part(:'lasting', '.', 2), 'AA')),
    ('header no JSON', concat_ws('.', testing.part('{'), split_part(:'lasting', '.', 2), 'AA')),
    ('payload null', concat_ws('.', split_part(:'lasting', '.', 1), testing.part('null'), 'AA')),
    ('payload a list', concat_ws('.', split_part(:'lasting', '.', 1), testing.part('[]'), 'AA')),
    ('payload no JSON', concat_ws('.', split_part(:'lasting', '.', 1), testing.part('{"sub"'), 'AA')),
    ('payload nested deep', concat_ws('.', split_part(:'lasting', '.', 1),
        testing.part('{"x":' || repeat('[', 2000) || repeat(']', 2000) || '}'), 'AA')),
    ('not ASCII', 'ключ.ключ.ключ'), ('17 KiB', :'lasting' || repeat('A', 17 * 1024)), ('1 MB', repeat('x', 1000000)),
    ('1 MB of dots', repeat('.', 1000000));
SET ROLE regress_admin;
--
-- Every check of a good token, and of one that nothing is right with.
--
SELECT * FROM clerk.inspect_token(:'good', '2026-01-01 00:00:30+00');
SELECT * FROM clerk.inspect_token(:'many', '2026-01-01 00:00:30+00');
-- What cannot be read has nothing to look at; no token is an empty one.
SELECT * FROM clerk.inspect_token(NULL, '2026-01-01 00:00:30+00');
--
-- Each kind of bad token: what failed, and the verdict.
--
SELECT what, "check", ok, reason, detail
FROM testing.token, clerk.inspect_token(token, '2026-01-01 00:00:30+00') WITH ORDINALITY AS
    inspection ("check", ok, reason, detail, row_number)
WHERE NOT ok ORDER BY place, row_number;
-- The checks that were not looked at; all others passed.
SELECT what, string_agg("check", ', ' ORDER BY row_number) AS not_looked_at
FROM testing.token, clerk.inspect_token(token, '2026-01-01 00:00:30+00') WITH ORDINALITY AS
    inspection ("check", ok, reason, detail, row_number)
WHERE ok IS NULL AND token LIKE 'ey%.ey%' GROUP BY place, what ORDER BY place;
-- Each row of each token has a detail; a reason stands where a check failed, and there alone.
SELECT count(*) > 700 AS rows, bool_and(detail <> '') AS details,
    bool_and((reason IS NOT NULL) = (ok IS FALSE)) AS reasons
FROM testing.token, clerk.inspect_token(token, '2026-01-01 00:00:30+00')
WHERE "check" NOT IN ('status', 'verdict');
-- The verdict's reason is that of the first check that failed.
SELECT count(*), bool_and(first IS NOT DISTINCT FROM verdict) AS same
FROM testing.token CROSS JOIN LATERAL (
    SELECT (array_agg(reason ORDER BY row_number) FILTER (WHERE reason IS NOT NULL AND "check" <> 'verdict'))[1] AS first,
        max(reason) FILTER (WHERE "check" = 'verdict') AS verdict
    FROM clerk.inspect_token(token, '2026-01-01 00:00:30+00') WITH ORDINALITY AS
        inspection ("check", ok, reason, detail, row_number)
) AS reasons;
-- Nothing of the token itself, and nothing personal, is repeated.
SELECT count(*) FROM testing.token, clerk.inspect_token(token, '2026-01-01 00:00:30+00')
WHERE detail ~ 'user_2|sess_2|mch_1|ключ|eyJ|xxxxx|[[:cntrl:]]';
--
-- The times, to the microsecond: issued at :00, valid from :50 before, to 60 s later, 5 s of skew each way.
--
SELECT to_char(at AT TIME ZONE 'UTC', 'HH24:MI:SS.US') AS utc, ok, reason, left(detail, 75) AS detail
FROM unnest('{2025-12-31 23:59:54.999999+00,2025-12-31 23:59:55+00,2026-01-01 00:00:00+00,
    2026-01-01 00:01:04.999999+00,2026-01-01 00:01:05+00}'::timestamptz[]) AS at,
    clerk.inspect_token(:'good', at)
WHERE "check" = 'verdict';
SELECT at, ok, reason FROM unnest('{-infinity,4713-01-01 BC,294276-12-31,infinity}'::text[]) AS at,
    clerk.inspect_token(:'good', at::timestamptz)
WHERE "check" = 'verdict';
-- Without a time, and with NULL, it is now.
\set fresh `clerk-testing sign --key "$CLERK_TEST_KEYS"`
SELECT ok, reason, detail FROM clerk.inspect_token(:'fresh') WHERE "check" = 'verdict';
SELECT ok, reason, detail FROM clerk.inspect_token(:'fresh', NULL) WHERE "check" = 'verdict';
SELECT ok, reason FROM clerk.inspect_token(:'good') WHERE "check" = 'verdict';
--
-- The session functions say the same of each token as the verdict does.
--
CREATE TEMPORARY TABLE inspected AS
    SELECT place, ok, reason FROM testing.token, clerk.inspect_token(token) WHERE "check" = 'verdict';
GRANT SELECT ON inspected TO regress_app;
SET ROLE regress_app;
SELECT count(*) AS tokens,
    count(*) FILTER (WHERE ok AND session.result ~ '^user_') AS accepted,
    count(*) FILTER (WHERE NOT ok AND session.code = '28000' AND session.detail LIKE reason || ': %') AS refused,
    count(*) FILTER (WHERE NOT ok AND reason IS NULL AND session.result IS NULL AND session.code IS NULL) AS signed_out
FROM testing.token JOIN inspected USING (place), testing.outcome_as(token, 'SELECT clerk_user_id()') AS session
WHERE token <> '';
SET ROLE regress_admin;
--
-- It follows the configuration.
--
\set with_aud `clerk-testing sign --at 1767225600 --key "$CLERK_TEST_KEYS" --claims '{"aud":["shop","blog"]}'`
\set bad_aud `clerk-testing sign --at 1767225600 --key "$CLERK_TEST_KEYS" --claims '{"aud":{"shop":true}}'`
\set no_azp `clerk-testing sign --at 1767225600 --key "$CLERK_TEST_KEYS" --claims '{"azp":null}'`
\set number_azp `clerk-testing sign --at 1767225600 --key "$CLERK_TEST_KEYS" --claims '{"azp":7}'`
CREATE TEMPORARY VIEW restricted AS SELECT "check", ok, reason, detail, what, place
    FROM (VALUES (1, 'good', :'good'), (2, 'with aud', :'with_aud'), (3, 'aud an object', :'bad_aud'),
        (4, 'no azp', :'no_azp'), (5, 'azp a number', :'number_azp')) AS asked (place, what, token),
    clerk.inspect_token(token, '2026-01-01 00:00:30+00');
SELECT what, "check", ok, reason, detail FROM restricted
WHERE "check" IN ('audience', 'authorized_party', 'verdict') ORDER BY place;
BEGIN;
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', audiences => '{blog}',
    authorized_parties => '{https://app.example.com}', fetch_keys => false) WHERE item = 'instance';
SELECT what, "check", ok, reason, detail FROM restricted
WHERE "check" IN ('audience', 'authorized_party', 'verdict') ORDER BY place;
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', audiences => '{news}',
    authorized_parties => '{https://other.example}', fetch_keys => false) WHERE item = 'instance';
SELECT what, "check", ok, reason, detail FROM restricted
WHERE "check" IN ('audience', 'authorized_party', 'verdict') ORDER BY place;
ROLLBACK;
BEGIN;
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', allow_templates => true, allow_pending => true,
    clock_skew => '2 seconds', fetch_keys => false) WHERE item = 'instance';
SELECT "check", ok, detail FROM clerk.inspect_token(:'template', '2026-01-01 00:00:30+00')
WHERE "check" IN ('kind', 'verdict');
SELECT "check", ok, detail FROM clerk.inspect_token(:'pending', '2026-01-01 00:00:30+00')
WHERE "check" IN ('status', 'verdict');
SELECT ok, detail FROM clerk.inspect_token(:'good', '2026-01-01 00:01:02+00') WHERE "check" = 'expiry';
ROLLBACK;
BEGIN;
SELECT clerk.remove_instance('https://clerk.example.com');
SELECT * FROM clerk.inspect_token(:'good', '2026-01-01 00:00:30+00') WHERE ok IS NOT true;
ROLLBACK;
-- It says nothing about the session in force, and leaves it as it is.
BEGIN;
SET LOCAL clerk_sync.token = :'fresh';
SELECT clerk_user_id();
SELECT count(*) FROM clerk.inspect_token(:'forged');
SELECT clerk_user_id();
COMMIT;
RESET ROLE;
DROP TABLE testing.token;
DROP FUNCTION testing.part;
