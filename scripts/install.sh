#!/usr/bin/env bash
# Copies what `make build` made into the Postgres that it was built against (PG_CONFIG, or the system's), by sudo
# where the folder is not the caller's to write.

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

pg_config=$(build_pg_config)
if [ -w "$("$pg_config" --sharedir)" ] && [ -w "$("$pg_config" --pkglibdir)" ]; then
    install_extension "$pg_config"
else
    install_extension "$pg_config" as_root
fi
say "installed into $("$pg_config" --version): CREATE EXTENSION clerk_sync"
