#!/usr/bin/env bash
# PgBouncer in transaction mode with one server connection: two clients take turns on one backend, and neither gets
# anything of the other's session, not even where a client says SET without LOCAL, and not on a backend that has not
# loaded the library yet.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server pooled
set_up
alice=$(token user_alice)
bob=$(token user_bob)

start_pgbouncer() {
    local directory
    directory=$(dirname "$CLERK_SERVER_LOG")
    as_server_user tee "$directory/pgbouncer.ini" >/dev/null <<INI
[databases]
postgres = host=$PGHOST port=$PGPORT
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $directory
auth_type = trust
auth_file = $directory/users
admin_users = postgres
pool_mode = transaction
default_pool_size = 1
max_client_conn = 20
logfile = $directory/pgbouncer.log
pidfile = $directory/pgbouncer.pid
INI
    printf '"app_user" ""\n"postgres" ""\n' | as_server_user tee "$directory/users" >/dev/null
    as_server_user pgbouncer --daemon --quiet "$directory/pgbouncer.ini"
    UNDO+=("kill \"\$(as_server_user cat '$directory/pgbouncer.pid')\"")
    wait_until 10 answers
}
# shellcheck disable=SC2317 # called by wait_until
answers() { sql 'SHOW VERSION' -p 6432 -U postgres pgbouncer >/dev/null 2>&1; }

# The next transaction runs on a new backend. It has not loaded the library: nothing is preloaded.
fresh_backend() { sql RECONNECT -p 6432 -U postgres pgbouncer; }

start_pgbouncer
for client in a b; do
    open_session $client -p 6432 -U app_user postgres
done

REFUSED='ERROR:  28000: the Clerk session token was set by an earlier transaction*HINT:*SET LOCAL*'

is "both clients share one backend" "$(ask a 'SELECT pg_backend_pid()')" "$(ask b 'SELECT pg_backend_pid()')"
first=$(ask a 'SELECT pg_backend_pid()')
fresh_backend
is "a fresh backend is another one" "$([ "$first" != "$(ask a 'SELECT pg_backend_pid()')" ] && echo yes)" yes

# Every case on a backend that has loaded the library, and on one that has not.
for state in loaded fresh; do
    begin_case() {
        if [ $state = fresh ]; then
            fresh_backend
        else
            ask b "RESET clerk_sync.token; SELECT clerk_user_id()" >/dev/null
        fi
    }

    begin_case
    ask a "SET clerk_sync.token = '$alice'" >/dev/null
    like "$state: B is refused, with a hint, where A said SET without LOCAL" "$(ask b "$SEEN")" "$REFUSED"
    like "$state: B is refused again" "$(ask b "$SEEN")" "$REFUSED"
    like "$state: and inside a transaction block too" "$(ask b "BEGIN; $SEEN; ROLLBACK")" "$REFUSED"
    like "$state: A itself is refused in its next transaction" "$(ask a "$SEEN")" "$REFUSED"
    is "$state: B sees its own rows after SET LOCAL over it" \
        "$(ask b "BEGIN; SET LOCAL clerk_sync.token = '$bob'; $SEEN; COMMIT")" b1
    like "$state: what A left behind does not come to life after that" "$(ask b "$SEEN")" "$REFUSED"
    is "$state: RESET clears it" "$(ask b "RESET clerk_sync.token; $SEEN")" nothing

    begin_case
    is "$state: SET and read in one transaction serve A" \
        "$(ask a "BEGIN; SET clerk_sync.token = '$alice'; $SEEN; COMMIT")" a1,a2
    like "$state: B is refused after it" "$(ask b "$SEEN")" "$REFUSED"

    begin_case
    ask a "SET clerk_sync.token = '$alice'" >/dev/null
    like "$state: a rollback to a savepoint does not bring A's token to life for B" \
        "$(ask b "BEGIN; SAVEPOINT s; SET LOCAL clerk_sync.token = '$bob'; $SEEN; ROLLBACK TO s; $SEEN; ROLLBACK")" \
        "b1*$REFUSED"

    begin_case
    ask a "SET clerk_sync.token = '$alice'" >/dev/null
    like "$state: neither where the library is loaded only after that rollback" \
        "$(ask b "BEGIN; SAVEPOINT s; SET LOCAL clerk_sync.token = '$bob'; ROLLBACK TO s; $SEEN; ROLLBACK")" "$REFUSED"

    begin_case
    ask a "SET clerk_sync.token = '$alice'" >/dev/null
    like "$state: neither where B sets it to what it is" \
        "$(ask b "BEGIN; SAVEPOINT s; SELECT set_config('clerk_sync.token', current_setting('clerk_sync.token'), true) <> ''; ROLLBACK TO s; $SEEN; ROLLBACK")" \
        "[tf]*$REFUSED"
    if [ $state = loaded ]; then
        is "$state: nor can B read it" "$(ask b "SELECT current_setting('clerk_sync.token')")" ''
    fi

    begin_case
    is "$state: SET LOCAL serves A" "$(ask a "BEGIN; SET LOCAL clerk_sync.token = '$alice'; $SEEN; COMMIT")" a1,a2
    is "$state: B without a token sees nothing after it, and no error" "$(ask b "$SEEN")" nothing
    is "$state: a token set and rolled back is gone" \
        "$(ask a "BEGIN; SET LOCAL clerk_sync.token = '$alice'; ROLLBACK"; ask b "$SEEN")" $'\nnothing'
    is "$state: set_config outside a transaction block ends with its statement" \
        "$(ask a "SELECT set_config('clerk_sync.token', '$alice', true) <> ''"; ask b "$SEEN")" $'t\nnothing'

    begin_case
    answers=
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        answers+="$(ask a "BEGIN; SET LOCAL clerk_sync.token = '$alice'; $SEEN; COMMIT") "
        answers+="$(ask b "BEGIN; SET LOCAL clerk_sync.token = '$bob'; $SEEN; COMMIT") "
    done
    is "$state: two clients alternate twenty times, each with its own rows" \
        "$answers" "$(printf 'a1,a2 b1 %.0s' 1 2 3 4 5 6 7 8 9 10)"
done

headers="{\"authorization\": \"Bearer $alice\"}"
fresh_backend
is "request.headers set locally serve A" \
    "$(ask a "BEGIN; SELECT set_config('request.headers', '$headers', true) <> ''; $SEEN; COMMIT")" $'t\na1,a2'
is "and leave nothing for B" "$(ask b "$SEEN")" nothing
finish
