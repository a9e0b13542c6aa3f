#!/usr/bin/env bash
# Runs the SQL tests against a private server and compares what psql printed with what is expected.
#
#   scripts/pg_regress.sh regress [TEST...]     tests/regress/sql/*.sql, by pg_regress
#   scripts/pg_regress.sh isolation [TEST...]   tests/isolation/specs/*.spec, by pg_isolation_regress
#
# Without TEST it runs all, one after the other, by name (so that 00_setup comes first), or as the file
# tests/KIND/schedule says. A test without an expected output fails. Where majors differ, expected/TEST_1.out is the
# alternative. A test finds in its environment: clerk-testing in PATH, CLERK_TEST_KEYS (the instance's key, kid
# ins_test) and CLERK_FORGED_KEYS (a stranger's key under the same kid).
#
#   ACCEPT=1         takes what was printed as what is expected; read the diff before committing it
#   INSTALLCHECK=1   uses the server that PGHOST and its kin point to, where the extension is installed already;
#                    the database contrib_regression is dropped and made anew there

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

kind=${1:-}
case $kind in
    regress) suffix=sql program=pg_regress folder=sql ;;
    isolation) suffix=spec program=pg_isolation_regress folder=specs ;;
    *)
        print_header
        [ "$kind" = --help ]
        exit
        ;;
esac
shift
suite=$ROOT/tests/$kind
output=$TARGET/$kind-pg$PG
database=contrib_regression

shopt -s nullglob
tests=("$@")
if [ "${#tests[@]}" -eq 0 ]; then
    for file in "$suite/$folder"/*."$suffix"; do
        tests+=("$(basename "$file" ".$suffix")")
    done
    if [ "${#tests[@]}" -eq 0 ]; then
        say "$kind: there are no tests yet"
        exit 0
    fi
    selection=("${tests[@]}")
    if [ -f "$suite/schedule" ]; then
        selection=("--schedule=$suite/schedule")
    fi
else
    # What the others stand on.
    selection=()
    if [ -f "$suite/$folder/00_setup.$suffix" ] && [ "${tests[0]}" != 00_setup ]; then
        selection+=(00_setup)
    fi
    selection+=("${tests[@]}")
fi

check_expectations() {
    local name missing=0
    for name in "${tests[@]}"; do
        if [ ! -f "$suite/expected/$name.out" ]; then
            say "$kind: $name has no expected output"
            missing=$((missing + 1))
        fi
    done
    [ "$missing" -eq 0 ] || die "make them with ACCEPT=1 and read them"
}

# A new test has nothing to be compared with, and pg_regress would stop at it.
make_room_for_new_tests() {
    local name
    mkdir -p "$suite/expected"
    for name in "${tests[@]}"; do
        [ -f "$suite/expected/$name.out" ] || : >"$suite/expected/$name.out"
    done
}

accept() {
    local result name file
    for result in "$output"/results/*.out; do
        name=$(basename "$result" .out)
        # A result that is one of the alternatives leaves them all as they are.
        for file in "$suite/expected/$name".out "$suite/expected/$name"_[0-9].out; do
            if cmp -s "$result" "$file"; then
                continue 2
            fi
        done
        cp "$result" "$suite/expected/$name.out"
        say "$kind: accepted $name"
    done
}

[ -n "${ACCEPT:-}" ] || check_expectations
if [ -n "${INSTALLCHECK:-}" ]; then
    build_tools
    make_test_keys
    BINDIR=$("$(build_pg_config)" --bindir)
    export PATH=$BINDIR:$PATH
else
    prepare_server "$kind"
fi

rm -rf "$output"
mkdir -p "$output"
[ -z "${ACCEPT:-}" ] || make_room_for_new_tests

program=$(dirname "$("$BINDIR/pg_config" --pgxs)")/../test/$kind/$program
say "$kind: ${#tests[@]} tests on $("$BINDIR/postgres" --version)"
passes=yes
"$program" --bindir="$BINDIR" --inputdir="$suite" --outputdir="$output" --dbname="$database" \
    --host="${PGHOST:-}" --port="${PGPORT:-5432}" --user="${PGUSER:-$(id -un)}" --encoding=UTF8 --no-locale \
    "${selection[@]}" >"$output/report" 2>&1 </dev/null || passes=no
cat "$output/report"

if [ -n "${ACCEPT:-}" ]; then
    accept
    exit 0
fi
if [ -s "$output/regression.diffs" ]; then
    cat "$output/regression.diffs"
fi
# Up to 15 it says `test NAME ... ok`, from 16 on it speaks TAP.
passed=$(grep -cE '^ok |\.\.\. ok ' "$output/report" || true)
failed=$(grep -cE '^not ok |\.\.\. FAILED' "$output/report" || true)
if [ "$passes" = no ] && [ "$failed" -eq 0 ]; then
    # pg_regress itself could not go on.
    failed=1
fi
if [ "$failed" -gt 0 ] && [ -n "${CLERK_SERVER_LOG:-}" ]; then
    as_server_user grep -E 'PANIC|FATAL|terminated by signal' "$CLERK_SERVER_LOG" >&2 || true
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passes" = yes ] && [ "$passed" -gt 0 ]
