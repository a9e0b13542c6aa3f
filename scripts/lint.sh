#!/usr/bin/env bash
# Everything that reads the code without running it: rustfmt, clippy, rustdoc, the lock file, shellcheck, and, where
# it is installed, cargo-deny.

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

build_pg_config >/dev/null
features=(--workspace --no-default-features --features "clerk_sync/pg$PG")

say "lint: rustfmt"
cargo fmt --all --check
say "lint: clippy, with the lock file as it is"
cargo clippy --quiet --locked --all-targets "${features[@]}" -- --deny warnings
say "lint: rustdoc"
RUSTDOCFLAGS="--deny warnings" cargo doc --quiet --no-deps "${features[@]}"
say "lint: shellcheck"
shopt -s nullglob globstar
shellcheck --external-sources --source-path SCRIPTDIR scripts/*.sh .ci/run tests/**/*.sh examples/**/*.sh
if command -v cargo-deny >/dev/null; then
    say "lint: cargo-deny"
    cargo deny --offline check bans licenses sources
else
    say "lint: cargo-deny is not installed; deny.toml was not checked"
fi
say "lint: clean"
