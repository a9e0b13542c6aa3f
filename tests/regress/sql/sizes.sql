-- What a client may send is bounded before it is copied, and what it sends does not come back at full length.

SET ROLE regress_app;
\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_alice","tier":"gold"}' --lifetime 3600`

-- Headers of 64 KiB are read, longer ones count as none.
BEGIN;
SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || :'alice', 'x', repeat('x', 60000))::text, true) IS NULL AS unset;
SELECT clerk_user_id();
SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || :'alice', 'x', repeat('x', 66000))::text, true) IS NULL AS unset;
SELECT clerk_user_id();
SELECT length(set_config('request.headers', '[' || repeat('0,', 20000000) || '0]', true));
SELECT count(clerk_user_id()) FROM generate_series(1, 1000);
ROLLBACK;

-- A token is cut where it is too long anyway.
BEGIN;
SELECT length(set_config('clerk_sync.token', repeat('x', 50000000), true)) <= 16385 AS cut;
SELECT clerk_user_id();
ROLLBACK;

-- What is asked for is shown in part, with control characters escaped.
BEGIN;
SELECT set_config('clerk_sync.token', :'alice', true) IS NULL AS unset;
SELECT length(result), code FROM testing.outcome($$SELECT clerk_require_role(repeat('x', 50000000))$$);
SELECT result, code FROM testing.outcome($$SELECT clerk_require_permission(E'a\nFATAL:  "b"')$$);
-- A path of any length is answered, and only a short one is remembered.
SELECT clerk_claim('tier'), clerk_claim(VARIADIC ARRAY[repeat('x', 50000000)]), clerk_claim('tier');
ROLLBACK;
RESET ROLE;
