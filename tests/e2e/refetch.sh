#!/usr/bin/env bash
# clerk.refetch(), the healing of failed events, clerk.import_json(), and the guard of clerk.reconcile().

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"
# shellcheck source=lib/clerk_api.sh
source "$(dirname "$0")/lib/clerk_api.sh"

start_server refetch shared_preload_libraries=clerk_sync
start_clerk_api
set_up_api
generate users 300
generate organizations 40
generate organization_memberships 300
generate organization_invitations 20
generate organization_domains 10
generate organization_roles 4
generate subscriptions 10
sql "CALL clerk.backfill()"

# first KIND: the id of the first at the server.
first() { control "objects?kind=$1" | sed -n 1p | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])'; }
refetch() { try "SELECT clerk.refetch('$1', '$2')"; }
member() { sql "SELECT $2 FROM clerk.$1 WHERE id = '$3'"; }

# --- one object

user=$(first users)
is "an object that is as it is at Clerk's is unchanged" "$(refetch users "$user")" unchanged
control update "{\"kind\":\"users\",\"id\":\"$user\",\"set\":{\"first_name\":\"Fresh\"}}" >/dev/null
is "a changed one is written" "$(refetch users "$user") $(member users first_name "$user")" "written Fresh"
is "the name of a kind may be short" "$(refetch memberships "$(first organization_memberships)")" unchanged
for kind in organizations organization_invitations organization_domains; do
    is "$kind are found" "$(refetch $kind "$(first $kind)")" unchanged
done
is "roles are found" "$(refetch roles "$(first organization_roles)")" unchanged
payer=$(control 'objects?kind=subscriptions' | sed -n 1p | python3 -c 'import json, sys
item = json.loads(sys.stdin.readline())
print(item.get("user_id") or item.get("organization_id"))')
is "a subscription is found by its payer" "$(refetch subscriptions "$payer")" written
control delete "{\"kind\":\"users\",\"id\":\"$user\"}" >/dev/null
is "what is gone is buried" "$(refetch users "$user") $(member users 'deleted_at IS NOT NULL, first_name IS NULL' "$user")" "gone t|t"
is "of what was never here no tombstone is made" "$(refetch users user_nobody) $(sql "SELECT count(*) FROM clerk.users WHERE id = 'user_nobody'")" "gone 0"
fault '*' html-404 0 9
like "a page that is not Clerk's does not bury" "$(refetch users "$(first users)")" $'ERROR:  08006: Clerk refuses the request\nDETAIL:  *404*'
control heal '{}' >/dev/null
control set '{"organizations":false}' >/dev/null
organization=$(sql "SELECT id FROM clerk.organizations WHERE deleted_at IS NULL LIMIT 1")
like "nor do organizations that are turned off" "$(refetch organizations "$organization")" $'ERROR:  55000: the instance has no organizations*'
is "they stay" "$(member organizations 'deleted_at IS NULL' "$organization")" t
control set '{"organizations":true}' >/dev/null
like "an id is no way to another path" "$(refetch users '../organizations')" '*22023*'
like "sessions are not asked for" "$(refetch sessions sess_1)" '*22023*'
like "an unknown kind is named" "$(refetch teams x)" '*22023: there is no kind of object named teams*'

# --- failed events

victim=$(control 'objects?kind=users' | sed -n 5p | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
sql "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'not now'; END \$\$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW WHEN (NEW.id = '$victim') EXECUTE FUNCTION refuse()"
control update "{\"kind\":\"users\",\"id\":\"$victim\",\"set\":{\"last_name\":\"Healed\"}}" |
    clerk-testing sign-events --secret "$WEBHOOK_SECRET" | psql -qAt >/dev/null
is "an event that cannot be applied waits" "$(sql "SELECT status, attempts FROM clerk.webhook_events")" "failed|1"
sql "UPDATE clerk.webhook_events SET attempts = 2, next_attempt_at = clock_timestamp() + interval '1 hour'"
like "while it cannot be written, asking Clerk does not help" \
    "$(sql "SELECT detail FROM clerk.run_maintenance() WHERE step = 'failed events'") $(sql "SELECT status, refetched_at IS NOT NULL FROM clerk.webhook_events")" \
    "0 dealt with failed|t"
sql "DROP TRIGGER refuse ON clerk.users; UPDATE clerk.webhook_events SET refetched_at = NULL"
is "then its object is asked of Clerk" \
    "$(sql "SELECT detail FROM clerk.run_maintenance() WHERE step = 'failed events'") $(member users last_name "$victim") $(sql "SELECT status, next_attempt_at IS NULL FROM clerk.webhook_events")" \
    "1 dealt with Healed applied|t"
sql "UPDATE clerk.webhook_events SET status = 'failed', attempts = 3, refetched_at = NULL, next_attempt_at = clock_timestamp() + interval '1 hour';
    LOAD 'clerk_sync'; ALTER SYSTEM SET clerk_sync.databases = '$PGDATABASE'; SELECT pg_reload_conf()" >/dev/null
# shellcheck disable=SC2317 # called by wait_until
healed() { [ "$(sql "SELECT status FROM clerk.webhook_events")" = applied ]; }
holds "the worker does so by itself" wait_until 30 healed

# --- the schedule

control update "{\"kind\":\"users\",\"id\":\"$victim\",\"set\":{\"last_name\":\"Scheduled\"}}" >/dev/null
sql "LOAD 'clerk_sync'; ALTER SYSTEM SET clerk_sync.reconcile_interval = '2s'; SELECT pg_reload_conf()" >/dev/null
# shellcheck disable=SC2317 # called by wait_until
repaired() { [ "$(member users last_name "$victim")" = Scheduled ]; }
holds "the worker repairs on its schedule" wait_until 40 repaired
sql "LOAD 'clerk_sync'; ALTER SYSTEM SET clerk_sync.reconcile_interval = 0; ALTER SYSTEM SET clerk_sync.databases = ''; SELECT pg_reload_conf()" >/dev/null
# shellcheck disable=SC2317 # called by wait_until
idle() { [ "$(sql "SELECT count(*) FROM clerk.sync_progress WHERE status = 'running'")" = 0 ]; }
wait_until 30 idle
sleep 2

# --- the guard

live() { sql "SELECT count(*) FROM clerk.users WHERE deleted_at IS NULL"; }
reconcile() { try "CALL clerk.reconcile('{users}'$1)"; }
before=$(live)
fault /v1/users empty-list 0 99
like "an empty answer deletes nothing" "$(reconcile ", mode => 'repair'")" \
    $'*ERROR:  55000: the deletion of 299 of 299 rows of users was held back\nDETAIL:  *\nHINT:  *force*'
is "all rows are there" "$(live)" "$before"
is "and the run says so" "$(sql "SELECT status, extra FROM clerk.sync_progress WHERE purpose = 'repair' AND kind = 'users'")" "held back|299"
control heal '{}' >/dev/null
is "with force each is asked for by its id, and stays" "$(fault /v1/users empty-list 0 99; reconcile ", mode => 'repair', force => true"; control heal '{}' >/dev/null; live)" "$before"
gone=$(control 'objects?kind=users' | sed -n '10,59p' | python3 -c 'import json, sys
for line in sys.stdin: print(json.loads(line)["id"])')
for id in $gone; do control delete "{\"kind\":\"users\",\"id\":\"$id\"}" >/dev/null; done
like "50 of 299 are more than a tenth" "$(reconcile ", mode => 'repair'")" '*held back*'
is "a report changes nothing" "$(reconcile "") $(live)" " $before"
is "but names what is extra, each asked for by its id" \
    "$(sql "SELECT count(*), count(checked_at), count(repaired_at) FROM clerk.sync_findings WHERE finding = 'extra' AND run_id = (SELECT max(run_id) FROM clerk.sync_progress WHERE purpose = 'report')")" \
    "50|50|0"
is "a greater share deletes them" "$(reconcile ", mode => 'repair', max_deletions => 0.2") $(live)" " $((before - 50))"
is "then all is equal" "$(differences users)" 0

# --- without a network

control delete "{\"kind\":\"users\",\"id\":\"$victim\"}" >/dev/null
curl --silent --cacert "$SCRATCH/tls/ca.pem" -H "Authorization: Bearer $API_KEY" -H 'Clerk-API-Version: 2026-05-12' \
    "$API/users?limit=200" | python3 -c 'import json, sys
for user in json.load(sys.stdin): print(json.dumps(user))' >"$SCRATCH/users.jsonl"
sql "TRUNCATE clerk.users"
is "a file of objects is imported by COPY and clerk.import_json()" "$(sql "
    CREATE TEMP TABLE lines (line jsonb);
    \\copy lines FROM '$SCRATCH/users.jsonl' (FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')
    SELECT sum(i.read), sum(i.written), sum(jsonb_array_length(i.refused)) FROM (
        SELECT jsonb_agg(line) AS objects FROM (SELECT line, (row_number() OVER () - 1) / 50 AS page FROM lines) AS l GROUP BY page) AS p,
        clerk.import_json('users', p.objects) AS i")" "200|200|0"
is "a second time changes nothing" "$(sql "SELECT read, written, unchanged FROM clerk.import_json('users', (SELECT jsonb_agg(data) FROM clerk.users))")" "200|0|200"
is "what is no user is refused by id and reason" \
    "$(sql "SELECT read, written, refused FROM clerk.import_json('users', '[{\"id\": \"user_x\"}, {\"object\": \"role\", \"id\": \"r\"}]')")" \
    '2|0|[{"id": "user_x", "reason": "its field updated_at is missing or null"}, {"id": "r", "reason": "its field object names another kind of object"}]'
like "what is no object at all is an error" "$(try "SELECT clerk.import_json('users', '7')")" '*22023*'
like "of an instance that is not configured nothing is taken" "$(try "SELECT clerk.import_json('users', '[]', instance => 'ins_other')")" '*22023*'

finish
