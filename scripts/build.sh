#!/usr/bin/env bash
# Builds the extension and its test kit for Postgres PG, optimised, into target/pgPG/stage: the library, the control
# files and the SQL as they would lie in the installation that it was built against. Nothing is installed.

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

pg_config=$(build_pg_config)
[ -f "$PGRX_HOME/config.toml" ] || die "run 'make setup PG=$PG' first"
say "building for $("$pg_config" --version)"
rm -rf "$STAGE"
# A folder for each major version: pgrx keeps the bindings of the pg_config that it saw first.
CARGO_TARGET_DIR=$TARGET/pg$PG cargo pgrx package --package clerk_sync --pg-config "$pg_config" --out-dir "$STAGE" \
    --no-default-features --features "pg$PG" >&2

# The test kit is SQL alone, and an extension of its own that production does not create.
extensions=$STAGE$("$pg_config" --sharedir)/extension
version=$(extension_version)
sed "s/@CARGO_VERSION@/$version/" sql/test_kit/clerk_sync_test.control >"$extensions/clerk_sync_test.control"
{
    printf '%s\n' '\echo Use "CREATE EXTENSION clerk_sync_test" to load this file. \quit'
    cat sql/test_kit/*.sql
} >"$extensions/clerk_sync_test--$version.sql"
say "built: $STAGE"
