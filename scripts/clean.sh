#!/usr/bin/env bash
# Stops the servers that this checkout started and removes all that was built. What setup fetched stays; to be rid of
# that too, remove target/.

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

"$ROOT/scripts/server.sh" stop-all
[ ! -d "$TARGET" ] || find "$TARGET" -mindepth 1 -maxdepth 1 ! -path "$SETUP" -exec rm -rf {} +
