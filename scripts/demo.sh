#!/usr/bin/env bash
# Plays examples/demo.sql on a private server, showing each line and its result, and removes the server.
#
# psql's variables in it: issuer, publishable_key and jwks of the instance; alice, bob and expired: session tokens,
# of which the first two are good for a day.

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

say "preparing the demo: Postgres $PG"
prepare_server demo
issuer=https://clerk.example.com
sign() { clerk-testing sign --key "$CLERK_TEST_KEYS" --issuer "$issuer" "$@"; }
psql --no-psqlrc --echo-all --quiet --set ON_ERROR_STOP=1 \
    --set "issuer=$issuer" \
    --set "publishable_key=pk_live_$(printf 'clerk.example.com$' | base64)" \
    --set "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")" \
    --set "alice=$(sign --lifetime 86400 --claims '{"sub":"user_alice","sid":"sess_alice"}')" \
    --set "bob=$(sign --lifetime 86400 --claims '{"sub":"user_bob","sid":"sess_bob"}')" \
    --set "expired=$(sign --at "$(($(date +%s) - 3600))" --claims '{"sub":"user_alice","sid":"sess_alice"}')" \
    --file "$ROOT/examples/demo.sql"
say "the demo ran to its end"
