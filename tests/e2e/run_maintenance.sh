#!/usr/bin/env bash
# clerk.run_maintenance() in a server that does not preload the library: clerk_admin runs it, nobody else.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server run_maintenance
set_up
sql "CREATE ROLE keeper LOGIN; GRANT clerk_admin TO keeper"
cp "$CLERK_TEST_KEYS/jwks.json" "$SCRATCH/jwks.json"
clerk-testing serve --jwks "$SCRATCH/jwks.json" --port-file "$SCRATCH/http.port" &
UNDO+=("kill $!")
wait_until 10 test -s "$SCRATCH/http.port"
sql "SELECT FROM clerk.configure('$PUBLISHABLE_KEY', jwks_url => 'http://127.0.0.1:$(cat "$SCRATCH/http.port")/.well-known/jwks.json', fetch_keys => false)"

is "there is no worker" "$(sql "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^clerk'")" 0
like "a request role may not run it" "$(try 'SELECT clerk.run_maintenance()' -U app_user)" 'ERROR:  42501:*'
clerk-testing key new --kid ins_next --out "$SCRATCH/next"
like "an unknown key is refused, and nothing more happens" \
    "$(try "BEGIN; SET LOCAL clerk_sync.token = '$(token user_alice --key "$SCRATCH/next")'; $SEEN" -U app_user)" 'ERROR:  28000:*jwk-kid-mismatch*'
keep() { sql "SET ROLE clerk_admin; SELECT step, detail FROM clerk.run_maintenance() WHERE step = 'signing keys'" -U keeper; }
like "clerk_admin may: keys that are due are fetched" "$(keep)" "signing keys|$ISSUER: fetched: ins_test*"
like "the next call finds nothing due" "$(keep)" "signing keys|$ISSUER: not due: fetched * s ago"
sql "UPDATE clerk.instances SET keys_fetched_at = now() - interval '61 minutes'"
like "after an hour they are due again" "$(keep)" "signing keys|$ISSUER: fetched: ins_test*"
is "each step has a line" "$(sql 'SELECT string_agg(step, $$, $$) FROM clerk.run_maintenance()')" 'signing keys, failed events, webhook events, purge'
like "it is refused in a read-only transaction" \
    "$(try 'BEGIN READ ONLY; SELECT clerk.run_maintenance()')" 'ERROR:  25006:*'
finish
