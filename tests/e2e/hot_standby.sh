#!/usr/bin/env bash
# A streaming standby answers like its primary, sees a change of keys in its next transaction, and no check of a
# token assigns a transaction id, on either.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

# What is committed is written out at once, and then streamed.
start_server standby synchronous_commit=on
set_up
alice=$(token user_alice)
STANDBY_PORT=5433

start_standby() {
    local directory
    directory=$(dirname "$CLERK_SERVER_LOG")
    as_server_user "$BINDIR/pg_basebackup" --host "$PGHOST" --username postgres --pgdata "$directory/standby" \
        --write-recovery-conf --checkpoint fast --no-sync
    as_server_user "$BINDIR/pg_ctl" start --pgdata "$directory/standby" --log "$directory/standby.log" --silent --wait \
        --options "-c port=$STANDBY_PORT" </dev/null
}

# shellcheck disable=SC2317 # called by wait_until
has_replayed() { [ "$(sql "SELECT pg_last_wal_replay_lsn() >= '$1'" -p "$STANDBY_PORT")" = t ]; }

# What the primary has committed is visible on the standby.
catch_up() { wait_until 30 has_replayed "$(sql 'SELECT pg_current_wal_flush_lsn()')"; }

(cd / && start_standby)
UNDO+=("as_server_user '$BINDIR/pg_ctl' stop --pgdata '$(dirname "$CLERK_SERVER_LOG")/standby' --mode immediate --silent")
is "the standby is one" "$(sql 'SELECT pg_is_in_recovery()' -p $STANDBY_PORT)" t
catch_up

open_session primary -U app_user
open_session standby -U app_user -p $STANDBY_PORT

# shellcheck disable=SC2317 # called by name
in_setting() { echo "BEGIN; SET LOCAL clerk_sync.token = '$1'; $2; COMMIT"; }
# shellcheck disable=SC2317 # called by name
in_headers() { echo "BEGIN; SET LOCAL request.headers = '{\"authorization\": \"Bearer $1\"}'; $2; COMMIT"; }

ALL="SELECT clerk_user_id(), clerk_session_id(), clerk_org_id(), clerk_org_role(), clerk_has_role('admin'),
    clerk_has_permission('org:teams:read'), clerk_claim('azp'), clerk_claims(); $SEEN"
member=$(sign '{"sub":"user_alice","fea":"o:dashboard,o:teams",
    "o":{"id":"org_acme","slg":"acme","rol":"admin","per":"manage,read","fpm":"3,2"}}')
forged=$(token user_alice --key "$CLERK_FORGED_KEYS")

for source in in_setting in_headers; do
    like "$source: the primary answers for alice of acme" \
        "$(ask primary "$($source "$member" "$ALL")")" 'user_alice|sess_*|org_acme|org:admin|t|t|https://app.example.com|*a1,a2'
    is "$source: the standby gives the same answers" \
        "$(ask standby "$($source "$member" "$ALL")")" "$(ask primary "$($source "$member" "$ALL")")"
    refused=$(ask standby "$($source "$forged" "$SEEN")")
    like "$source: the standby refuses a forged token" "$refused" 'ERROR:*token-invalid-signature*'
    is "$source: as the primary does" "$refused" "$(ask primary "$($source "$forged" "$SEEN")")"
    for server in primary standby; do
        is "$source: the $server assigns no transaction id for it" \
            "$(ask $server "$($source "$alice" "$SEEN; SELECT pg_current_xact_id_if_assigned()")")" $'a1,a2\n(null)'
    done
done
is "without a token the standby shows nothing" "$(ask standby "$SEEN")" nothing
ask standby "SET clerk_sync.token = '$alice'" >/dev/null
like "the standby too refuses a token that an earlier transaction left" \
    "$(ask standby "$SEEN")" 'ERROR:  28000: the Clerk session token was set by an earlier transaction*'
ask standby 'RESET clerk_sync.token' >/dev/null

POLICIES='SELECT target, policy, command, using_expression, check_expression, specification, status, detail FROM clerk.policies ORDER BY policy'
sql "CREATE TABLE memo (id integer PRIMARY KEY, user_id text); SELECT FROM clerk.protect('memo', 'owner'); ALTER POLICY clerk_update ON memo USING (true)" >/dev/null
catch_up
is "clerk.policies compares on the standby too" \
    "$(sql "SELECT policy FROM clerk.policies WHERE status = 'differs'" -p $STANDBY_PORT)" clerk_update
is "and shows what the primary shows" "$(sql "$POLICIES" -p $STANDBY_PORT)" "$(sql "$POLICIES")"
is "clerk.policy_sql writes the same text there" \
    "$(sql "SELECT clerk.policy_sql('memo', 'owner')" -p $STANDBY_PORT)" "$(sql "SELECT clerk.policy_sql('memo', 'owner')")"
like "clerk.protect on the standby is refused" "$(try "SELECT clerk.protect('memo', 'owner')" -p $STANDBY_PORT)" 'ERROR:  25006:*'

sql "SELECT clerk.remove_signing_key('$ISSUER', 'ins_test')" >/dev/null
catch_up
like "a key removed on the primary serves no open backend of the standby in its next transaction" \
    "$(ask standby "$(in_setting "$alice" "$SEEN")")" 'ERROR:*jwk-kid-mismatch*'
sql "SELECT FROM clerk.add_signing_keys('$ISSUER', :'jwks')" -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")" >/dev/null
catch_up
is "a key added there serves again" "$(ask standby "$(in_setting "$alice" "$SEEN")")" a1,a2
sql "SELECT FROM clerk.configure('$PUBLISHABLE_KEY', authorized_parties => '{https://else.example.com}', fetch_keys => false)" >/dev/null
catch_up
like "a changed instance is seen too" \
    "$(ask standby "$(in_setting "$alice" "$SEEN")")" 'ERROR:*token-invalid-authorized-parties*'
sql "SELECT FROM clerk.configure('$PUBLISHABLE_KEY', authorized_parties => '{}', fetch_keys => false)" >/dev/null
catch_up

like "administration on the standby is refused by Postgres" \
    "$(try "SELECT clerk.remove_signing_key('$ISSUER', 'ins_test')" -p $STANDBY_PORT)" 'ERROR:  25006:*'
is "clerk.inspect_token works on the standby" \
    "$(sql "SELECT ok, detail FROM clerk.inspect_token('$alice') WHERE \"check\" = 'verdict'" -p $STANDBY_PORT)" 't|accepted'
sql 'SELECT pg_promote()' -p $STANDBY_PORT >/dev/null
is "after a promotion the open backend goes on" "$(ask standby "$(in_setting "$alice" "$SEEN")")" a1,a2
finish
