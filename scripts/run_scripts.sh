#!/usr/bin/env bash
# Runs the shell tests of tests/KIND, each by itself, with a time limit.
#
#   scripts/run_scripts.sh KIND [TEST...]     KIND is e2e or upgrade: tests/KIND/*.sh
#
# A test starts what it needs and stops it (source scripts/lib.sh and call prepare_server, which sees to it; call its
# server KIND-something). It finds in its environment: clerk-testing in PATH, CLERK_TEST_KEYS and CLERK_FORGED_KEYS,
# PG. It prints a line for each claim, `ok - ...` or `not ok - ...`, which are counted, and ends with 0 where all hold;
# a test that prints none counts as one. All that it printed is shown when it ends otherwise, and always with VERBOSE=1.
#
#   TEST_SECONDS=300   the time limit of one test

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

[ "$#" -ge 1 ] || { print_header; exit 1; }
kind=$1
shift
shopt -s nullglob
tests=("$@")
if [ "${#tests[@]}" -eq 0 ]; then
    for file in "$ROOT/tests/$kind"/*.sh; do
        tests+=("$(basename "$file" .sh)")
    done
fi
if [ "${#tests[@]}" -eq 0 ]; then
    say "$kind: there are no tests yet"
    exit 0
fi

build_tools
make_test_keys
# What a test that was killed left running. Other runs of this checkout keep their servers.
stop_servers() {
    local file
    for file in "$TARGET/servers/$kind"-*; do
        "$ROOT/scripts/server.sh" stop "$(basename "$file")"
    done
}
trap stop_servers EXIT
mkdir -p "$TARGET/log"
passed=0
failed=0
for name in "${tests[@]}"; do
    log=$TARGET/log/$kind-$name-pg$PG.out
    say "$kind: $name"
    status=0
    timeout --kill-after 10 "${TEST_SECONDS:-300}" bash "$ROOT/tests/$kind/$name.sh" >"$log" 2>&1 </dev/null || status=$?
    holding=$(grep -c '^ok - ' "$log" || true)
    broken=$(grep -c '^not ok - ' "$log" || true)
    if [ "$status" -eq 0 ] && [ "$broken" -eq 0 ]; then
        passed=$((passed + (holding > 0 ? holding : 1)))
        [ -z "${VERBOSE:-}" ] || cat "$log"
    else
        passed=$((passed + holding))
        failed=$((failed + (broken > 0 ? broken : 1)))
        cat "$log"
        say "$kind: $name FAILED with $status"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
