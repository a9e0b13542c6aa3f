#!/usr/bin/env bash
# The background worker: one for each database that is listed, which refreshes keys, drains and purges; stands in the
# way of no DROP; ends at once when it is told to; and survives what happens to a server. What it does is done by
# clerk.run_maintenance(), too, and never twice at a time.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

# A crash is part of it: what is committed is written out at once.
start_server worker shared_preload_libraries=clerk_sync clerk_sync.databases='postgres, other' \
    clerk_sync.worker_interval=100ms synchronous_commit=on
DIRECTORY=$(dirname "$CLERK_SERVER_LOG")

# worker [DATABASE]: the pid of its worker; empty where there is none.
worker() { sql "SELECT pid FROM pg_stat_activity WHERE backend_type = 'clerk_sync worker' AND datname = '${1:-postgres}'"; }
# shellcheck disable=SC2317 # called by wait_until
is_there() { [ -n "$(worker "${1:-postgres}")" ]; }
# shellcheck disable=SC2317 # called by wait_until
is_absent() { ! is_there "$@"; }
# shellcheck disable=SC2317 # called by wait_until
is_gone() { ! [ -e "/proc/$1" ]; }
# shellcheck disable=SC2317 # called by wait_until
is_another() { is_there && [ "$(worker)" != "$1" ]; }
# shellcheck disable=SC2317 # called by wait_until
says() { [ "$(sql "$1" "${@:3}")" = "$2" ]; }
# shellcheck disable=SC2317 # called by wait_until
has_applied() { says "SELECT status FROM clerk.webhook_events WHERE id = 'msg_$1'" applied "${@:2}"; }
# shellcheck disable=SC2317 # called by wait_until
shows() { says "SELECT query FROM pg_stat_activity WHERE backend_type = 'clerk_sync worker' AND datname = 'postgres' AND state = 'active'" "$1"; }
# shellcheck disable=SC2317 # called by wait_until
logs() { as_server_user grep -qE "$1" "$CLERK_SERVER_LOG"; }
logged() { as_server_user grep -cE "$1" "$CLERK_SERVER_LOG" || true; }

# within CLAIM SINCE MILLISECONDS
within() {
    local taken=$((($(microseconds) - $2) / 1000))
    if [ "$taken" -le "$3" ]; then ok "$1 ($taken ms)"; else not_ok "$1" "it took $taken ms, more than $3"; fi
}

# --- who is there

holds "a listed database has a worker" wait_until 10 is_there postgres
is "it says what it is" "$(sql "SELECT application_name, usename FROM pg_stat_activity WHERE pid = $(worker)")" \
    'clerk_sync worker|postgres'
is "a database that does not exist has none" "$(worker other)" ''
sql 'CREATE DATABASE other'
holds "once it exists, it has one" wait_until 10 is_there other
is "there is one launcher, which is connected to no database" \
    "$(sql "SELECT count(*), count(datname) FROM pg_stat_activity WHERE backend_type = 'clerk_sync launcher'")" '1|0'
sql 'CREATE DATABASE third'

# --- steps

sql "$SETUP_SQL"
is "CREATE EXTENSION under a running worker does not end it" "$(sql "SELECT count(*) FROM pg_stat_activity WHERE pid = $(worker)")" 1
# enqueue FIRST LAST [OPTION...]: events that wait, each of a user of its own.
enqueue() {
    sql "INSERT INTO clerk.webhook_events (id, instance_id, type, event_at, status, next_attempt_at, body)
        SELECT 'msg_' || n, 'ins_test', 'user.updated', now(), 'received', now(), json_build_object('object', 'event',
            'type', 'user.updated', 'instance_id', 'ins_test', 'timestamp', 1767225600000, 'data',
            json_build_object('object', 'user', 'id', 'user_' || n, 'updated_at', 1767225600000))
        FROM generate_series($1, $2) AS n" "${@:3}"
}
# How many users were written, and how often each at least and at most.
WRITTEN='SELECT count(*), min(times), max(times) FROM (SELECT count(*) AS times FROM written GROUP BY id) AS w'
# What a user of the extension may do to it: a trigger that is slow, one that fails.
TRAPS="
CREATE TABLE IF NOT EXISTS trap (poisoned boolean, seconds float8 NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS written (id text);
DELETE FROM trap;
INSERT INTO trap VALUES (false);
CREATE OR REPLACE FUNCTION note_user() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
    PERFORM pg_catalog.pg_sleep(seconds) FROM public.trap WHERE seconds > 0;
    INSERT INTO public.written VALUES (NEW.id);
    RETURN NULL;
END \$\$;
CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
    IF (SELECT poisoned FROM public.trap) THEN
        RAISE EXCEPTION 'a secret of somebody''s';
    END IF;
    RETURN NEW;
END \$\$;
CREATE TRIGGER note_user AFTER INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION note_user();
CREATE TRIGGER refuse BEFORE UPDATE ON clerk.webhook_events FOR EACH ROW EXECUTE FUNCTION refuse();
"
sql "$TRAPS"
xids() { sql 'SELECT pg_snapshot_xmax(pg_current_snapshot())'; }
sleep 1
before=$(xids)
sleep 1
is "an idle worker assigns no transaction ids" "$(xids)" "$before"
enqueue 1 1700
holds "what is due is drained, in several batches" wait_until 10 says "$WRITTEN" '1700|1|1'
enqueue 10001 10400
for _ in 1 2 3; do sql 'SELECT FROM clerk.run_maintenance()' & done
sql 'SELECT FROM clerk.run_maintenance()'
wait -n || true
holds "nothing is drained twice by a worker and calls beside it" wait_until 10 says "$WRITTEN" '2100|1|1'
is "and the ledger says so" "$(sql 'SELECT status, count(*) FROM clerk.webhook_events GROUP BY 1')" 'applied|2100'
sql "UPDATE clerk.webhook_events SET received_at = now() - interval '31 days' WHERE id LIKE 'msg_10___'"
sql 'SELECT FROM clerk.run_maintenance()' # The worker purges once a minute only.
holds "what was kept long enough is purged" wait_until 10 says 'SELECT count(*) FROM clerk.webhook_events' 1700

# --- an error in a step

sql 'UPDATE trap SET poisoned = true'
enqueue 15001 15001
holds "an error in a step is logged" wait_until 10 logs 'WARNING:  a step of the clerk_sync worker failed: apply webhook events'
pid=$(worker)
sleep 1
is "once a minute" "$(logged 'WARNING:  a step of the clerk_sync worker failed')" 1
is "without what a trigger's message may hold" "$(logged "secret of somebody's\$|DETAIL:.*secret")" 0
is "and the worker lives on" "$(worker)" "$pid"
is "run_maintenance() reports it, and goes on with the next step" \
    "$(sql "SELECT step, detail ~ 'failed' FROM clerk.run_maintenance() WHERE step NOT IN ('signing keys', 'failed events')")" $'webhook events|t\npurge|f'
sql 'UPDATE trap SET poisoned = false'
holds "the step works again once it can" wait_until 10 has_applied 15001
sql "UPDATE trap SET seconds = 30"
enqueue 20001 20001
wait_until 10 shows 'clerk_sync: applying webhook events'
ok "pg_stat_activity says what it is doing"
sql "UPDATE trap SET seconds = 0; SELECT pg_cancel_backend($pid)" >/dev/null
holds "pg_cancel_backend ends the step, not the worker, and loses no event" wait_until 10 has_applied 20001
is "it is the same process" "$(worker)" "$pid"

# --- what an application locks

open_session slow
ask slow "BEGIN; INSERT INTO clerk.users (id, updated_at, event_at) VALUES ('user_21001', 'epoch', 'epoch')" >/dev/null
enqueue 21001 21003
holds "an open transaction holds up the events of its own user only" wait_until 20 has_applied 21003
is "that event waits, and no attempt is counted" \
    "$(sql "SELECT status, attempts, next_attempt_at > now() FROM clerk.webhook_events WHERE id = 'msg_21001'")" 'received|0|t'
ask slow COMMIT >/dev/null
sql "SELECT clerk.replay(id => 'msg_21001')" >/dev/null
holds "and is applied once it can be" wait_until 10 has_applied 21001
close_session slow

# The strongest lock on the extension's own object, which asks for no right on it.
open_session stranger -U app_user
is "a stranger can lock the extension's object" \
    "$(ask stranger "BEGIN; CREATE FUNCTION pg_temp.f() RETURNS integer LANGUAGE sql RETURN 1; ALTER FUNCTION pg_temp.f() DEPENDS ON EXTENSION clerk_sync;
        SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND classid = 'pg_extension'::regclass")" AccessExclusiveLock
enqueue 22001 22001
holds "and holds up nothing by it" wait_until 10 has_applied 22001
ask stranger ROLLBACK >/dev/null
close_session stranger

# --- SIGTERM

sql "UPDATE trap SET seconds = 30"
enqueue 20002 20002
wait_until 10 shows 'clerk_sync: applying webhook events'
since=$(microseconds)
sql "SELECT pg_terminate_backend($pid)" >/dev/null
holds "SIGTERM ends a worker in the middle of a drain" wait_until 10 is_gone "$pid"
within "within 1 s" "$since" 1000
sql "UPDATE trap SET seconds = 0"
holds "the launcher starts it again" wait_until 15 is_another "$pid"
pid=$(worker)
launcher=$(sql "SELECT pid FROM pg_stat_activity WHERE backend_type = 'clerk_sync launcher'")
sql "SELECT pg_terminate_backend($launcher)" >/dev/null
wait_until 15 says "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'clerk_sync launcher' AND pid <> $launcher" 1
sleep 1.5
is "a new launcher finds the worker of the old one" \
    "$(sql "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE backend_type = 'clerk_sync worker' AND datname = 'postgres'")" "$pid"

# --- SIGHUP

sql "ALTER SYSTEM SET clerk_sync.databases = 'postgres, other, third'; SELECT pg_reload_conf()" >/dev/null
holds "a database that is added to the list gets a worker" wait_until 15 is_there third
sql "ALTER SYSTEM SET clerk_sync.databases = 'postgres, other'; SELECT pg_reload_conf()" >/dev/null
holds "the worker of one that is removed ends" wait_until 5 is_absent third
is "the others stay" "$(worker)" "$pid"

# --- keys

clerk-testing key new --kid ins_next --out "$SCRATCH/next"
cp "$CLERK_TEST_KEYS/jwks.json" "$SCRATCH/jwks.json"
clerk-testing serve --jwks "$SCRATCH/jwks.json" --port-file "$SCRATCH/http.port" &
UNDO+=("kill $!")
wait_until 10 test -s "$SCRATCH/http.port"
http=http://127.0.0.1:$(cat "$SCRATCH/http.port")
fetches() { python3 -c 'import json, sys, urllib.request
print(json.load(urllib.request.urlopen(sys.argv[1] + "/count"))["paths"].get("/.well-known/jwks.json", 0))' "$http"; }
# shellcheck disable=SC2317 # called by wait_until
has_fetched() { [ "$(fetches)" = "$1" ]; }
kids() { sql "SELECT string_agg(kid, ',' ORDER BY kid) FROM clerk.signing_keys"; }
seen_by() { try "BEGIN; SET LOCAL ROLE app_user; SET LOCAL clerk_sync.token = '$1'; $SEEN; ROLLBACK"; }
URL=$http/.well-known/jwks.json

sql "SELECT FROM clerk.configure('$PUBLISHABLE_KEY', jwks_url => '$URL', fetch_keys => false)"
holds "the worker fetches the keys of a new instance by itself" wait_until 10 says "SELECT kid FROM clerk.signing_keys" ins_test
is "once" "$(fetches)" 1
cp "$SCRATCH/next/jwks.json" "$SCRATCH/jwks.part" && mv "$SCRATCH/jwks.part" "$SCRATCH/jwks.json"
bob=$(token user_bob --key "$SCRATCH/next")
like "a new key of Clerk's is not known at first" "$(seen_by "$bob")" 'ERROR:  28000:*jwk-kid-mismatch*'
sleep 1.5
is "within a minute of the last fetch no unknown key causes another" "$(fetches)" 1
# As if the last fetch was long ago: the worker starts anew, and the table says so.
sql "UPDATE clerk.instances SET keys_fetched_at = keys_fetched_at - interval '2 minutes'; SELECT pg_terminate_backend($(worker))" >/dev/null
wait_until 15 is_another "$pid"
sleep 1
is "keys of two minutes are not due" "$(fetches)" 1
sql "SELECT FROM clerk.inspect_token('$bob')"
sleep 0.5
is "inspecting a token asks for nothing" "$(fetches)" 1
seen_by "$bob" >/dev/null
holds "a backend that meets an unknown key has them fetched" wait_until 10 has_fetched 2
holds "and the next request is served" wait_until 10 says "BEGIN; SET LOCAL ROLE app_user; SET LOCAL clerk_sync.token = '$bob'; $SEEN; ROLLBACK" b1
is "the old key is gone with it" "$(kids)" ins_next
for _ in 1 2 3; do seen_by "$(token user_bob)" >/dev/null; done
sleep 2
is "more unknown keys within a minute cause no more fetches" "$(fetches)" 2
sql "ALTER SYSTEM SET clerk_sync.key_refresh_interval = '2s'; SELECT pg_reload_conf()" >/dev/null
holds "clerk_sync.key_refresh_interval counts after a reload" wait_until 15 has_fetched 4
sql "ALTER SYSTEM RESET clerk_sync.key_refresh_interval; SELECT pg_reload_conf()" >/dev/null
is "run_maintenance() leaves fresh keys alone" \
    "$(sql "SELECT detail ~ 'not due' FROM clerk.run_maintenance() WHERE step = 'signing keys'")" t

# --- a fetch that hangs

sql "ALTER SYSTEM SET clerk_sync.http_timeout = '30s'; SELECT pg_reload_conf()" >/dev/null
pid=$(worker)
sql "SELECT FROM clerk.configure('$PUBLISHABLE_KEY', jwks_url => '$http/hang', fetch_keys => false);
    UPDATE clerk.instances SET keys_fetched_at = NULL; SELECT pg_terminate_backend($pid)" >/dev/null
wait_until 15 is_another "$pid"
holds "a fetch hangs" wait_until 10 shows 'clerk_sync: fetching signing keys'
pid=$(worker)
is "it holds no transaction open" "$(sql "SELECT xact_start IS NULL AND backend_xmin IS NULL FROM pg_stat_activity WHERE pid = $pid")" t
like "a call beside it leaves the keys to the worker" \
    "$(sql "SELECT detail FROM clerk.run_maintenance() WHERE step = 'signing keys'")" 'left to another session*'
since=$(microseconds)
sql "SELECT pg_terminate_backend($pid)" >/dev/null
holds "SIGTERM ends a worker in the middle of a fetch" wait_until 10 is_gone "$pid"
within "within 1 s" "$since" 1000

# --- what others do to the database

sql "$SETUP_SQL SELECT FROM clerk.configure('$PUBLISHABLE_KEY', jwks_url => '$http/hang', fetch_keys => false)" -d other >/dev/null
wait_until 10 says "SELECT query FROM pg_stat_activity WHERE backend_type = 'clerk_sync worker' AND datname = 'other' AND state = 'active'" \
    'clerk_sync: fetching signing keys' || true
since=$(microseconds)
is "DROP DATABASE goes through, even while keys are being fetched" "$(try 'DROP DATABASE other')" ''
within "within 3 s" "$since" 3000
is "its worker is gone" "$(worker other)" ''
sql 'CREATE DATABASE other'
holds "a database of the same name has one again" wait_until 15 is_there other
is "a database can be a template beside its worker" "$(try 'CREATE DATABASE copy TEMPLATE other')" ''
holds "which comes back" wait_until 15 is_there other
is "it can be renamed" "$(try 'ALTER DATABASE other RENAME TO another')" ''
is "DROP DATABASE (FORCE) works" "$(try 'ALTER DATABASE another RENAME TO other; SELECT pg_sleep(3); DROP DATABASE other WITH (FORCE)')" ''

pid=$(worker)
since=$(microseconds)
sql 'SET client_min_messages = warning; DROP EXTENSION clerk_sync CASCADE; DROP TABLE notes'
within "DROP EXTENSION does not wait for the worker" "$since" 3000
sql "CREATE SCHEMA clerk; CREATE TABLE taken ();
    CREATE FUNCTION clerk._drain(max_events integer) RETURNS integer LANGUAGE sql AS 'INSERT INTO public.taken DEFAULT VALUES; SELECT 0'"
sleep 1.5
is "a schema clerk that is not the extension's is left alone" "$(sql 'SELECT count(*) FROM taken')" 0
sql 'SET client_min_messages = warning; DROP SCHEMA clerk CASCADE'
sql "$SETUP_SQL"
enqueue 30001 30001
holds "with the extension created anew, it works again" wait_until 10 has_applied 30001

# --- crash and restart

pid=$(worker)
open_session victim
victim=$(ask victim 'SELECT pg_backend_pid()')
as_server_user kill -9 "$victim"
sleep 1
wait_until 20 sql 'SELECT 1' >/dev/null 2>&1
holds "after a crash of a backend there is a worker again" wait_until 20 is_another "$pid"
enqueue 40001 40001
holds "which works" wait_until 10 has_applied 40001
(cd / && as_server_user "$BINDIR/pg_ctl" restart --pgdata "$DIRECTORY/data" --log "$DIRECTORY/log" --mode fast --silent --wait </dev/null)
holds "after a restart, too" wait_until 10 is_there

# --- a standby

STANDBY_PORT=5433
(
    cd /
    as_server_user "$BINDIR/pg_basebackup" --host "$PGHOST" --username postgres --pgdata "$DIRECTORY/standby" \
        --write-recovery-conf --checkpoint fast --no-sync
    as_server_user "$BINDIR/pg_ctl" start --pgdata "$DIRECTORY/standby" --log "$DIRECTORY/standby.log" --silent --wait \
        --options "-c port=$STANDBY_PORT" </dev/null
)
UNDO+=("as_server_user '$BINDIR/pg_ctl' stop --pgdata '$DIRECTORY/standby' --mode immediate --silent")
is "a standby has no worker" "$(sql "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^clerk'" -p $STANDBY_PORT)" 0
like "run_maintenance() is refused there" "$(try 'SELECT clerk.run_maintenance()' -p $STANDBY_PORT)" 'ERROR:  25006:*'
sql 'SELECT pg_promote()' -p $STANDBY_PORT >/dev/null
enqueue 50001 50001 -p $STANDBY_PORT
holds "once it is promoted, its worker works" wait_until 15 has_applied 50001 -p $STANDBY_PORT

is "no process crashed but the one that was killed" \
    "$(logged 'was terminated by signal')|$(logged PANIC)|$(as_server_user grep -cE 'terminated by signal|PANIC' "$DIRECTORY/standby.log" || true)" '1|0|0'
finish
