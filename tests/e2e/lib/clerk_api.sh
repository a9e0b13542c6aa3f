# shellcheck shell=bash
# A server that plays Clerk's Backend API, and what tests do with it. Sourced after e2e.sh.

API_KEY=sk_test_0123456789abcdefghijABCDEFGHIJ
WEBHOOK_SECRET=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD

# start_clerk_api: over TLS; leaves its address in API and that of its controls in CONTROL.
start_clerk_api() {
    rm -f "$SCRATCH/api.port"
    clerk-testing serve --jwks "$CLERK_TEST_KEYS/jwks.json" --port-file "$SCRATCH/api.port" --tls-dir "$SCRATCH/tls" \
        --api-key "$API_KEY" &
    API_PID=$!
    UNDO+=("kill $API_PID 2>/dev/null")
    wait_until 10 test -s "$SCRATCH/api.port"
    chmod 755 "$SCRATCH/tls"
    chmod 644 "$SCRATCH/tls/ca.pem"
    API=https://localhost:$(cat "$SCRATCH/api.port")/v1
    CONTROL=https://localhost:$(cat "$SCRATCH/api.port")/control
}

# control COMMAND [JSON]: POST where there is a body, GET otherwise.
control() {
    local arguments=()
    [ -z "${2:-}" ] || arguments=(--data-binary "$2")
    curl --silent --show-error --fail --cacert "$SCRATCH/tls/ca.pem" "${arguments[@]}" "$CONTROL/$1"
}

# generate KIND COUNT [FROM]
generate() { control generate "{\"kind\":\"$1\",\"count\":$2,\"from\":${3:-0}}" >/dev/null; }
# fault PATH FAULT [SKIP] [TIMES] [MEMBERS]
fault() { control fault "{\"path\":\"$1\",\"fault\":\"$2\",\"skip\":${3:-0},\"times\":${4:-1}${5:+,$5}}" >/dev/null; }
# at_request PATH NUMBER OPERATIONS: just before it is answered.
at_request() { control at "{\"path\":\"$1\",\"request\":$2,\"operations\":[$3]}" >/dev/null; }

# requests [PATH]: how many since forget.
requests() {
    control requests | python3 -c '
import json, sys
counts = json.load(sys.stdin)
print(counts["paths"].get(sys.argv[1], 0) if len(sys.argv) > 1 else counts["total"])' "$@"
}
forget() { control forget '{}' >/dev/null; }

# there KIND: id and updated_at of each, a line each, by id.
there() {
    control "objects?kind=$1" | python3 -c '
import json, sys
for line in sys.stdin:
    item = json.loads(line)
    print(item["id"], item["updated_at"])' | LC_ALL=C sort
}
# here TABLE: the same of what is stored and alive.
here() {
    sql "SELECT id || ' ' || (extract(epoch FROM updated_at) * 1000)::bigint FROM clerk.$1 WHERE deleted_at IS NULL" |
        LC_ALL=C sort
}
# differences TABLE [KIND]: none where both are equal.
differences() { diff <(there "${2:-$1}") <(here "$1") | grep -c '^[<>]' || true; }

# set_up_api: in the database of PGDATABASE, the extension with an instance, the server's authority and the key.
set_up_api() {
    sql "CREATE EXTENSION IF NOT EXISTS clerk_sync;
        SELECT FROM clerk.configure('$PUBLISHABLE_KEY', jwks_url => '${API%/v1}/.well-known/jwks.json', fetch_keys => false);
        SELECT FROM clerk.add_signing_keys('$ISSUER', '$(cat "$CLERK_TEST_KEYS/jwks.json")');
        SELECT clerk.set_secret('api_key', '$API_KEY');
        SELECT clerk.set_secret('webhook_secret', '$WEBHOOK_SECRET');" >/dev/null
    sql "LOAD 'clerk_sync';
        ALTER SYSTEM SET clerk_sync.api_url = '$API';
        ALTER SYSTEM SET clerk_sync.ca_file = '$SCRATCH/tls/ca.pem';
        ALTER SYSTEM SET clerk_sync.api_requests = 800"
    sql "SELECT pg_reload_conf()" >/dev/null
    sleep 0.2
}
