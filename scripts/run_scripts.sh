#!/usr/bin/env bash
# Runs the shell tests of tests/KIND, each by itself, with a time limit.
#
#   scripts/run_scripts.sh KIND [TEST...]     KIND is e2e or upgrade: tests/KIND/*.sh
#
# A test starts what it needs and stops it (source scripts/lib.sh and call prepare_server, which sees to it). It
# finds in its environment: clerk-testing in PATH, CLERK_TEST_KEYS and CLERK_FORGED_KEYS, PG. It passes when it ends
# with 0; what it printed is shown when it does not.
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
trap '"$ROOT/scripts/server.sh" stop-all' EXIT
mkdir -p "$TARGET/log"
passed=0
failed=0
for name in "${tests[@]}"; do
    log=$TARGET/log/$kind-$name-pg$PG.out
    say "$kind: $name"
    if timeout --kill-after 10 "${TEST_SECONDS:-300}" bash "$ROOT/tests/$kind/$name.sh" >"$log" 2>&1 </dev/null; then
        passed=$((passed + 1))
    else
        status=$?
        failed=$((failed + 1))
        cat "$log"
        say "$kind: $name FAILED with $status"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
