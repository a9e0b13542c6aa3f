#!/usr/bin/env bash
# Random histories of two instances, told by deliveries in any order, some of them twice, by four connections at once, to
# receivers that apply at once and to receivers that queue, beside drains and the worker, while the server crashes. What
# got no answer is delivered again, as Svix does, and some of what got one. Afterwards the tables must be as the history
# says, no event lost, and none applied twice.
#
#   SEED=1      the first history; each is repeated by its seed (how the connections interleave is not)
#   ROUNDS=60   how many
#   EVENTS=400  events of one

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

SEED=${SEED:-1}
ROUNDS=${ROUNDS:-60}
EVENTS=${EVENTS:-400}
SECRET=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD

# What was answered must survive a crash.
start_server histories shared_preload_libraries=clerk_sync clerk_sync.databases=postgres clerk_sync.worker_interval=100ms \
    synchronous_commit=on
DIRECTORY=$(dirname "$CLERK_SERVER_LOG")
set_up
KINDS=(users organizations organization_memberships organization_invitations organization_domains roles permissions
    sessions subscriptions)
mirrored=()
for kind in "${KINDS[@]}"; do
    mirrored+=("SELECT '$kind' AS kind, id, deleted_at, updated_at, event_at, data, to_jsonb(t) AS columns FROM clerk.$kind AS t")
done
clerk-testing key new --kid ins_other --out "$SCRATCH/other"
OTHER_KEY=pk_test_$(printf 'other.clerk.accounts.dev$' | base64)
sql "SELECT FROM clerk.configure('$PUBLISHABLE_KEY', fetch_keys => false, mirror_sessions => true);
    SELECT FROM clerk.configure('$OTHER_KEY', fetch_keys => false);
    SELECT FROM clerk.add_signing_keys('https://other.clerk.accounts.dev', '$(cat "$SCRATCH/other/jwks.json")');
    SELECT FROM clerk.set_secret('webhook_secret', '$SECRET');
    CREATE ROLE receiver LOGIN IN ROLE clerk_webhook;
    CREATE ROLE queuer LOGIN IN ROLE clerk_webhook;
    ALTER ROLE queuer SET clerk_sync.webhook_mode = queue;
    CREATE TABLE event (told jsonb NOT NULL);
    CREATE TABLE expected (row jsonb NOT NULL);
    CREATE TABLE written (kind text, object text, updated_at timestamptz, event_at timestamptz);
    CREATE FUNCTION note_state() RETURNS trigger LANGUAGE plpgsql AS \$\$
    BEGIN
        INSERT INTO public.written VALUES (TG_TABLE_NAME, NEW.id, NEW.updated_at, NEW.event_at);
        RETURN NULL;
    END \$\$;
    CREATE VIEW mirrored AS $(printf '%s UNION ALL ' "${mirrored[@]}" | sed 's/ UNION ALL $//')" >/dev/null
for kind in "${KINDS[@]}"; do
    sql "CREATE TRIGGER note_state AFTER INSERT OR UPDATE ON clerk.$kind FOR EACH ROW WHEN (NEW.deleted_at IS NULL)
        EXECUTE FUNCTION note_state()"
done

milliseconds() { printf "(extract(epoch FROM %s) * 1000)::bigint" "$1"; }
declare -A CHECKS
CHECKS[differences]="
SELECT coalesce(e.row ->> 'kind', m.kind), coalesce(e.row ->> 'id', m.id), e.row, to_jsonb(m)
FROM expected AS e FULL JOIN mirrored AS m ON m.kind = e.row ->> 'kind' AND m.id = e.row ->> 'id'
WHERE (CASE WHEN (e.row ->> 'is_dead')::boolean THEN
        m.deleted_at IS NOT NULL AND m.data = '{}'
            AND coalesce($(milliseconds m.deleted_at) = (e.row ->> 'deleted_at')::bigint, true)
    ELSE m.deleted_at IS NULL
        AND $(milliseconds m.updated_at) = (e.row ->> 'updated_at')::bigint
        AND $(milliseconds m.event_at) = (e.row ->> 'event_at')::bigint
        AND m.columns @> (e.row -> 'columns')
        AND m.data = e.row -> 'data' END) IS NOT TRUE
ORDER BY 1, 2 LIMIT 5"
# Each event once, and done.
CHECKS[lost]="
SELECT coalesce(e.told ->> 'id', w.id), w.status, w.last_error
FROM event AS e FULL JOIN clerk.webhook_events AS w ON w.id = e.told ->> 'id'
WHERE (w.status IN ('applied', 'stale', 'ignored') AND e.told IS NOT NULL AND w.type = e.told ->> 'type') IS NOT TRUE LIMIT 5"
# A state is written as often as events tell of it, at most.
CHECKS[twice]="
SELECT kind, object, updated_at, event_at, count(*) FROM written AS w GROUP BY 1, 2, 3, 4
HAVING count(*) > (SELECT count(*) FROM event AS e WHERE e.told ->> 'object' = w.object
    AND (e.told ->> 'updated_at')::bigint = $(milliseconds w.updated_at)
    AND (e.told ->> 'event_at')::bigint = $(milliseconds w.event_at)) LIMIT 5"
# What erasing left of those who are gone.
CHECKS[left over]="
SELECT e.id, e.type FROM clerk.webhook_events AS e JOIN mirrored AS m ON m.kind = e.kind AND m.id = e.object_id
WHERE m.deleted_at IS NOT NULL AND e.body IS NOT NULL LIMIT 5"

crash() {
    cd / || exit
    as_server_user "$BINDIR/pg_ctl" stop --pgdata "$DIRECTORY/data" --mode immediate --silent </dev/null
    as_server_user "$BINDIR/pg_ctl" start --pgdata "$DIRECTORY/data" --log "$DIRECTORY/log" --silent --wait </dev/null
}

# deliver ROLE...: what is in deliveries.sql by as many connections, beside drains; with a crash after $CRASH_AFTER seconds, if
# that is set. What is left to deliver is in deliveries.sql afterwards.
deliver() {
    local receivers=() drains place=0 role
    for role in "$@"; do
        awk "NR % $# == $place" deliveries.sql >"part.$place"
        psql --no-psqlrc -qAt -U "$role" -d postgres -f "part.$place" >"answers.$place" 2>>errors &
        receivers+=($!)
        place=$((place + 1))
    done
    while sql 'SELECT clerk._drain(20)' >/dev/null 2>>errors; do :; done &
    drains=$!
    if [ -n "${CRASH_AFTER:-}" ]; then
        sleep "$CRASH_AFTER"
        (crash)
        crashes=$((crashes + 1))
    fi
    # One that lost its connection ends with an error.
    for place in "${receivers[@]}"; do wait "$place" || true; done
    kill "$drains" 2>/dev/null || true
    wait "$drains" 2>/dev/null || true
    # Of what was answered last the answer is lost where the server crashed; else nothing is delivered again.
    for place in $(seq 0 $(($# - 1))); do
        grep '|200|' "answers.$place" | { if [ -n "${CRASH_AFTER:-}" ]; then head -n -5; else cat; fi; }
    done >answered || true
    # Under the quotes of the first value is the id.
    awk -F"['|]" 'NR == FNR { answered[$1]; next } !($2 in answered)' answered deliveries.sql >left
    mv left deliveries.sql
}

# shellcheck disable=SC2317 # called by wait_until
is_idle() { [ "$(sql 'SELECT count(*) FROM clerk.webhook_events WHERE next_attempt_at IS NOT NULL')" = 0 ]; }

retried=0
crashes=0
for ((round = 0; round < ROUNDS; round++)); do
    seed=$((SEED + round))
    RANDOM=$((seed + 1))
    rm -rf "$SCRATCH/round"
    mkdir "$SCRATCH/round"
    cd "$SCRATCH/round" || exit
    clerk-testing history --seed "$seed" --events "$EVENTS" --secret "$SECRET" --payloads "$CLERK_VECTORS/webhook-payloads" --out .
    sql "TRUNCATE $(printf 'clerk.%s, ' "${KINDS[@]}") clerk.webhook_events, written, event, expected"
    sql "\\copy event FROM 'events.jsonl' WITH (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')
        \\copy expected FROM 'expected.jsonl' WITH (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')"
    case $((seed % 3)) in
        0) roles=(receiver receiver receiver receiver) ;;
        1) roles=(queuer queuer queuer queuer) ;;
        2) roles=(receiver queuer receiver queuer) ;;
    esac
    # Two rounds of three with crashes.
    for ((crash = RANDOM % 3; crash > 0; crash--)); do
        CRASH_AFTER=0.$((RANDOM % 4))$((RANDOM % 10)) deliver "${roles[@]}"
    done
    for ((times = 0; times < 10; times++)); do
        [ -s deliveries.sql ] || break
        deliver "${roles[@]}"
    done
    # Where transactions got in each other's way, an event waits for its next attempt.
    retried=$((retried + $(sql "SELECT count(*) FROM clerk.webhook_events WHERE attempts > 0")))
    sql "SELECT clerk.replay(status => 'failed')" >/dev/null
    wait_until 20 is_idle || true
    seen=
    for check in "${!CHECKS[@]}"; do
        answer=$(sql "${CHECKS[$check]}")
        [ -z "$answer" ] || seen+="$check: $answer"$'\n'
    done
    # Lost connections apart.
    seen+=$(grep 'ERROR:' errors | head -n 3 || true)
    [ ! -s deliveries.sql ] || seen+="undelivered: $(wc -l <deliveries.sql)"
    is "the tables are as history $seed says (${roles[0]}, ${roles[1]})" "$seen" ''
done
printf '%s events were tried again, %s crashes\n' "$retried" "$crashes"
is "no process crashed by itself" "$(as_server_user grep -cE 'terminated by signal|PANIC' "$CLERK_SERVER_LOG" || true)" 0
finish
