#!/usr/bin/env bash
# Backfill: what reading all users from the Backend API costs of our own, over a bare COPY and one upsert of the same rows.
#
# The API is played by clerk-testing, over TLS on this machine. Our own time is the time of the call less the time that the
# server was at it, by the server's own count. The bare side is given a file with exactly what the call has left in
# clerk.users, every column ready: COPY into a temporary table that compresses alike, one INSERT … SELECT … ON CONFLICT DO
# UPDATE into a table with the same columns, constraints and indexes, and the commit, in one transaction. It asks, parses and
# decides nothing. Beside both, what a naive script does of the same rows: one upsert a row, each committed by itself, by
# psql from a file.
#
# What the processors were at it in the backend tells more than the clock where the machine has other work.
#
# Every table is empty before each turn, and the order of turns is another one in each round.
#
#   BENCH_USERS=100000 BENCH_NAIVE=5000   what is measured; less is a rehearsal
#   BENCH_MILLION=1                       the memory of a million users, too

# shellcheck source=lib/bench.sh
source "$(dirname "$0")/lib/bench.sh"

USERS=${BENCH_USERS:-100000}
NAIVE=${BENCH_NAIVE:-5000}
NAIVE=$((NAIVE > USERS ? USERS : NAIVE))
ROUNDS=$((ROUNDS > 3 ? 3 : ROUNDS))
PAGE=500
API_KEY=sk_live_0123456789abcdefghijABCDEFGHIJ

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/clerk-bench-backfill.XXXXXX")
chmod 755 "$SCRATCH"
API_PID=
clean_up() {
    [ -z "$API_PID" ] || kill "$API_PID" 2>/dev/null || true
    rm -rf "$SCRATCH"
}
trap clean_up EXIT

# ---------------------------------------------------------------------------------------------- Clerk

# start_api USERS: anew, with so many users.
start_api() {
    [ -z "$API_PID" ] || { kill "$API_PID"; wait "$API_PID" 2>/dev/null || true; }
    rm -f "$SCRATCH/port"
    "$BENCH_TOOL" serve --jwks "$CLERK_TEST_KEYS/jwks.json" --port-file "$SCRATCH/port" --tls-dir "$SCRATCH/tls" \
        --api-key "$API_KEY" >/dev/null &
    API_PID=$!
    until [ -s "$SCRATCH/port" ]; do sleep 0.05; done
    chmod 755 "$SCRATCH/tls"
    chmod 644 "$SCRATCH/tls/ca.pem"
    API=https://localhost:$(cat "$SCRATCH/port")
    control generate "{\"kind\":\"users\",\"count\":$1,\"from\":0}" >/dev/null
    sql "LOAD 'clerk_sync';
        ALTER SYSTEM SET clerk_sync.api_url = '$API/v1';
        ALTER SYSTEM SET clerk_sync.ca_file = '$SCRATCH/tls/ca.pem'"
    sql "SELECT FROM pg_reload_conf()"
    sleep 0.2
}

# control COMMAND [JSON]: POST where there is a body, GET otherwise.
control() {
    local arguments=()
    [ -z "${2:-}" ] || arguments=(--data-binary "$2")
    curl --silent --show-error --fail --cacert "$SCRATCH/tls/ca.pem" "${arguments[@]}" "$API/control/$1"
}

# ---------------------------------------------------------------------------------------------- the contenders

# timed STATEMENTS: how long they take, and how long the processors are at it in the backend, all its threads: seconds.
timed() {
    sql "
    SELECT pg_backend_pid() AS pid \\gset
    \\setenv BACKEND :pid
    SET client_min_messages = warning;
    \\set cpu \`cut -d ' ' -f 14,15 /proc/\$BACKEND/stat\`
    SELECT clock_timestamp() AS begun \\gset
    $1
    SELECT extract(epoch FROM clock_timestamp() - :'begun') AS seconds \\gset
    \\echo :seconds \`cut -d ' ' -f 14,15 /proc/\$BACKEND/stat\` :cpu
    " | awk -v ticks="$(getconf CLK_TCK)" '{ print $1, ($2 + $3 - $4 - $5) / ticks }'
}

# count_or_die TABLE ROWS
count_or_die() {
    local found
    found=$(sql "SELECT count(*) FROM $1")
    [ "$found" -eq "$2" ] || die "$found rows in $1, not $2"
}

empty() { sql "TRUNCATE clerk.users, bare_users, naive_users; CHECKPOINT"; }

# Prints the time of a call, that of the processors, the server's share by its own count, and the requests' share by ours.
run_ours() {
    empty
    control forget '{}' >/dev/null
    local times busy waited
    times=$(timed "CALL clerk.backfill('{users}');")
    busy=$(control requests | sed -n 's/.*"busy_us":\([0-9]*\).*/\1/p')
    waited=$(sql "SELECT extract(epoch FROM request_time) FROM clerk.sync_runs ORDER BY id DESC LIMIT 1")
    printf '%s %s %s\n' "$times" "$(awk -v us="$busy" 'BEGIN { print us / 1e6 }')" "$waited"
}

user_changes=$(sql "SELECT string_agg(attname || ' = excluded.' || attname, ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = 'clerk.users'::regclass AND attnum > 1 AND NOT attisdropped")

run_bare() {
    empty
    timed "
    BEGIN;
    CREATE TEMPORARY TABLE staging (LIKE clerk.users INCLUDING STORAGE INCLUDING COMPRESSION) ON COMMIT DROP;
    COPY staging FROM '$SCRATCH/users.copy';
    INSERT INTO bare_users SELECT * FROM staging ON CONFLICT (id) DO UPDATE SET $user_changes;
    COMMIT;"
}

run_naive() {
    empty
    local begun=$EPOCHREALTIME
    psql --no-psqlrc -q -v ON_ERROR_STOP=1 -f "$SCRATCH/users.sql"
    awk -v begun="$begun" -v ended="$EPOCHREALTIME" 'BEGIN { print ended - begun }'
}

sql "
SET client_min_messages = warning;
SELECT FROM clerk.set_secret('api_key', '$API_KEY');
DROP TABLE IF EXISTS bare_users, naive_users;
CREATE TABLE bare_users (LIKE clerk.users INCLUDING ALL);
CREATE TABLE naive_users (LIKE clerk.users INCLUDING ALL)"
start_api "$USERS"

# ---------------------------------------------------------------------------------------------- requests

# The first call of a key finds out whose it is; its rows are the input of the others.
run_ours >/dev/null
chmod 644 "$SCRATCH/tls/ca.pem"
columns=$(sql "SELECT string_agg('pg_catalog.quote_nullable(' || attname || ')', ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = 'clerk.users'::regclass AND attnum > 0 AND NOT attisdropped")
sql "COPY clerk.users TO STDOUT" >"$SCRATCH/users.copy"
sql "SELECT 'INSERT INTO naive_users VALUES (' || concat_ws(', ', $columns) || ') ON CONFLICT (id) DO UPDATE SET $user_changes;'
    FROM clerk.users LIMIT $NAIVE" >"$SCRATCH/users.sql"
run_ours >/dev/null
requests=$(control requests | python3 -c 'import json, sys; print(*(f"{count} of {path}" for path, count in json.load(sys.stdin)["paths"].items()), sep=", ")')
total=$(control requests | sed -n 's/.*"total":\([0-9]*\).*/\1/p')

printf '%s users, %s bytes of JSON each on the average, %s MB in the file; medians of %s rounds; seconds\n' "$USERS" \
    "$(sql 'SELECT round(avg(length(data::text))) FROM clerk.users')" "$(($(stat -c %s "$SCRATCH/users.copy") / 1000000))" "$ROUNDS"
printf 'requests: %s; asked once for each key: /v1/jwks\n' "$requests"
verdict "requests for $USERS users" "$total" at-most $(((USERS + PAGE - 1) / PAGE + 1))

# ---------------------------------------------------------------------------------------------- time

# column NUMBER: of the lines on standard input, its median.
column() { awk -v number="$1" '{ print $number }' | median; }

# measure on|off: whether commits are durable.
measure() {
    sql "ALTER SYSTEM SET fsync = $1"
    sql "ALTER SYSTEM SET synchronous_commit = $1"
    sql "SELECT FROM pg_reload_conf()"
    local ours=() bare=() naive=() n which
    for ((n = 1; n <= ROUNDS; n++)); do
        for which in $(if ((n % 2)); then echo ours bare naive; else echo naive bare ours; fi); do
            case $which in
                ours) ours+=("$(run_ours)"); count_or_die clerk.users "$USERS" ;;
                bare) bare+=("$(run_bare)"); count_or_die bare_users "$USERS" ;;
                naive) naive+=("$(run_naive)"); count_or_die naive_users "$NAIVE" ;;
            esac
        done
    done
    # Wall time, processors, server, requests, own: by the server's count, and by ours.
    local sums wall cpu busy waited own own_less bare_wall bare_cpu naive_wall
    sums=$(printf '%s\n' "${ours[@]}" | awk '{ print $0, $1 - $3, $1 - $4 }')
    wall=$(column 1 <<<"$sums") cpu=$(column 2 <<<"$sums") busy=$(column 3 <<<"$sums") waited=$(column 4 <<<"$sums")
    own=$(column 5 <<<"$sums") own_less=$(column 6 <<<"$sums")
    bare_wall=$(printf '%s\n' "${bare[@]}" | column 1) bare_cpu=$(printf '%s\n' "${bare[@]}" | column 2)
    naive_wall=$(printf '%s\n' "${naive[@]}" | median)
    printf 'durable commits %s\n' "$1"
    printf '  clerk.backfill(), the whole call                       %8.2f   (processors, TLS included: %.2f)\n' "$wall" "$cpu"
    printf '    the server at its answers, by its own count          %8.2f\n' "$busy"
    printf '    requests as the call saw them                        %8.2f\n' "$waited"
    printf '    our own time: without the server                     %8.2f\n' "$own"
    printf '    without the requests                                 %8.2f\n' "$own_less"
    printf '  COPY, one upsert, commit                               %8.2f   (processors: %.2f)\n' "$bare_wall" "$bare_cpu"
    printf '  one upsert a row, of %6s rows                        %8.2f   (of all, by that: %.1f)\n' "$NAIVE" "$naive_wall" \
        "$(awk -v s="$naive_wall" -v n="$NAIVE" -v all="$USERS" 'BEGIN { print s / n * all }')"
    verdict "our own time over COPY and upsert, durable commits $1" "$(awk -v a="$own" -v b="$bare_wall" 'BEGIN { print a / b }')" at-most 1.5
    printf '       by processors it is %s, TLS and all\n' "$(awk -v a="$cpu" -v b="$bare_cpu" 'BEGIN { printf "%.2f", a / b }')"
    printf '       without the requests it is %s, and one upsert a row %s times COPY and upsert\n' \
        "$(awk -v a="$own_less" -v b="$bare_wall" 'BEGIN { printf "%.2f", a / b }')" \
        "$(awk -v s="$naive_wall" -v n="$NAIVE" -v all="$USERS" -v b="$bare_wall" 'BEGIN { printf "%.1f", s / n * all / b }')"
}

measure off
measure on

# The same again: nothing has changed.
control forget '{}' >/dev/null
again=$(timed "CALL clerk.backfill('{users}');" | column 1)
busy=$(control requests | sed -n 's/.*"busy_us":\([0-9]*\).*/\1/p')
printf 'the same again, all of them here as they are: %.2f, our own time %.2f\n' "$again" \
    "$(awk -v a="$again" -v us="$busy" 'BEGIN { print a - us / 1e6 }')"

# ---------------------------------------------------------------------------------------------- memory

# peak USERS: leaves in MOST the most memory of its own that a fresh backend had in a backfill of so many, in kB.
peak() {
    start_api "$1"
    empty
    rm -f "$SCRATCH/pid"
    psql --no-psqlrc -qAt -v ON_ERROR_STOP=1 >/dev/null <<<"
        SET client_min_messages = warning;
        SELECT pg_backend_pid() \\g $SCRATCH/pid
        CALL clerk.backfill('{users}');" &
    local client=$! backend name kilobytes
    MOST=0
    until [ -s "$SCRATCH/pid" ]; do sleep 0.01; done
    backend=$(cat "$SCRATCH/pid")
    while kill -0 "$client" 2>/dev/null; do
        while read -r name kilobytes _; do
            if [ "$name" = RssAnon: ]; then MOST=$((kilobytes > MOST ? kilobytes : MOST)); fi
        done 2>/dev/null <"/proc/$backend/status" || true
        sleep 0.005
    done
    wait "$client"
    count_or_die clerk.users "$1"
}

sizes=(1000 10000 "$USERS")
[ -z "${BENCH_MILLION:-}" ] || sizes+=(1000000)
peaks=()
for size in "${sizes[@]}"; do
    peak "$size"
    peaks+=("$MOST")
    printf 'peak of the own memory of a fresh backend, %7s users: %6s kB\n' "$size" "${peaks[-1]}"
done
verdict "memory for ${sizes[-1]} users, times that for 1000" "$(awk -v a="${peaks[-1]}" -v b="${peaks[0]}" 'BEGIN { print a / b }')" at-most 1.25
sql "SET client_min_messages = warning; TRUNCATE clerk.users, clerk.sync_runs CASCADE; DROP TABLE bare_users, naive_users; ALTER SYSTEM RESET clerk_sync.api_url; ALTER SYSTEM RESET clerk_sync.ca_file"
