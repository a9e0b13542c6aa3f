# shellcheck shell=bash
# What the end-to-end tests share: claims, psql sessions that stay open, tokens, and a server with the extension, an
# instance and a table with row security. Sourced, never run.
#
# A test prints a line for each claim, `ok - ...` or `not ok - ...` with what was seen instead, and ends with `finish`.

# shellcheck source=../../../scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib.sh"

ISSUER=https://clerk.example.com
PUBLISHABLE_KEY=pk_live_$(printf 'clerk.example.com$' | base64)
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/clerk-e2e-files.XXXXXX")
chmod 755 "$SCRATCH"
NOT_OK=0
# Commands that undo what the test started, last one first.
UNDO=()
declare -A INPUT OUTPUT

clean_up() {
    local at fd
    for fd in "${INPUT[@]}"; do
        echo '\q' >&"$fd" || true
    done
    for ((at = ${#UNDO[@]} - 1; at >= 0; at--)); do
        eval "${UNDO[at]}" || true
    done
    rm -rf "$SCRATCH"
}
trap clean_up EXIT

finish() { exit "$((NOT_OK > 0))"; }

# --- claims

ok() { printf 'ok - %s\n' "$1"; }

not_ok() {
    NOT_OK=$((NOT_OK + 1))
    printf 'not ok - %s\n' "$1"
    printf '%s\n' "${@:2}" | sed 's/^/    /'
}

# is CLAIM ACTUAL EXPECTED
is() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "seen:     $2" "expected: $3"; fi
}

# like CLAIM ACTUAL PATTERN: the pattern is bash's, of the whole text.
like() {
    # shellcheck disable=SC2053 # a pattern is meant
    if [[ $2 == $3 ]]; then ok "$1"; else not_ok "$1" "seen:     $2" "expected: $3"; fi
}

# holds CLAIM COMMAND...
holds() {
    if "${@:2}"; then ok "$1"; else not_ok "$1" "failed: ${*:2}"; fi
}

# --- SQL

# sql STATEMENTS [PSQL-ARGUMENT...]: by a connection of its own; an error ends the test.
sql() { psql --no-psqlrc -qAt -v ON_ERROR_STOP=1 "${@:2}" <<<"$1"; }

# try STATEMENTS [PSQL-ARGUMENT...]: by a connection of its own; errors are part of the answer.
try() {
    psql --no-psqlrc -qAt -v VERBOSITY=verbose -v SHOW_CONTEXT=never "${@:2}" 2>&1 <<<"$1" | grep -v ^LOCATION || true
}

# open_session NAME [PSQL-ARGUMENT...]: a connection that stays open.
open_session() {
    local name=$1 to from
    shift
    rm -f "$SCRATCH/$name.in" "$SCRATCH/$name.out"
    mkfifo "$SCRATCH/$name.in" "$SCRATCH/$name.out"
    # Opened for both ways, so that neither side waits for the other.
    exec {to}<>"$SCRATCH/$name.in" {from}<>"$SCRATCH/$name.out"
    psql --no-psqlrc -qAt -P 'null=(null)' -v VERBOSITY=verbose -v SHOW_CONTEXT=never "$@" <&"$to" >&"$from" 2>&1 &
    INPUT[$name]=$to
    OUTPUT[$name]=$from
}

close_session() {
    echo '\q' >&"${INPUT[$1]}"
    unset "INPUT[$1]" "OUTPUT[$1]"
}

# send SESSION STATEMENTS: without waiting; receive SESSION: the answer, errors with their SQLSTATE included.
# A session that has ended gives no answer's end: receive waits 60 s for it, or as many as its second argument says.
send() { printf '%s;\n\\echo :END:\n' "${2%;}" >&"${INPUT[$1]}"; }

receive() {
    local line lines=()
    while true; do
        if ! IFS= read -r -t "${2:-60}" -u "${OUTPUT[$1]}" line; then
            lines+=("no answer within ${2:-60} s")
            break
        fi
        case $line in
            :END:) break ;;
            LOCATION:*) ;;
            *) lines+=("$line") ;;
        esac
    done
    local IFS=$'\n'
    printf '%s\n' "${lines[*]}"
}

# ask SESSION STATEMENTS: send and receive.
ask() {
    send "$1" "$2"
    receive "$1"
}

# --- time

microseconds() { printf '%s\n' "${EPOCHREALTIME/./}"; }

# wait_until SECONDS COMMAND...
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# --- tokens and servers

# sign CLAIMS [CLERK-TESTING-ARGUMENT...]: by the instance's key and good for ten minutes, unless said otherwise.
sign() {
    local defaults=() name
    for name in "key $CLERK_TEST_KEYS" "issuer $ISSUER" "lifetime 600"; do
        case " ${*:2} " in
            *" --${name%% *} "*) ;;
            *) defaults+=("--${name%% *}" "${name#* }") ;;
        esac
    done
    clerk-testing sign "${defaults[@]}" --claims "$1" "${@:2}"
}

# token USER [CLERK-TESTING-ARGUMENT...]
token() { sign "{\"sub\":\"$1\"}" "${@:2}"; }

# start_server NAME [SETTING=VALUE...]: leaves PGHOST and its kin set.
start_server() {
    prepare_server "e2e-$1" "${@:2}"
    UNDO+=("'$ROOT/scripts/server.sh' stop 'e2e-$1'")
    trap clean_up EXIT
}

# The extension, an instance with its key, the request role app_user, and notes of alice (two) and bob (one).
SETUP_SQL="
CREATE EXTENSION clerk_sync;
DO \$\$ BEGIN CREATE ROLE app_user LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
CREATE TABLE notes (owner text NOT NULL, body text NOT NULL);
INSERT INTO notes VALUES ('user_alice', 'a1'), ('user_alice', 'a2'), ('user_bob', 'b1');
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON notes USING (owner = clerk_user_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO app_user;
"

# In the database of PGDATABASE.
set_up() {
    sql "$SETUP_SQL
        SELECT FROM clerk.configure(:'key', fetch_keys => false);
        SELECT FROM clerk.add_signing_keys(:'issuer', :'jwks');" \
        -v "key=$PUBLISHABLE_KEY" -v "issuer=$ISSUER" -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")" >/dev/null
    is "the request role is neither superuser nor exempt from row security" \
        "$(sql "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'app_user'")" f
}

# What a person sees of the table, as one line.
# shellcheck disable=SC2034 # for the tests
SEEN="SELECT coalesce(string_agg(body, ',' ORDER BY body), 'nothing') FROM notes"
