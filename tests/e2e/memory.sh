#!/usr/bin/env bash
# One backend that checks 400,000 tokens, or 2,000,000 with FULL=1, stays flat: half of the checks accept (20,000
# signed tokens in turn, many more than a backend remembers, so that each is verified anew), half refuse (each of
# other bytes than any before).

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

SIGNED=${SIGNED:-20000}
ROUNDS=$([ -n "${FULL:-}" ] && echo 50 || echo 10)
# Ample beside what an allocator moves, and nothing beside a leak of ten bytes a token.
MAX_GROWTH_KB=1024

start_server memory
set_up
sql 'CREATE TABLE tokens (id integer PRIMARY KEY, user_id text NOT NULL, token text NOT NULL)'
clerk-testing sign-many --key "$CLERK_TEST_KEYS" --issuer "$ISSUER" --count "$SIGNED" --lifetime 3600 --claims \
    '{"fea":"o:dashboard,o:teams","o":{"id":"org_acme","rol":"admin","per":"manage,read","fpm":"3,2"}}' \
    | psql --no-psqlrc -q -c 'COPY tokens FROM stdin'

# check_round N: each token as it is, and once more with five of its last bytes changed; how many were accepted and
# refused.
sql "
GRANT SELECT ON tokens TO app_user;
CREATE FUNCTION check_round(round integer) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
    entry record;
    accepted integer := 0;
    refused integer := 0;
BEGIN
    FOR entry IN SELECT * FROM tokens LOOP
        PERFORM set_config('clerk_sync.token', entry.token, true);
        IF clerk_user_id() = entry.user_id AND clerk_has_permission('org:teams:read') AND clerk_claim('azp') IS NOT NULL THEN
            accepted := accepted + 1;
        END IF;
        PERFORM set_config('clerk_sync.token',
            left(entry.token, -25) || lpad(round::text, 5, 'x') || right(entry.token, 20), true);
        BEGIN
            PERFORM clerk_user_id();
        EXCEPTION WHEN invalid_authorization_specification THEN
            refused := refused + 1;
        END;
    END LOOP;
    RETURN accepted || ' accepted, ' || refused || ' refused';
END
\$\$"

open_session backend -U app_user
pid=$(ask backend 'SELECT pg_backend_pid()')
# Memory of its own: what it maps of the shared buffers grows with the pages that it has touched.
anonymous_kb() { awk '/^RssAnon:/ { print $2 }' "/proc/$pid/status"; }
resident_kb() { awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status"; }

declare -A seen
wrong=0
for ((round = 1; round <= ROUNDS; round++)); do
    answer=$(ask backend "SELECT check_round($round)")
    if [ "$answer" != "$SIGNED accepted, $SIGNED refused" ]; then
        wrong=$((wrong + 1))
        printf '    round %s: %s\n' "$round" "$answer"
    fi
    percent=$((100 * round / ROUNDS))
    case $percent in
        10 | 50 | 100)
            [ -n "${seen[$percent]:-}" ] || seen[$percent]=$(anonymous_kb)
            echo "    at $percent %, $((2 * SIGNED * round)) checks: $(anonymous_kb) kB of its own, $(resident_kb) kB resident"
            ;;
    esac
done
is "all $((SIGNED * ROUNDS)) good tokens were accepted, all $((SIGNED * ROUNDS)) bad ones refused" "$wrong" 0
growth=$((seen[100] - seen[10]))
holds "memory grew by $growth kB from 10 % to 100 %: at most $MAX_GROWTH_KB" [ "$growth" -le "$MAX_GROWTH_KB" ]
finish
