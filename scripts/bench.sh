#!/usr/bin/env bash
# Runs the benchmarks of tests/bench (*.sql by psql, *.sh by bash), one after the other, on a private server that
# nothing else uses, and keeps what they print in target/bench-pgPG.txt.
#
#   scripts/bench.sh [BENCHMARK...]
#
# Each prints what it measured and whether its targets are met; a target that is MISSED fails the run.
#
#   BENCH_ROWS=1000000 BENCH_ROUNDS=7 BENCH_TOKENS=20000 BENCH_SECONDS=10   what is measured; less is a rehearsal
#
# They find clerk-testing in PATH, an optimised one in BENCH_TOOL, the keys in CLERK_TEST_KEYS, and in PGHOST and its kin an empty database, where they
# create the extension themselves.

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

shopt -s nullglob
if [ "$#" -gt 0 ]; then
    benchmarks=()
    for name in "$@"; do
        benchmarks+=("$ROOT/tests/bench/$name".{sql,sh})
    done
else
    benchmarks=("$ROOT"/tests/bench/*.{sql,sh})
fi
# One backend, everything in memory, no help from JIT or parallel workers: what is measured is the call itself.
prepare_server bench shared_buffers=512MB work_mem=64MB jit=off max_parallel_workers_per_gather=0 autovacuum=off \
    max_wal_size=4GB
cargo build --quiet --release -p clerk_testing
export BENCH_TOOL=$TARGET/release/clerk-testing
results=$TARGET/bench-pg$PG.txt
{
    printf '%s\n%s cores of %s\n' "$(postgres --version)" "$(nproc)" \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
} >"$results"
for benchmark in "${benchmarks[@]}"; do
    [ -f "$benchmark" ] || continue
    say "bench: $(basename "$benchmark")"
    printf '\n%s\n' "$(basename "$benchmark")" >>"$results"
    case $benchmark in
        *.sql) psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --file "$benchmark" ;;
        *.sh) bash "$benchmark" ;;
    esac </dev/null | tee -a "$results"
done
say "kept in $results"
if grep -q '^MISSED' "$results"; then
    die "$(grep -c '^MISSED' "$results") targets are missed"
fi
