-- One statement may last longer than a token. The session of a row is that of the statement's start; but a token
-- that is set in its course is judged by the clock.

SELECT item FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', clock_skew => '0 s', fetch_keys => false) WHERE item = 'instance';
\set brief `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_brief"}' --lifetime 2`
\set coming `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_coming"}' --at $(($(date +%s) + 2)) --lifetime 600`
SET ROLE regress_app;

BEGIN;
SELECT set_config('testing.brief', :'brief', true) IS NULL AS unset, set_config('testing.coming', :'coming', true) IS NULL AS unset;
DO $$
BEGIN
    PERFORM set_config('clerk_sync.token', current_setting('testing.brief'), true);
    RAISE NOTICE 'at first: %', clerk_user_id();
    PERFORM pg_sleep(3);
    RAISE NOTICE 'in the same statement: %', clerk_user_id();
    RAISE NOTICE 'set again: %', (SELECT detail ~ '^token-expired' FROM
        testing.outcome_as(current_setting('testing.brief'), 'SELECT clerk_user_id()'));
    -- Issued after this statement began.
    RAISE NOTICE 'a new one: %', (SELECT result FROM
        testing.outcome_as(current_setting('testing.coming'), 'SELECT clerk_user_id()'));
END
$$;
ROLLBACK;

RESET ROLE;
SELECT item FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', clock_skew => '5 s', fetch_keys => false) WHERE item = 'instance';
