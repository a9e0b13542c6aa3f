#!/usr/bin/env bash
# Packs what `make build` made into target/dist/clerk_sync-VERSION-pgPG-linux-ARCH.tar.gz, with its sha256 beside it.
# Inside are lib/ (for `pg_config --pkglibdir`) and extension/ (for `pg_config --sharedir`/extension).

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

pg_config=$(build_pg_config)
version=$(extension_version)
name=clerk_sync-$version-pg$PG-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)
content=$TARGET/dist/$name
rm -rf "$content"
mkdir -p "$content/lib" "$content/extension"
cp "$STAGE$("$pg_config" --sharedir)"/extension/* "$content/extension/"
cp "$STAGE$("$pg_config" --pkglibdir)/clerk_sync.so" "$content/lib/"
# The same input gives the same bytes.
tar --directory "$TARGET/dist" --create --gzip --file "$content.tar.gz" \
    --sort name --owner 0 --group 0 --numeric-owner --mtime "@${SOURCE_DATE_EPOCH:-0}" "$name"
rm -rf "$content"
(cd "$TARGET/dist" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
say "packed: $content.tar.gz"
