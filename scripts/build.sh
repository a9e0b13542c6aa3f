#!/usr/bin/env bash
# Builds the extension for Postgres PG, optimised, into target/pgPG/stage: the library, the control file and the SQL
# as they would lie in the installation that it was built against. Nothing is installed.

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

pg_config=$(build_pg_config)
[ -f "$PGRX_HOME/config.toml" ] || die "run 'make setup PG=$PG' first"
say "building for $("$pg_config" --version)"
rm -rf "$STAGE"
# A folder for each major version: pgrx keeps the bindings of the pg_config that it saw first.
CARGO_TARGET_DIR=$TARGET/pg$PG cargo pgrx package --package clerk_sync --pg-config "$pg_config" --out-dir "$STAGE" \
    --no-default-features --features "pg$PG" >&2
say "built: $STAGE"
