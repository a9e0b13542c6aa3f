# shellcheck shell=bash
# What every script here shares: where things lie, how to speak to the reader, as whom to run what.
# Sourced, never run.
#
# Environment:
#   PG                 major version of Postgres, 14 to 18; 15 unless set
#   PG_CONFIG          a pg_config to build against instead of the one that setup finds or fetches
#   CARGO_TARGET_DIR   the folder for everything that is made; target unless set
#   CLERK_SERVER_USER  the user that servers run as when root runs the scripts; postgres unless set

set -euo pipefail
umask 022
# What a server says must not depend on who starts it: with these, an internal error carries a backtrace.
unset RUST_BACKTRACE RUST_LIB_BACKTRACE

SELF=$(readlink -f "$0")
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

PG=${PG:-15}
TARGET=${CARGO_TARGET_DIR:-target}
case $TARGET in
    /*) ;;
    *) TARGET=$ROOT/$TARGET ;;
esac
# What setup fetched; `make clean` keeps it.
SETUP=$TARGET/setup
STAGE=$TARGET/pg$PG/stage
SERVER_USER=${CLERK_SERVER_USER:-postgres}

# The user's own ~/.pgrx is left alone.
export PGRX_HOME=$SETUP/pgrx
export PATH=$TARGET/tools:$SETUP/cargo-pgrx/bin:$PATH

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs a command as root: for packages, and for `make install` into a system's Postgres.
as_root() {
    if is_root; then
        "$@"
    else
        command -v sudo >/dev/null || die "this needs root, and there is no sudo: $*"
        sudo "$@"
    fi
}

# Runs a command as the user of the servers: Postgres refuses to run as root.
as_server_user() {
    if is_root; then
        runuser -u "$SERVER_USER" -- "$@"
    else
        "$@"
    fi
}

# Prints the header comment of the script that was called, for --help.
print_header() { awk 'NR > 1 && /^#/ { sub(/^# ?/, ""); print; next } NR > 1 { exit }' "$SELF"; }

# The folder of the Postgres installations that servers run from. As root it must be one that the server user can
# reach: under a closed home folder it moves to the folder for temporary files.
postgres_store() {
    local store=$SETUP/postgres
    mkdir -p "$SETUP"
    if is_root && ! as_server_user test -x "$SETUP"; then
        store=${TMPDIR:-/tmp}/clerk_sync-postgres-$(printf '%s' "$ROOT" | cksum | cut -d ' ' -f 1)
    fi
    mkdir -p "$store"
    # In a folder that all can write to, somebody else may have been there first.
    [ -O "$store" ] || die "$store belongs to somebody else"
    printf '%s\n' "$store"
}

# The pg_config to build against: PG_CONFIG, else the system's, else the one that setup fetched.
build_pg_config() {
    local candidate
    if [ -n "${PG_CONFIG:-}" ]; then
        is_usable_pg_config "$PG_CONFIG" || die "$PG_CONFIG is no Postgres $PG with its server headers"
        printf '%s\n' "$PG_CONFIG"
        return
    fi
    for candidate in "/usr/lib/postgresql/$PG/bin/pg_config" "$(postgres_store)/fetched-$PG/bin/pg_config"; do
        if is_usable_pg_config "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    die "no Postgres $PG with its server headers: run 'make setup PG=$PG'"
}

is_usable_pg_config() {
    [ -x "$1" ] || return 1
    [ -f "$("$1" --includedir-server)/postgres.h" ] || return 1
    # 15.20, 18beta1, 19devel
    [[ "$("$1" --version)" =~ ^PostgreSQL\ ${PG}([.a-z]|$) ]]
}

# The pg_config of the installation that test servers run from, which is never the system's own: Postgres finds its
# folders relative to its executable, so a copy of a system installation is an installation of its own. Nothing is
# installed into the system, and two checkouts do not meet.
private_pg_config() {
    local source store copy version part
    source=$(build_pg_config)
    store=$(postgres_store)
    case $source in
        "$store"/*)
            printf '%s\n' "$source"
            return
            ;;
    esac
    copy=$store/copied-$PG
    version="$source $("$source" --version) $(find "$("$source" --sharedir)/extension" | sort | cksum)"
    if [ "$(cat "$copy/version" 2>/dev/null)" != "$version" ]; then
        say "copying $("$source" --version) for the test servers"
        rm -rf "$copy"
        for part in bindir pkglibdir sharedir; do
            part=$("$source" "--$part")
            mkdir -p "$copy$(dirname "$part")"
            cp -a "$part" "$copy$(dirname "$part")/"
        done
        printf '%s\n' "$version" >"$copy/version"
    fi
    printf '%s\n' "$copy$("$source" --bindir)/pg_config"
}

# The version in Cargo.toml.
extension_version() {
    cargo metadata --no-deps --format-version 1 | sed -nE 's/.*"name":"clerk_sync","version":"([^"]+)".*/\1/p'
}

# install_extension PG_CONFIG [COMMAND...]: copies the staged build into an installation; COMMAND (as_root) runs the
# copying.
install_extension() {
    local destination=$1 source shared library
    shift
    source=$(build_pg_config)
    shared=$STAGE$("$source" --sharedir)/extension
    library=$STAGE$("$source" --pkglibdir)/clerk_sync.so
    if [ ! -f "$shared/clerk_sync.control" ] || [ ! -f "$library" ]; then
        die "nothing is built for Postgres $PG: run 'make build PG=$PG'"
    fi
    "$@" install -d "$("$destination" --sharedir)/extension" "$("$destination" --pkglibdir)"
    "$@" install -m 644 "$shared"/clerk_sync{,_test}.control "$shared"/clerk_sync{,_test}--*.sql \
        "$("$destination" --sharedir)/extension/"
    "$@" install -m 755 "$library" "$("$destination" --pkglibdir)/"
}

# Builds clerk-testing into target/tools, which is in PATH.
build_tools() {
    cargo build --quiet -p clerk_testing
    install -D -m 755 "$TARGET/debug/clerk-testing" "$TARGET/tools/clerk-testing"
}

# Makes the keys that tests sign with, and tells where they are: CLERK_TEST_KEYS is the instance's own;
# CLERK_FORGED_KEYS is a stranger's key under the same kid.
make_test_keys() {
    export CLERK_VECTORS=$ROOT/core/tests/vectors CLERK_TEST_KEYS=$TARGET/test-keys/instance CLERK_FORGED_KEYS=$TARGET/test-keys/forged
    local directory
    for directory in "$CLERK_TEST_KEYS" "$CLERK_FORGED_KEYS"; do
        [ -f "$directory/jwks.json" ] || clerk-testing key new --kid ins_test --out "$directory"
    done
}

# prepare_server NAME [SETTING=VALUE...]: the tools, the keys, the extension, and a private server that is stopped
# when the script ends; leaves PGHOST and its kin, and BINDIR, set.
prepare_server() {
    local name=$1 settings pg_config
    build_tools
    make_test_keys
    pg_config=$(private_pg_config)
    # Not a script of an earlier build, nor of one that the system's Postgres had when it was copied.
    rm -f "$("$pg_config" --sharedir)"/extension/clerk_sync{,_test}[.-]*
    install_extension "$pg_config"
    BINDIR=$("$pg_config" --bindir)
    export PATH=$BINDIR:$PATH
    # shellcheck disable=SC2064 # the name of now is meant
    trap "'$ROOT/scripts/server.sh' stop '$name'" EXIT
    settings=$("$ROOT/scripts/server.sh" start "$@")
    eval "$settings"
}
