#!/usr/bin/env bash
# An endpoint that was dead for a week: clerk.sync_health warns, clerk.reconcile() reports what differs, kind by kind and
# id by id, and changes nothing; with mode repair it mends exactly that.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"
# shellcheck source=lib/clerk_api.sh
source "$(dirname "$0")/lib/clerk_api.sh"

start_server drift
# shellcheck disable=SC2119 # no arguments are meant
start_clerk_api
# shellcheck disable=SC2119
set_up_api
generate users 300
generate organizations 5
generate organization_memberships 200

# id_of KIND NUMBER: in the order of ids, from 0.
id_of() { there "$1" | sed -n "$(($2 + 1))s/ .*//p"; }
# update KIND ID MEMBERS, delete KIND ID: they print the events.
update() { control update "{\"kind\":\"$1\",\"id\":\"$2\",\"set\":{$3}}"; }
delete() { control delete "{\"kind\":\"$1\",\"id\":\"$2\"}"; }
deliver() { clerk-testing sign-events --secret "$WEBHOOK_SECRET" --prefix "msg_$1_" | psql --no-psqlrc -qAt | sort -u; }
health() { sql "SELECT $1 FROM clerk.sync_health"; }
compare() { psql --no-psqlrc -qAt -v ON_ERROR_STOP=1 -c "CALL clerk.reconcile($1)" 2>&1; }
# findings PURPOSE: of the last runs.
findings() {
    sql "SELECT f.kind, f.finding, f.object_id FROM clerk.sync_findings AS f JOIN clerk.sync_progress AS p USING (run_id)
        WHERE p.purpose = '$1'" | LC_ALL=C sort
}
TABLES=(users organizations organization_memberships)
differences_of_all() {
    local table
    for table in "${TABLES[@]}"; do printf '%s ' "$(differences "$table")"; done
}
# What is stored, to the last column, and in which row versions.
contents() {
    local table
    for table in "${TABLES[@]}"; do sql "SELECT md5(string_agg(t.xmin || t::text, ',' ORDER BY id)) FROM clerk.$table AS t"; done
}
# written: what was written since the table `mark` was made.
written() {
    local table
    for table in "${TABLES[@]}"; do
        sql "SELECT '$table', CASE WHEN deleted_at IS NULL THEN 'alive' ELSE 'gone' END, id FROM clerk.$table
            WHERE synced_at > (SELECT made_at FROM mark)"
    done | LC_ALL=C sort
}

# --- all is well

sql 'CALL clerk.backfill()' 2>/dev/null
for number in 1 2 3; do
    update users "$(id_of users "$number")" '"first_name":"Before"'
    update organization_memberships "$(id_of organization_memberships "$number")" '"role":"org:admin"'
done >"$SCRATCH/events"
delete users "$(id_of users 299)" >>"$SCRATCH/events"
is "webhooks are received" "$(deliver before <"$SCRATCH/events")" 200
is "at first all is equal" "$(differences_of_all)" '0 0 0 '
is "clerk.sync_health has nothing to warn of, and knows of no comparison" \
    "$(health 'warning IS NULL, last_reconciled_at IS NULL, drift IS NULL')" 't|t|t'

# --- a week without the endpoint

generate organization_memberships 1 250
generate users 2 9000
stale=("$(id_of users 10)" "$(id_of users 11)" "$(id_of organizations 3)" "$(id_of organization_memberships 30)")
gone=("$(id_of users 20)" "$(id_of organization_memberships 20)" "$(id_of organization_memberships 40)")
is "the deleted user has the deleted membership" \
    "$(sql "SELECT user_id FROM clerk.organization_memberships WHERE id = '${gone[1]}'")" "${gone[0]}"
{
    update users "${stale[0]}" '"first_name":"After"'
    update users "${stale[1]}" '"banned":true'
    update organizations "${stale[2]}" '"name":"After"'
    update organization_memberships "${stale[3]}" '"role":"org:admin"'
    delete users "${gone[0]}"
    delete organization_memberships "${gone[2]}"
} >"$SCRATCH/lost"
missing=("$(id_of users 298)" "$(id_of users 299)" "$(id_of organization_memberships 198)")
is "Clerk has told of it, and nobody listened" "$(wc -l <"$SCRATCH/lost")" 7
sql "UPDATE clerk.webhook_events SET received_at = received_at - interval '7 days', event_at = event_at - interval '7 days'"
like "clerk.sync_health warns" "$(health 'warning')" 'silent: *'
is "... and says how long" "$(health "silence > interval '7 days', silence < interval '8 days'")" 't|t'
is "... and that is how it is" "$(differences_of_all | tr ' ' '\n' | awk '{ all += $1 } END { print (all > 0) }')" 1

# --- reported

EXPECTED=$(printf '%s\n' "organization_memberships|extra|${gone[1]}" "organization_memberships|extra|${gone[2]}" \
    "organization_memberships|missing|${missing[2]}" "organization_memberships|stale|${stale[3]}" "organizations|stale|${stale[2]}" \
    "users|extra|${gone[0]}" "users|missing|${missing[0]}" "users|missing|${missing[1]}" "users|stale|${stale[0]}" \
    "users|stale|${stale[1]}" | LC_ALL=C sort)
before=$(contents)
is "a comparison has nothing to complain of" "$(compare '' | grep -v '^NOTICE: ')" ''
is "what is missing, stale and extra is in clerk.sync_findings, by kind and id" "$(findings report)" "$EXPECTED"
is "... and counted" "$(sql "SELECT kind, status, missing, stale, extra FROM clerk.sync_progress
    WHERE purpose = 'report' AND missing + stale + extra > 0 ORDER BY kind")" \
    $'organization_memberships|done|1|1|2\norganizations|done|0|1|0\nusers|done|2|2|1'
is "... what is extra was asked for by its id" \
    "$(sql "SELECT bool_and((checked_at IS NOT NULL) = (finding = 'extra')), bool_or(repaired_at IS NOT NULL) FROM clerk.sync_findings")" 't|f'
is "... what is stale with both times" \
    "$(sql "SELECT bool_and(updated_at_here < updated_at_there) FROM clerk.sync_findings WHERE finding = 'stale'")" t
is "a report changes nothing" "$(contents)" "$before"
is "clerk.sync_health tells of the drift" "$(health "drift, last_reconciled_at > now() - interval '1 hour'")" '10|t'

# --- repaired

sql "CREATE TABLE mark AS SELECT clock_timestamp() AS made_at"
compare "mode => 'repair'" >/dev/null
is "a repair makes all equal" "$(differences_of_all)" '0 0 0 '
is "... by writing exactly what was reported" "$(written)" "$(sed -E 's/\|extra\|/|gone|/; s/\|(missing|stale)\|/|alive|/' <<<"$EXPECTED" | LC_ALL=C sort)"
is "... of the deleted nothing but a tombstone is left" \
    "$(sql "SELECT deleted_at IS NOT NULL, data FROM clerk.users WHERE id = '${gone[0]}'")" 't|{}'
is "... all that it found is noted as mended" \
    "$(sql "SELECT bool_and(f.repaired_at IS NOT NULL) FROM clerk.sync_findings AS f JOIN clerk.sync_progress AS p USING (run_id) WHERE p.purpose = 'repair'")" t
is "... and that is what was reported, but for what went with its owner" \
    "$(findings repair)" "$(grep -vF "${gone[1]}" <<<"$EXPECTED")"
is "clerk.sync_health tells of no drift any more" "$(health drift)" 0
compare '' >/dev/null
is "another comparison finds nothing" "$(findings report) $(health drift)" ' 0'

# --- the endpoint is back

like "the silence is still told" "$(health warning)" 'silent: *'
is "events that are delivered late change nothing" "$(deliver lost <"$SCRATCH/lost") $(differences_of_all)" '200 0 0 0 '
is "... and end the warning" "$(health 'warning IS NULL')" t
is "... none of them fails" "$(health 'failed, dead, received')" '0|0|0'
finish
