#!/usr/bin/env bash
# A private, throw-away Postgres server: its own folder, its own socket, no TCP, no fsync, superuser postgres.
#
#   scripts/server.sh start NAME [SETTING=VALUE...]   starts it; prints `export PGHOST=...` and so on, for eval
#   scripts/server.sh stop NAME                       stops it at once and removes all of it; its log stays in target/log
#   scripts/server.sh stop-all                        stops every server that this checkout started
#
# A server of the same name from an earlier run is stopped first. Run by root, the server runs as user postgres.
# In a script:  settings=$(scripts/server.sh start demo); eval "$settings"; trap 'scripts/server.sh stop demo' EXIT

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

# One file for each running server, named after it: its folder and its pg_ctl, a line each.
RUNNING=$TARGET/servers

# Postgres reads names and quoted values from its configuration; a quote is doubled.
setting_line() { printf "%s = '%s'\n" "${1%%=*}" "$(printf '%s' "${1#*=}" | sed "s/'/''/g")"; }

start() {
    local name=$1 bindir directory port=5432 setting
    shift
    stop "$name"
    bindir=$("$(private_pg_config)" --bindir)
    directory=$(as_server_user mktemp -d "${TMPDIR:-/tmp}/clerk-$name.XXXXXX")
    mkdir -p "$RUNNING"
    printf '%s\n%s\n' "$directory" "$bindir/pg_ctl" >"$RUNNING/$name"

    as_server_user "$bindir/initdb" --pgdata "$directory/data" --username postgres --auth trust \
        --encoding UTF8 --locale C --no-sync >"$RUNNING/$name.initdb" 2>&1 \
        || { cat "$RUNNING/$name.initdb" >&2; stop "$name"; die "initdb failed"; }
    rm -f "$RUNNING/$name.initdb"
    {
        for setting in listen_addresses= "unix_socket_directories=$directory" port=$port \
            fsync=off synchronous_commit=off full_page_writes=off max_connections=50 \
            timezone=UTC log_timezone=UTC "log_line_prefix=%m [%p] %q%u@%d " "$@"; do
            setting_line "$setting"
        done
    } | as_server_user tee -a "$directory/data/postgresql.conf" >/dev/null
    for setting in "$@"; do
        case $setting in port=*) port=${setting#port=} ;; esac
    done

    if ! as_server_user "$bindir/pg_ctl" start --pgdata "$directory/data" --log "$directory/log" --timeout 60 \
        --silent --wait >&2 </dev/null; then
        as_server_user tail -n 40 "$directory/log" >&2
        stop "$name"
        die "server $name did not start"
    fi
    say "server $name: $("$bindir/postgres" --version) in $directory"
    printf 'export %s\n' "PGHOST='$directory'" "PGPORT='$port'" PGUSER=postgres PGDATABASE=postgres \
        "CLERK_SERVER_LOG='$directory/log'"
}

stop() {
    local name=$1 directory pg_ctl
    [ -f "$RUNNING/$name" ] || return 0
    { read -r directory && read -r pg_ctl; } <"$RUNNING/$name"
    if as_server_user test -f "$directory/data/postmaster.pid"; then
        as_server_user "$pg_ctl" stop --pgdata "$directory/data" --mode immediate --silent >&2 || true
    fi
    if as_server_user test -f "$directory/log"; then
        mkdir -p "$TARGET/log"
        as_server_user cat "$directory/log" >"$TARGET/log/$name-pg$PG.log"
    fi
    as_server_user rm -rf "$directory"
    rm -f "$RUNNING/$name"
}

stop_all() {
    local file
    for file in "$RUNNING"/*; do
        if [ -f "$file" ]; then
            stop "$(basename "$file")"
        fi
    done
}

# From here every folder is reachable: a server user may have no right to enter the caller's.
cd /
case "${1:-}" in
    start)
        [ "$#" -ge 2 ] || die "start needs a name"
        shift
        start "$@"
        ;;
    stop)
        [ "$#" -eq 2 ] || die "stop needs a name"
        stop "$2"
        ;;
    stop-all) stop_all ;;
    *)
        print_header
        [ "${1:-}" = --help ]
        ;;
esac
