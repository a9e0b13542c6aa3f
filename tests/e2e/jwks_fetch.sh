#!/usr/bin/env bash
# Fetching signing keys over TLS and over loopback: what is fetched is what verifies, a rotation replaces it, whatever
# Clerk's end answers wrongly leaves the last good keys in place and says why, and a fetch that hangs can be
# cancelled and terminated.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server jwks
sql "$SETUP_SQL"
clerk-testing key new --kid ins_next --out "$SCRATCH/next"

# publish DIRECTORY...: serves the keys of these folders.
publish() {
    python3 - "$@" <<'PYTHON' >"$SCRATCH/jwks.part"
import json, sys
print(json.dumps({"keys": [key for folder in sys.argv[1:] for key in json.load(open(folder + "/jwks.json"))["keys"]]}))
PYTHON
    mv "$SCRATCH/jwks.part" "$SCRATCH/jwks.json"
}

# serve NAME [ARGUMENT...]: leaves the port in $SCRATCH/NAME.port.
serve() {
    clerk-testing serve --jwks "$SCRATCH/jwks.json" --port-file "$SCRATCH/$1.port" "${@:2}" &
    UNDO+=("kill $!")
    wait_until 10 test -s "$SCRATCH/$1.port"
}

publish "$CLERK_TEST_KEYS"
serve http
serve https --tls-dir "$SCRATCH/tls"
http=http://127.0.0.1:$(cat "$SCRATCH/http.port")
https=https://localhost:$(cat "$SCRATCH/https.port")
chmod 644 "$SCRATCH/tls/ca.pem"

# configure URL [STATEMENTS-BEFORE]: what it reports, warnings included.
configure() { try "${2:-}; SELECT item, value FROM clerk.configure('$PUBLISHABLE_KEY', jwks_url => '$1')"; }
refresh() { try "SELECT ok, keys, detail FROM clerk.refresh_signing_keys()"; }
keys() { sql "SELECT coalesce(string_agg(kid || ' ' || source, ', ' ORDER BY kid), 'none') FROM clerk.signing_keys"; }
keys_error() { sql "SELECT coalesce(keys_error, 'none') FROM clerk.instances"; }
fetched_at() { sql "SELECT keys_fetched_at FROM clerk.instances"; }
seen_by() { try "BEGIN; SET LOCAL ROLE app_user; SET LOCAL clerk_sync.token = '$1'; $SEEN; ROLLBACK"; }
alice=$(token user_alice)

# --- the way in

like "configure() fetches over TLS from a server of an authority in clerk_sync.ca_file" \
    "$(configure "$https/.well-known/jwks.json" "SET clerk_sync.ca_file = '$SCRATCH/tls/ca.pem'")" \
    $'instance|created*\nsigning_keys|fetched: ins_test'
is "the fetched key verifies" "$(seen_by "$alice")" a1,a2
is "no error is noted" "$(keys_error)" none
like "an authority that is not known is refused, with a warning" "$(refresh)" \
    $'WARNING:  08006: signing keys could not be fetched; the last good ones stay\nDETAIL:  *UnknownIssuer*\nf|0|not fetched: *'
like "and noted" "$(keys_error)" '*UnknownIssuer*'
like "a ca_file that is not there is refused too" \
    "$(try "SET clerk_sync.ca_file = '$SCRATCH/no-such.pem'; SELECT ok, detail FROM clerk.refresh_signing_keys()")" \
    '*WARNING:  08006*'
like "loopback is reached without TLS" "$(configure "$http/.well-known/jwks.json")" \
    $'instance|updated*\nsigning_keys|fetched: ins_test'
is "a success clears the error" "$(keys_error)" none

# --- rotation

publish "$CLERK_TEST_KEYS" "$SCRATCH/next"
like "both keys of a rotation are taken" "$(refresh)" 't|2|fetched: ins_test, ins_next'
is "the new key verifies" "$(seen_by "$(token user_bob --key "$SCRATCH/next")")" b1
is "the old one still does" "$(seen_by "$alice")" a1,a2
publish "$SCRATCH/next"
like "the old key goes when it is no longer published" "$(refresh)" 't|1|fetched: ins_next; removed: 1'
like "its tokens are refused" "$(seen_by "$alice")" 'ERROR:  28000:*jwk-kid-mismatch*'
sql "SELECT FROM clerk.add_signing_keys('$ISSUER', :'jwks')" -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")"
refresh >/dev/null
is "a key that an administrator added is not removed by a refresh" "$(keys)" 'ins_next fetched, ins_test added'
sql "SELECT clerk.remove_signing_key('$ISSUER', 'ins_next')" >/dev/null
like "a key that was removed comes back while it is published" "$(refresh)" 't|1|fetched: ins_next'

# --- what can go wrong: path, what the error says

publish "$CLERK_TEST_KEYS"
sql "SELECT clerk.remove_instance('$ISSUER')" >/dev/null
configure "$http/.well-known/jwks.json" >/dev/null
good=$(keys)
good_at=$(fetched_at)
is "before the failures there is one fetched key" "$good" 'ins_test fetched'
sql "ALTER DATABASE postgres SET clerk_sync.http_timeout = '700ms'"
while read -r path error; do
    report=$(configure "$http$path")
    like "$path: a warning, not an error" "$report" $'WARNING:  08006: signing keys could not be fetched*\nsigning_keys|not fetched: *'
    like "$path: keys_error says why" "$(keys_error)" "$error"
    is "$path: the last good key stays" "$(keys)" "$good"
    is "$path: so does the time it was fetched at" "$(fetched_at)" "$good_at"
    is "$path: it still verifies" "$(seen_by "$alice")" a1,a2
done <<'PATHS'
/redirect the server redirects with HTTP status 302*
/500 the server answered with HTTP status 500
/429 the server answered with HTTP status 429
/no-such-path the server answered with HTTP status 404
/html the answer is no usable key set*
/empty the answer is no usable key set*
/huge the answer is longer than 65536 bytes
/huge-chunked the answer is longer than 65536 bytes
/slow no answer within 700 ms
/hang no answer within 700 ms
/cut the request failed*
/private the answer is no usable key set*private*
/weak the answer is no usable key set*
/none the answer is no usable key set*
/not-json the answer is no usable key set*
PATHS
report=$(configure http://127.0.0.1:1/jwks.json)
like "a closed port: a warning" "$report" 'WARNING:  08006:*'
is "a closed port: the last good key stays" "$(keys)" "$good"
like "a redirect is not followed: the key set was never asked for" \
    "$(python3 - "$http" <<'PYTHON'
import sys, urllib.request
base = sys.argv[1]
urllib.request.urlopen(base + "/reset").read()
PYTHON
    configure "$http/redirect" >/dev/null
    python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1] + "/count").read().decode())' "$http")" \
    '*/redirect*'
like "the next good answer mends it" "$(configure "$http/.well-known/jwks.json")" '*signing_keys|fetched: ins_test'
is "and clears the error" "$(keys_error)" none

# --- a fetch that hangs

configure "$http/hang" >/dev/null
sql "ALTER DATABASE postgres SET clerk_sync.http_timeout = '30s'"
HANGING='SELECT FROM clerk.refresh_signing_keys()'

# within CLAIM SINCE MILLISECONDS
within() {
    local taken=$((($(microseconds) - $2) / 1000))
    if [ "$taken" -le "$3" ]; then ok "$1 ($taken ms)"; else not_ok "$1" "it took $taken ms, more than $3"; fi
}

open_session fetcher
open_session other
pid=$(ask fetcher 'SELECT pg_backend_pid()')
# shellcheck disable=SC2317 # called by wait_until
hangs() { [ "$(sql "SELECT state = 'active' AND query ~ '$1' AND clock_timestamp() - query_start > '200 ms' FROM pg_stat_activity WHERE pid = $pid")" = t ]; }
# shellcheck disable=SC2317 # called by wait_until
is_gone() { ! [ -e "/proc/$pid" ]; }

ask fetcher "SET statement_timeout = '300ms'" >/dev/null
since=$(microseconds)
like "statement_timeout ends a hanging fetch" "$(ask fetcher "$HANGING")" 'ERROR:  57014: canceling statement due to statement timeout*'
within "within 500 ms of its 300 ms" "$since" 800
is "the backend lives on" "$(ask fetcher 'RESET statement_timeout; SELECT 1')" 1

send fetcher "$HANGING"
wait_until 10 hangs refresh_signing_keys
since=$(microseconds)
ask other "SELECT pg_cancel_backend($pid)" >/dev/null
like "pg_cancel_backend ends it" "$(receive fetcher)" 'ERROR:  57014: canceling statement due to user request*'
within "within 500 ms" "$since" 500
is "the keys are untouched" "$(keys)" "$good"

send fetcher "SELECT FROM clerk.configure('$PUBLISHABLE_KEY', jwks_url => '$http/hang')"
wait_until 10 hangs configure
is "while configure() hangs, others verify tokens" \
    "$(ask other "BEGIN; SET LOCAL ROLE app_user; SET LOCAL clerk_sync.token = '$alice'; SET LOCAL statement_timeout = '1s'; $SEEN; ROLLBACK")" a1,a2
since=$(microseconds)
ask other "SELECT pg_terminate_backend($pid)" >/dev/null
holds "pg_terminate_backend ends it too: the backend is gone" wait_until 10 is_gone
within "within 500 ms" "$since" 500
like "its client was told" "$(receive fetcher 1)" '*57P01: terminating connection due to administrator command*'
is "no process of the server crashed" "$(as_server_user grep -cE 'terminated by signal|PANIC' "$CLERK_SERVER_LOG" || true)" 0
is "no token, key or claim is in the server's log" \
    "$(as_server_user grep -cF "${alice##*.}" "$CLERK_SERVER_LOG" || true)" 0
finish
