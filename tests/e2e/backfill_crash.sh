#!/usr/bin/env bash
# kill -9 of the backend, of the worker and of the server at random moments, while 20,000 users are read from Clerk and
# webhooks come in, which are delivered again until they are answered, as Svix does. Each time the reading goes on where it
# stood; afterwards the tables are as Clerk's, nothing was read or written twice in a way that shows, and nothing is left over.
#
#   SEED=...      when is struck, and what changes at Clerk; random unless set, and printed (what it meets is not repeated)
#   USERS=20000   how many there are

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"
# shellcheck source=lib/clerk_api.sh
source "$(dirname "$0")/lib/clerk_api.sh"

SEED=${SEED:-$RANDOM}
USERS=${USERS:-20000}
RANDOM=$SEED
printf 'SEED=%s\n' "$SEED"

# What is committed must survive.
start_server crash shared_preload_libraries=clerk_sync clerk_sync.databases=postgres clerk_sync.worker_interval=100ms \
    synchronous_commit=on
DIRECTORY=$(dirname "$CLERK_SERVER_LOG")
# shellcheck disable=SC2119 # no arguments are meant
start_clerk_api
{
    generate users "$USERS"
    generate organizations 40
    generate organization_memberships 5000
} &
generating=$!
# shellcheck disable=SC2119
set_up_api
# Every checkpoint that was committed, and every user that was written.
sql "CREATE TABLE step (number bigint GENERATED ALWAYS AS IDENTITY, run bigint, kind text, before bigint, done bigint, counted bigint);
    CREATE TABLE written (id text);
    CREATE FUNCTION note_step() RETURNS trigger LANGUAGE plpgsql AS \$\$
    BEGIN
        INSERT INTO public.step (run, kind, before, done, counted) VALUES (NEW.id, NEW.kind, OLD.done, NEW.done,
            NEW.written + NEW.unchanged + NEW.refused
                + (SELECT count(*) FROM clerk.sync_findings AS f WHERE f.run_id = NEW.id AND f.finding = 'buried'));
        RETURN NULL;
    END \$\$;
    CREATE FUNCTION note_written() RETURNS trigger LANGUAGE plpgsql AS \$\$
    BEGIN
        INSERT INTO public.written VALUES (NEW.id);
        RETURN NULL;
    END \$\$;
    CREATE TRIGGER note_step AFTER UPDATE ON clerk.sync_runs FOR EACH ROW EXECUTE FUNCTION note_step();
    CREATE TRIGGER note_written AFTER INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION note_written()"

# --- webhooks

# deliver: what is in undelivered.sql, in the order in which it is there, up to where the connection is lost. What got no
# answer, or another than 200, stays there.
deliver() {
    PGOPTIONS="-c clerk_sync.webhook_mode=$1" psql --no-psqlrc -qAt -v ON_ERROR_STOP=1 -f undelivered.sql >answers 2>>errors || true
    awk 'FILENAME == "answers" { answer[FNR] = $1; next } answer[FNR] != "200"' answers undelivered.sql >left
    mv left undelivered.sql
}

# churn: until there is no file `churning` any more, and all is delivered.
churn() {
    local turn=0 mode
    while [ -e churning ] || [ -s undelivered.sql ]; do
        turn=$((turn + 1))
        mode=apply
        [ $((turn % 3)) -gt 0 ] || mode=queue
        if [ -e churning ]; then
            control churn "{\"count\":10,\"seed\":$((SEED + turn))}" |
                clerk-testing sign-events --secret "$WEBHOOK_SECRET" --prefix "msg_$1_${turn}_" >>undelivered.sql
        fi
        deliver "$mode"
        sleep 0.1
    done
}

begin_churn() {
    mkdir -p "$SCRATCH/webhooks"
    cd "$SCRATCH/webhooks" || exit
    touch churning undelivered.sql
    churn "$1" &
    CHURN=$!
    cd "$ROOT" || exit
}

# shellcheck disable=SC2317 # called by wait_until
is_idle() { [ "$(sql 'SELECT count(*) FROM clerk.webhook_events WHERE next_attempt_at IS NOT NULL')" = 0 ]; }

end_churn() {
    rm "$SCRATCH/webhooks/churning"
    wait "$CHURN"
    wait_until 60 is_idle || not_ok "what was received is applied"
}

# --- strikes

# shellcheck disable=SC2317 # called by wait_until
is_gone() { ! [ -e "/proc/$1" ]; }

STRUCK=0
# strike PATTERN: kill -9 of the one process whose application_name is so; false where there is none.
strike() {
    local pid
    pid=$(sql "SELECT pid FROM pg_stat_activity WHERE application_name = '$1' AND pid <> pg_backend_pid()" 2>/dev/null) || return 1
    [ -n "$pid" ] && as_server_user kill -9 "$pid" 2>/dev/null || return 1
    STRUCK=$((STRUCK + 1))
    # Until the server has heard of it, it answers as before.
    wait_until 60 is_gone "$pid" || not_ok "the server hears of the end of $1"
}

# shellcheck disable=SC2317 # called by wait_until
answers() { sql 'SELECT 1' >/dev/null 2>&1; }
recover() { wait_until 120 answers || not_ok "the server answers again"; }

# shellcheck disable=SC2317 # called by wait_until
starts() { (cd / && as_server_user "$BINDIR/pg_ctl" start --pgdata "$DIRECTORY/data" --log "$DIRECTORY/log" --silent --wait </dev/null) 2>/dev/null; }

# What the server's processes share is free only once they have all ended.
SERVER_STRIKES=$RANDOM
# shellcheck disable=SC2317 # called by fill
strike_server() {
    SERVER_STRIKES=$((SERVER_STRIKES + 1))
    case $((SERVER_STRIKES % 2)) in
        0) as_server_user kill -9 "$(as_server_user head -n 1 "$DIRECTORY/data/postmaster.pid")" ;;
        1) (cd / && as_server_user "$BINDIR/pg_ctl" stop --pgdata "$DIRECTORY/data" --mode immediate --silent </dev/null) ;;
    esac
    STRUCK=$((STRUCK + 1))
    wait_until 120 starts || not_ok "the server starts again"
}

# shellcheck disable=SC2317 # called by wait_until
has_asked() { [ "$(requests "/v1/$1")" -ge "$2" ] || [ -e "$SCRATCH/ended" ]; }

# at_random KIND PAGES: after so many pages, and a moment.
at_random() {
    wait_until 120 has_asked "$@" || not_ok "$2 pages of $1 are asked for"
    sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
}

# backfill KIND: in the background; leaves what it says in the file `told`, and makes the file `ended`.
backfill() {
    rm -f "$SCRATCH/ended"
    {
        PGAPPNAME=backfill try "CALL clerk.backfill('{$1}')" >"$SCRATCH/told"
        touch "$SCRATCH/ended"
    } &
    BACKFILL=$!
}

# of_run KIND COLUMN: of the last backfill.
of_run() { sql "SELECT $2 FROM clerk.sync_progress WHERE purpose = 'backfill' AND kind = '$1'"; }

# until_done KIND MOST STRIKE...: backfills again and again, struck after some pages, at most MOST. Says what should not be.
until_done() {
    local kind=$1 most=$2 times before after run asked least status
    for ((times = 1; times < 30; times++)); do
        before=$(of_run "$kind" "done")
        run=$(of_run "$kind" run_id)
        forget
        backfill "$kind"
        at_random "$kind" "$((1 + RANDOM % most))"
        [ -e "$SCRATCH/ended" ] || "${@:3}" || true
        wait "$BACKFILL"
        recover
        after=$(of_run "$kind" "done")
        status=$(of_run "$kind" status)
        asked=$(requests "/v1/$kind")
        # One page may be under way when it is struck, and one is asked for in another way where the user is gone behind whom
        # it begins. What is read by numbers begins anew where numbers have shifted.
        least=$(((${after:-0} - ${before:-0} + 499) / 500))
        [ "$kind" = users ] || least=$((2 * least))
        [ "$asked" -le $((least + 2)) ] || printf '%s pages for %s to %s\n' "$asked" "${before:-0}" "$after"
        [ "${after:-0}" -ge "${before:-0}" ] || printf 'back from %s to %s\n' "$before" "$after"
        if [ "${before:-0}" -gt 0 ]; then
            is_said "$kind: goes on after $before objects" || printf 'not told: on after %s\n' "$before"
            [ "$(of_run "$kind" run_id)" = "$run" ] || printf 'a run beside %s\n' "$run"
        fi
        ! is_said ERROR: || cat "$SCRATCH/told"
        case ${status:-none} in
            done) return ;;
            'cut off' | none) ;;
            *) printf 'it is %s\n' "$status" ;;
        esac
    done
    echo "it does not end"
}
is_said() { grep -q "$1" "$SCRATCH/told"; }

# --- claims

# No page is stored twice: each checkpoint begins where the one before ended, and all that was read is counted once.
PAGES="SELECT run, kind, before, done, counted FROM (
        SELECT *, lag(done, 1, 0::bigint) OVER (PARTITION BY run ORDER BY number) AS last FROM step) AS s
    WHERE before <> last OR done < before OR counted <> done LIMIT 5"
# A user is written once, and once more by each event about him, at most.
TWICE="SELECT w.id, count(*) FROM written AS w GROUP BY w.id
    HAVING count(*) > 1 + (SELECT count(*) FROM clerk.webhook_events AS e WHERE e.kind = 'users' AND e.object_id = w.id) LIMIT 5"
LEFT_OVER="SELECT 'lock', mode FROM pg_locks WHERE classid = 'pg_extension'::regclass AND locktype = 'object'
    UNION ALL SELECT 'run ' || id, status FROM clerk.sync_runs WHERE status <> 'done' AND last_error IS DISTINCT FROM 'cut off'
    UNION ALL SELECT 'progress of ' || run_id, status FROM clerk.sync_progress WHERE status <> 'done'
    UNION ALL SELECT 'seen', run_id::text FROM clerk.sync_seen
    UNION ALL SELECT 'event ' || id, coalesce(last_error, status) FROM clerk.webhook_events WHERE status NOT IN ('applied', 'stale', 'ignored')
    LIMIT 5"

claim_equality() {
    is "... users are as Clerk's" "$(differences users)" 0
    is "... organizations and memberships, too" "$(differences organizations) $(differences organization_memberships)" "0 0"
    is "... what was read is counted once, page by page" "$(sql "$PAGES")" ''
}

anew() {
    sql "TRUNCATE clerk.users, clerk.organizations, clerk.organization_memberships, clerk.webhook_events, clerk.sync_runs,
        clerk.sync_findings, clerk.sync_seen, step, written"
}

wait "$generating"

# fill STRIKE...
fill() {
    STRUCK=0
    until_done users 8 "$@" >"$SCRATCH/trouble"
    is "... users come in, and each call goes on where the one before stood" "$(cat "$SCRATCH/trouble")" ''
    sql "CALL clerk.backfill('{organizations}')"
    until_done organization_memberships 4 "$@" >"$SCRATCH/trouble"
    is "... and so it is with memberships" "$(cat "$SCRATCH/trouble")" ''
    holds "... in spite of $STRUCK strikes" [ "$STRUCK" -ge 1 ]
}

# --- the backend

echo "# kill -9 of the backend"
begin_churn backend
fill strike backfill
end_churn
claim_equality
is "... no user is written again whom no event is about" "$(sql "$TWICE")" ''
is "... nothing is left over" "$(sql "$LEFT_OVER")" ''

# --- the worker

echo "# kill -9 of the worker"
# Of this nobody hears.
control churn "{\"count\":400,\"seed\":$SEED}" >/dev/null
lost=$(differences users)
begin_churn worker
last=$(sql 'SELECT max(id) FROM clerk.sync_runs')
rm -f "$SCRATCH/ended"
forget
sql "ALTER SYSTEM SET clerk_sync.reconcile_interval = '1s'"
sql 'SELECT pg_reload_conf()' >/dev/null
STRUCK=0
for kind in users users organization_memberships; do
    at_random "$kind" "$((1 + RANDOM % 10))"
    strike 'clerk_sync worker' || true
    recover
    forget
done
# The last of the kinds that are compared.
# shellcheck disable=SC2317 # called by wait_until
has_compared() {
    [ "$(sql "SELECT count(*) > 0 FROM clerk.sync_runs WHERE id > $last AND purpose = 'repair' AND kind = 'permissions' AND status = 'done'" \
        2>/dev/null)" = t ]
}
# shellcheck disable=SC2317 # called by wait_until
is_at_rest() { [ "$(sql "SELECT count(*) FROM clerk.sync_progress WHERE status = 'running'")" = 0 ]; }
holds "... a comparison comes to its end after $STRUCK strikes, with $lost users that differ" wait_until 120 has_compared
sql 'ALTER SYSTEM RESET clerk_sync.reconcile_interval'
sql 'SELECT pg_reload_conf()' >/dev/null
wait_until 60 is_at_rest
end_churn
claim_equality
is "... all that was found is mended" "$(sql 'SELECT drift FROM clerk.sync_health')" 0
# One that was under way when the schedule ended is cut off; whoever calls takes it up.
sql "CALL clerk.reconcile(mode => 'repair')" 2>/dev/null
is "... nothing is left over" "$(sql "$LEFT_OVER")" ''

# --- the server

echo "# kill -9 of the server, and stopping it at once"
anew
begin_churn server
fill strike_server
end_churn
claim_equality
is "... no user is written again whom no event is about" "$(sql "$TWICE")" ''
is "... nothing is left over" "$(sql "$LEFT_OVER")" ''

# --- all in all

last=$(sql 'SELECT max(id) FROM clerk.sync_runs')
sql 'CALL clerk.backfill()' 2>/dev/null
is "afterwards there is nothing to write, of any kind" \
    "$(sql "SELECT sum(written), sum(refused), bool_and(status = 'done') FROM clerk.sync_runs WHERE id > $last")" '0|0|t'
is "no webhook met an error but that of a lost connection" "$(grep ERROR: "$SCRATCH/webhooks/errors" | head -n 3)" ''
is "no process ended by a signal but those that were killed" \
    "$(as_server_user grep -E 'terminated by signal|PANIC' "$CLERK_SERVER_LOG" | grep -cv 'signal 9: Killed' || true)" 0

# --- without a server

fault /v1/users hang 0 9
sql "LOAD 'clerk_sync'; ALTER SYSTEM SET clerk_sync.http_timeout = '30s'"
sql 'SELECT pg_reload_conf()' >/dev/null
forget
backfill users
wait_until 60 has_asked users 1
orphan=$(sql "SELECT pid FROM pg_stat_activity WHERE application_name = 'backfill'")
UNDO+=("is_gone $orphan || as_server_user kill -9 $orphan")
as_server_user kill -9 "$(as_server_user head -n 1 "$DIRECTORY/data/postmaster.pid")"
holds "a backend whose server is gone does not wait for Clerk's answer" wait_until 15 is_gone "$orphan"
! is_gone "$orphan" || wait_until 60 starts || true
finish
