#!/usr/bin/env bash
# Plays examples/demo.sql on a private server, showing each line and its result, and removes the server. Four of its
# statements are meant to be refused; the demo fails where they are not.
#
# psql's variables in it: issuer, publishable_key and jwks of an instance that the demo plays; alice and bob: session
# tokens of two people of two organizations, carol: of one who has none in hers; expired and forged: tokens that say alice
# too, the latter signed by a stranger's key under the instance's key id. webhook_secret: an endpoint's; user_created and its
# kin: bodies of deliveries, and beside them their headers. api_url and api_key: a server that plays Clerk's Backend API.

# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

# What the file is expected to be refused with, in this order.
EXPECTED='42501 28000 28000 28000'

say "preparing the demo: Postgres $PG"
prepare_server demo
issuer=https://clerk.example.com
sign() { clerk-testing sign --issuer "$issuer" --claims "$1" "${@:2}"; }
alice='{"sub":"user_alice","sid":"sess_1","o":{"id":"org_acme","slg":"acme","rol":"admin"}}'
bob='{"sub":"user_bob","sid":"sess_2","o":{"id":"org_globex","slg":"globex","rol":"member"}}'
carol='{"sub":"user_carol","sid":"sess_3","o":null}'

webhook_secret=whsec_$(printf 'a secret of the demo' | base64)
today=$(($(date +%s) * 1000))
deliveries=()
# deliver NAME TYPE MILLISECONDS DATA: a delivery of an event that Clerk made so long before now.
deliver() {
    local body headers
    body='{"object":"event","type":"'$2'","instance_id":"ins_test","timestamp":'$((today - $3))',"data":'$4'}'
    headers=$(printf '%s' "$body" | clerk-testing sign-webhook --secret "$webhook_secret" --id "msg_$1")
    deliveries+=(--set "$1=$body" --set "$1_headers=$headers")
}
# person NAME MILLISECONDS: a user as Clerk's events show one.
person() {
    printf '%s' '{"object":"user","id":"user_carol","first_name":"'"$1"'","primary_email_address_id":"idn_1","email_addresses":[{"id":"idn_1",
        "object":"email_address","email_address":"carol@acme.example","verification":{"status":"verified"}}],
        "created_at":'$((today - 9000))',"updated_at":'$((today - $2))'}'
}
membership='{"object":"organization_membership","id":"orgmem_1","role":"org:member","organization":{"object":"organization","id":"org_acme"},
    "public_user_data":{"user_id":"user_carol"},"created_at":'$((today - 5000))',"updated_at":'$((today - 5000))'}'
deliver user_created user.created 9000 "$(person Carol 9000)"
deliver user_renamed user.updated 7000 "$(person Caroline 7000)"
deliver user_late user.updated 8000 "$(person Carol 8000)"
deliver joined organizationMembership.created 5000 "$membership"
deliver removed organizationMembership.deleted 3000 "$membership"

# Clerk's Backend API, played on this host. What it has, no webhook has told of.
api_key=sk_test_$(printf 'a key of the demo' | base64 | tr -d '=')
api_port=$(mktemp -u)
clerk-testing serve --jwks "$CLERK_TEST_KEYS/jwks.json" --port-file "$api_port" --api-key "$api_key" &
api_pid=$!
end_demo() {
    kill "$api_pid" 2>/dev/null || true
    rm -f "$api_port"
    "$ROOT/scripts/server.sh" stop demo
}
trap end_demo EXIT
for _ in {1..100}; do [ -s "$api_port" ] || sleep 0.1; done
api=http://127.0.0.1:$(cat "$api_port")
# put OBJECT: a user at Clerk's.
put() {
    curl --silent --show-error --fail --output /dev/null --data-binary '{"kind":"users","object":'"$1"'}' "$api/control/put"
}
put "$(person Carolina 1000)"
put "$(person Dave 6000 | sed 's/user_carol/user_dave/; s/carol@/dave@/')"
put "$(person Erin 2000 | sed 's/user_carol/user_erin/; s/carol@/erin@/')"

# The administrator's own work, which the file does not show: it would be there already.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --command 'CREATE EXTENSION clerk_sync'

# Steps stand out on a terminal.
stand_out() {
    if [ -t 1 ]; then
        sed -u -e $'s/^--.*/\033[1m&\033[0m/' -e $'s/^ERROR.*/\033[31m&\033[0m/'
    else
        cat
    fi
}

transcript=$TARGET/log/demo-pg$PG.out
mkdir -p "$TARGET/log"
psql --no-psqlrc --echo-all --quiet --pset footer=off --pset null='(null)' --set VERBOSITY=verbose \
    --set "issuer=$issuer" \
    --set "publishable_key=pk_live_$(printf 'clerk.example.com$' | base64)" \
    --set "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")" \
    --set "alice=$(sign "$alice" --key "$CLERK_TEST_KEYS" --lifetime 600)" \
    --set "bob=$(sign "$bob" --key "$CLERK_TEST_KEYS" --lifetime 600)" \
    --set "carol=$(sign "$carol" --key "$CLERK_TEST_KEYS" --lifetime 600)" \
    --set "api_url=$api/v1" --set "api_key=$api_key" \
    --set "webhook_secret=$webhook_secret" "${deliveries[@]}" \
    --set "expired=$(sign "$alice" --key "$CLERK_TEST_KEYS" --at "$(($(date +%s) - 3600))")" \
    --set "forged=$(sign "$alice" --key "$CLERK_FORGED_KEYS" --lifetime 600)" \
    <"$ROOT/examples/demo.sql" 2>&1 \
    | sed -u -e '/^LOCATION: /d' -e 's/^-- [0-9]/\n&/' -e 's/^ERROR:  \([0-9A-Z]\{5\}\): /ERROR \1: /' \
    | tee "$transcript" | stand_out
refused=$(sed -n 's/^ERROR \(.....\): .*/\1/p' "$transcript" | xargs)
[ "$refused" = "$EXPECTED" ] || die "the demo was refused with $refused, not with $EXPECTED"
say "the demo ran to its end; the four errors in it are its point"
