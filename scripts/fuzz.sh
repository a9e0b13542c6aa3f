#!/usr/bin/env bash
# Fuzzes each target of fuzz/ for FUZZ_SECONDS (60 unless set). Needs cargo-fuzz and a nightly toolchain.
#
#   scripts/fuzz.sh [TARGET...]

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

cargo +nightly --version >/dev/null 2>&1 || die "fuzzing needs a nightly toolchain: rustup toolchain install nightly"
cargo fuzz --version >/dev/null 2>&1 || die "fuzzing needs cargo-fuzz: cargo install cargo-fuzz"
unset CARGO_TARGET_DIR
if [ "$#" -eq 0 ]; then
    mapfile -t targets < <(cargo +nightly fuzz list)
    set -- "${targets[@]}"
fi
for target in "$@"; do
    say "fuzz: $target for ${FUZZ_SECONDS:-60} s"
    cargo +nightly fuzz run "$target" -- -max_total_time="${FUZZ_SECONDS:-60}"
done
