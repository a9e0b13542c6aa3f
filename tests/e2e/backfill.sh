#!/usr/bin/env bash
# clerk.backfill(): every kind is read whole and once; what is created, changed or deleted meanwhile ends as it is at
# Clerk's; whatever the server answers wrongly is tried again or told, and keeps the checkpoint; it can be cancelled while a
# request hangs, holds nothing meanwhile, and tells the key to nobody.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"
# shellcheck source=lib/clerk_api.sh
source "$(dirname "$0")/lib/clerk_api.sh"

start_server backfill log_statement=all log_min_error_statement=debug1
start_clerk_api
set_up_api
sql "LOAD 'clerk_sync'; ALTER SYSTEM SET clerk_sync.http_timeout = '3s'; SELECT pg_reload_conf()" >/dev/null

run() { sql "SELECT $1 FROM clerk.sync_progress WHERE purpose = '${3:-backfill}' AND kind = '${2:-users}'"; }
backfill() { try "CALL clerk.backfill(${1:-"'{users}'"})" "${@:2}"; }
# user NUMBER: its id at the server.
user() { control 'objects?kind=users' | sed -n "$(($1 + 1))p" | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])'; }
anew() { sql 'TRUNCATE clerk.users, clerk.organizations, clerk.organization_memberships, clerk.sync_runs CASCADE' 2>/dev/null; control heal '{}' >/dev/null; forget; }

# --- everything, once

generate users 1234
generate organizations 620
generate organization_memberships 1100
generate organization_invitations 40
generate organization_domains 20
generate organization_roles 5
generate organization_permissions 9
generate subscriptions 30
is "everything that Clerk lists is read" "$(backfill NULL)" ""
for table in users organizations organization_memberships organization_invitations organization_domains; do
    is "$table are equal" "$(differences $table)" 0
done
is "roles are equal" "$(differences roles organization_roles)" 0
is "permissions are equal" "$(differences permissions organization_permissions)" 0
is "users take as few requests as there are pages, and one that counts them" \
    "$(requests /v1/users) $(requests /v1/users/count)" "3 1"
is "the run tells how it went" "$(run 'status, done, total, written, refused')" "done|1234|1234|1234|0"
is "unknown fields are kept" \
    "$(sql "SELECT data ? 'verification_attempts_remaining' FROM clerk.users LIMIT 1")" t
backfill "NULL" >/dev/null
is "a second time writes nothing" \
    "$(sql "SELECT sum(written), sum(unchanged) > 0 FROM clerk.sync_runs WHERE id > 7")" "0|t"
like "subscriptions are asked of each payer" "$(backfill "'{subscriptions}'")" "*of 1854*"
is "and are there" "$(sql 'SELECT count(*) > 0, bool_and(user_id IS NOT NULL OR organization_id IS NOT NULL) FROM clerk.subscriptions')" "t|t"

# --- changed meanwhile

anew
first=$(user 3)
late=$(user 900)
at_request /v1/users 2 "{\"operation\":\"delete\",\"kind\":\"users\",\"id\":\"$first\"},
    {\"operation\":\"update\",\"kind\":\"users\",\"id\":\"$late\",\"set\":{\"first_name\":\"Changed\"}},
    {\"operation\":\"generate\",\"kind\":\"users\",\"count\":7,\"from\":5000}"
backfill >/dev/null
is "what is created or changed after the first page is there" \
    "$(differences users) $(sql "SELECT first_name FROM clerk.users WHERE id = '$late'")" "1 Changed"
is "what was deleted after its page is found by clerk.reconcile()" \
    "$(try "CALL clerk.reconcile('{users}', 'repair')") $(differences users)" " 0"
anew
last=$(user 499)
at_request /v1/users 2 "{\"operation\":\"delete\",\"kind\":\"users\",\"id\":\"$last\"}"
backfill >/dev/null
is "a user that is gone does not end the list that goes on behind it" "$(differences users)" 1
anew
control set '{"unknown_cursor":"empty"}' >/dev/null
last=$(user 499)
at_request /v1/users 2 "{\"operation\":\"delete\",\"kind\":\"users\",\"id\":\"$last\"}"
backfill >/dev/null
is "nor where the server answers with an empty page" "$(differences users)" 1
control set '{"unknown_cursor":"404"}' >/dev/null
anew
orgs=$(control 'objects?kind=organizations' | python3 -c 'import json, sys
ids = [json.loads(line)["id"] for line in sys.stdin]
print(",".join("{\"operation\":\"delete\",\"kind\":\"organizations\",\"id\":\"%s\"}" % id for id in ids[:9]))')
at_request /v1/organizations 2 "$orgs"
backfill "'{organizations}'" >/dev/null
is "a list that is read by numbers loses nothing where numbers shift" \
    "$(diff <(there organizations) <(here organizations) | grep -c '^<')" 0

# --- beside webhooks

anew
sql 'TRUNCATE clerk.webhook_events'
victim=$(user 700)
changed=$(user 701)
# Their page is read, and answered late: the events come first.
fault /v1/users delay 1 1 '"seconds":1.5'
backfill "'{users}', false" >/dev/null &
sleep 0.8
{
    control delete "{\"kind\":\"users\",\"id\":\"$victim\"}"
    control update "{\"kind\":\"users\",\"id\":\"$changed\",\"set\":{\"first_name\":\"Newer\"}}"
} | clerk-testing sign-events --secret "$WEBHOOK_SECRET" | psql -qAt >/dev/null
wait $!
is "what a webhook deleted while the page was under way stays deleted, what it changed is the newer state" \
    "$(sql "SELECT (SELECT deleted_at IS NOT NULL FROM clerk.users WHERE id = '$victim'), (SELECT first_name FROM clerk.users WHERE id = '$changed')")" \
    "t|Newer"
is "all others are equal" "$(differences users)" 0

# --- answers that are none

for fault in 500 502 503 429 429-bare cut length reset hang; do
    anew
    fault /v1/users "$fault" 1 1
    told=$(backfill)
    is "after $fault the page is asked for again" "${told##NOTICE*} $(differences users) $(requests /v1/users)" " 0 4"
done
anew
fault /v1/users huge 0 1
is "a page that is too long is asked for in smaller ones" "$(backfill) $(differences users)" " 0"

# refused FAULT PATTERN [TIMES]: ends with an error of this kind, keeps the first page, and goes on behind it.
refused() {
    anew
    fault /v1/users "$1" 1 "${3:-1}"
    like "$1 ends it with an error that says what to do" "$(backfill)" "$2"
    is "... what was read stays" "$(sql 'SELECT count(*) FROM clerk.users') $(run 'status, done')" "500 failed|500"
    control heal '{}' >/dev/null
    forget
    like "... and the next call goes on there" "$(backfill)" '*users: goes on after 500 objects*'
    is "... without reading a page twice" "$(differences users) $(requests /v1/users)" "0 2"
}
refused 401 $'ERROR:  28000: Clerk refuses the secret key\nDETAIL:  *401*\nHINT:  *clerk.set_secret*'
refused 403 $'ERROR:  42501: Clerk refuses the request\nDETAIL:  GET /users: *403*'
refused 500 $'ERROR:  08006: Clerk could not be reached\nDETAIL:  GET /users, several times: *500*\nHINT:  What was read is stored*' 9
refused html $'ERROR:  08006: Clerk\'s answer cannot be used\nDETAIL:  GET /users: *'
refused html-404 $'ERROR:  08006: *' 9
refused empty $'ERROR:  08006: *'
refused not-json $'ERROR:  08006: *'
refused wrong-shape $'ERROR:  08006: *'
refused redirect $'ERROR:  08006: *not followed*'
anew
fault /v1/users 429 1 1 '"retry_after":3600'
like "a pause that is too long ends it with an error that tells it" "$(backfill)" \
    $'ERROR:  53000: Clerk asks for a pause\nDETAIL:  GET /users: the pause is 3600 s.\nHINT:  *'
sql "SELECT setval('clerk.api_slots', 0)" >/dev/null
control set '{"organizations":false}' >/dev/null
like "a list that the instance does not have is skipped" "$(backfill "'{organizations,roles}'")" '*organizations: skipped*'
control set '{"organizations":true}' >/dev/null

# --- the budget

anew
control set '{"rate_limit":100}' >/dev/null
sql "LOAD 'clerk_sync'; ALTER SYSTEM SET clerk_sync.api_requests = 0; SELECT pg_reload_conf(); SELECT setval('clerk.api_slots', 0)" >/dev/null
sleep 0.2
for kind in roles permissions domains; do
    (for _ in {1..36}; do backfill "'{$kind}'" >/dev/null; done) &
    pids="${pids:-} $!"
done
# shellcheck disable=SC2086 # a list
wait $pids
most=$(control requests | python3 -c 'import json, sys; print(json.load(sys.stdin)["most_in_10_s"])')
holds "a development key is used less than 100 times in 10 s, by all sessions together ($most)" test "$most" -lt 100 -a "$most" -gt 50
is "and Clerk refuses none of them" "$(sql "SELECT count(*) FROM clerk.sync_runs WHERE status <> 'done'")" 0
control set '{"rate_limit":null}' >/dev/null
sql "LOAD 'clerk_sync'; ALTER SYSTEM SET clerk_sync.api_requests = 800; SELECT pg_reload_conf(); SELECT setval('clerk.api_slots', 0)" >/dev/null
sleep 0.2

# --- cancelled

anew
sql "LOAD 'clerk_sync'; ALTER SYSTEM SET clerk_sync.http_timeout = '30s'; SELECT pg_reload_conf()" >/dev/null
sleep 0.2
open_session caller
pid=$(ask caller 'SELECT pg_backend_pid()')
# shellcheck disable=SC2317 # called by wait_until
hangs() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND wait_event IS NULL AND state = 'active'")" = 1 ] && [ "$(requests /v1/users)" -ge 2 ]; }
fault /v1/users hang 1 9
send caller "CALL clerk.backfill('{users}')"
wait_until 20 hangs
sleep 0.5
is "while a request hangs no snapshot, transaction id or lock on a table is held" \
    "$(sql "SELECT backend_xmin IS NULL, backend_xid IS NULL, (SELECT count(*) FROM pg_locks AS l WHERE l.pid = a.pid AND l.locktype IN ('relation', 'transactionid'))
        FROM pg_stat_activity AS a WHERE pid = $pid")" "t|t|0"
is "the view tells that it runs" "$(run 'status, done')" "running|500"
like "a second call of the kind is refused" "$(backfill)" $'ERROR:  55006: another session is at work on users\nHINT:  *'
begun=$(microseconds)
sql "SELECT pg_cancel_backend($pid)" >/dev/null
like "it can be cancelled" "$(receive caller)" '*57014*'
took=$((($(microseconds) - begun) / 1000))
holds "within 250 ms, psql's own start included ($took)" test "$took" -lt 350
is "the view tells that it was cut off" "$(run 'status, done')" "cut off|500"
begun=$(microseconds)
like "statement_timeout ends it" "$(ask caller "SET statement_timeout = '700ms'; CALL clerk.backfill('{users}')")" '*57014*statement timeout*'
took=$((($(microseconds) - begun) / 1000))
holds "in time ($took)" test "$took" -lt 1100
control heal '{}' >/dev/null
like "the same session goes on where it stood" "$(ask caller "RESET statement_timeout; CALL clerk.backfill('{users}')")" '*goes on after 500 objects*'
is "and all is equal" "$(differences users)" 0
close_session caller

# --- where it may be called

like "not inside a transaction block" "$(try "BEGIN; CALL clerk.backfill()")" $'ERROR:  2D000: clerk.backfill() commits page by page*\nHINT:  *'
sql "CREATE ROLE plain; CREATE ROLE manager IN ROLE clerk_admin"
like "not by everybody" "$(try "SET ROLE plain; CALL clerk.backfill()")" '*42501*'
is "by clerk_admin" "$(try "SET ROLE manager; CALL clerk.backfill('{roles}'); SELECT current_user")" manager

# --- the key

like "a key of another instance is refused" \
    "$(try "UPDATE clerk.signing_keys SET kid = 'ins_other'; TRUNCATE clerk.sync_runs CASCADE; CALL clerk.backfill('{roles}')")" \
    $'*ERROR:  55000: the secret key belongs to no instance that is configured here\nDETAIL:  It is of the instance ins_test*'
sql "UPDATE clerk.signing_keys SET kid = 'ins_test'; SELECT clerk.remove_secret('api_key')" >/dev/null
like "without a key it says how to set one" "$(backfill)" $'ERROR:  55000: no secret key*\nHINT:  *clerk.set_secret(\'api_key\'*'
printf '%s\n' "$API_KEY" >"$SCRATCH/key"
chmod 644 "$SCRATCH/key"
is "a file may hold it" "$(try "SET clerk_sync.api_key_file = '$SCRATCH/key'; CALL clerk.backfill('{roles}')")" ""
like "a plain address is refused but for this host" \
    "$(try "SET clerk_sync.api_key_file = '$SCRATCH/key'; SET clerk_sync.api_url = 'http://api.example.com/v1'; CALL clerk.backfill('{roles}')")" \
    $'ERROR:  55000: *\nDETAIL:  It must begin with https://*'
like "the address is for superusers" "$(try "SET ROLE manager; SELECT clerk_user_id(); SET clerk_sync.api_url = 'https://evil.example.com'")" '*permission denied*'
sql "SELECT clerk.set_secret('api_key', '$API_KEY')" >/dev/null
holds "no dump holds the key" bash -c "! pg_dump | grep -q ${API_KEY#sk_test_}"
holds "the log holds it only where a statement typed it" \
    bash -c "! grep ${API_KEY#sk_test_} '$CLERK_SERVER_LOG' | grep -v set_secret"

finish
