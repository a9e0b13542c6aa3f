#!/usr/bin/env bash
# Keys that a subscription brings: a removal on the publisher is seen by an open backend of the subscriber, though the
# worker that applies it fires no ordinary triggers, and none for statements.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server logical wal_level=logical max_wal_senders=4 max_replication_slots=4
sql 'CREATE DATABASE publisher'
sql 'CREATE EXTENSION clerk_sync' -d publisher
sql "SELECT FROM clerk.configure(:'key', fetch_keys => false); SELECT FROM clerk.add_signing_keys(:'issuer', :'jwks');
    CREATE PUBLICATION trust FOR TABLE clerk.instances, clerk.signing_keys" -d publisher \
    -v "key=$PUBLISHABLE_KEY" -v "issuer=$ISSUER" -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")"
sql "SELECT FROM pg_create_logical_replication_slot('trust', 'pgoutput')" -d publisher >/dev/null
sql "$SETUP_SQL" >/dev/null
sql "CREATE SUBSCRIPTION trust CONNECTION 'host=$PGHOST port=$PGPORT user=postgres dbname=publisher' PUBLICATION trust
    WITH (create_slot = false, slot_name = 'trust')" 2>/dev/null

# shellcheck disable=SC2317 # called by wait_until
has_keys() { [ "$(sql 'SELECT count(*) FROM clerk.signing_keys')" = "$1" ]; }
holds "the subscriber receives the key" wait_until 30 has_keys 1

alice=$(token user_alice)
open_session reader -U app_user
as_alice="BEGIN; SET LOCAL clerk_sync.token = '$alice'; $SEEN; ROLLBACK"
is "an open backend of the subscriber verifies with it" "$(ask reader "$as_alice")" a1,a2
sql "DELETE FROM clerk.signing_keys" -d publisher
holds "the removal arrives" wait_until 30 has_keys 0
like "and the open backend refuses the token in its next transaction" "$(ask reader "$as_alice")" '*28000:*jwk-kid-mismatch*'
sql "SELECT FROM clerk.add_signing_keys(:'issuer', :'jwks')" -d publisher \
    -v "issuer=$ISSUER" -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")"
holds "a new key arrives" wait_until 30 has_keys 1
is "and serves the open backend" "$(ask reader "$as_alice")" a1,a2
sql "TRUNCATE clerk.instances, clerk.signing_keys" -d publisher
holds "a truncation arrives" wait_until 30 has_keys 0
like "and is seen too" "$(ask reader "$as_alice")" '*55000: clerk_sync is not configured*'
sql 'DROP SUBSCRIPTION trust'
finish
