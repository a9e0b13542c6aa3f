#!/usr/bin/env bash
# What an administrator changes about keys and instances is in force for every open backend from its next transaction
# on, whatever its isolation level and however its statements were planned; a token that expires is refused from the
# next statement on, inside one transaction too.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server keys
set_up
alice=$(token user_alice)
bob=$(token user_bob)
JWKS=$(cat "$CLERK_TEST_KEYS/jwks.json")
open_session admin
open_session reader -U app_user

# as TOKEN STATEMENTS [ISOLATION]: the reader's transaction.
as() { ask reader "BEGIN ISOLATION LEVEL ${3:-READ COMMITTED}; SET LOCAL clerk_sync.token = '$1'; $2; COMMIT"; }
configure() { ask admin "SELECT FROM clerk.configure('$PUBLISHABLE_KEY', fetch_keys => false, $1)" >/dev/null; }
add_key() { ask admin "SELECT FROM clerk.add_signing_keys('$ISSUER', '$JWKS')" >/dev/null; }
remove_key() { ask admin "SELECT clerk.remove_signing_key('$ISSUER', 'ins_test')" >/dev/null; }

ask reader "PREPARE seen AS $SEEN" >/dev/null
for level in 'READ COMMITTED' 'REPEATABLE READ' SERIALIZABLE; do
    for plan in custom generic; do
        about="$level, $plan plan"
        ask reader "SET plan_cache_mode = force_${plan}_plan" >/dev/null
        is "$about: alice sees hers" "$(as "$alice" 'EXECUTE seen' "$level")" a1,a2
        is "$about: bob sees his by the same prepared statement" "$(as "$bob" 'EXECUTE seen' "$level")" b1
        is "$about: nobody sees nothing by it" "$(ask reader 'EXECUTE seen')" nothing
        remove_key
        like "$about: a removed key verifies nothing in the next transaction" \
            "$(as "$alice" 'EXECUTE seen' "$level")" 'ERROR:  28000:*jwk-kid-mismatch*'
        add_key
        is "$about: a key added again does" "$(as "$alice" 'EXECUTE seen' "$level")" a1,a2
        configure "authorized_parties => '{https://else.example.com}'"
        like "$about: a changed instance is seen" \
            "$(as "$alice" 'EXECUTE seen' "$level")" 'ERROR:  28000:*token-invalid-authorized-parties*'
        configure "authorized_parties => '{}'"
        is "$about: and changed back" "$(as "$alice" 'EXECUTE seen' "$level")" a1,a2
        ask admin "BEGIN; SELECT clerk.remove_signing_key('$ISSUER', 'ins_test')" >/dev/null
        is "$about: a removal that is not committed changes nothing" "$(as "$alice" 'EXECUTE seen' "$level")" a1,a2
        ask admin 'ROLLBACK' >/dev/null
        is "$about: nor one that is rolled back" "$(as "$alice" 'EXECUTE seen' "$level")" a1,a2

        ask reader "BEGIN ISOLATION LEVEL $level; SET LOCAL clerk_sync.token = '$alice'; EXECUTE seen" >/dev/null
        remove_key
        ask reader 'EXECUTE seen; ROLLBACK' >/dev/null
        like "$about: a removal during a transaction is seen by the next" \
            "$(as "$alice" 'EXECUTE seen' "$level")" 'ERROR:  28000:*jwk-kid-mismatch*'
        add_key
    done
done

# A snapshot older than the change, and a session first looked at after it.
ask reader 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class' >/dev/null
remove_key
like "an old snapshot does not keep a removed key" \
    "$(ask reader "SET LOCAL clerk_sync.token = '$bob'; $SEEN; ROLLBACK")" 'ERROR:  28000:*jwk-kid-mismatch*'
add_key

ask admin "UPDATE clerk.signing_keys SET kid = 'ins_other'" >/dev/null
like "a plain UPDATE by a superuser is seen too" "$(as "$alice" "$SEEN")" 'ERROR:  28000:*jwk-kid-mismatch*'
ask admin "DELETE FROM clerk.signing_keys" >/dev/null
add_key
is "keys added after it serve" "$(as "$alice" "$SEEN")" a1,a2

# The stranger's key takes over the key id: what it signed is believed from then on, and what the old key signed is not.
ask admin "SELECT FROM clerk.add_signing_keys('$ISSUER', '$(cat "$CLERK_FORGED_KEYS/jwks.json")')" >/dev/null
like "a replaced key verifies nothing, not even a token seen before" \
    "$(as "$alice" "$SEEN")" 'ERROR:  28000:*token-invalid-signature*'
is "the key that replaced it does" "$(as "$(token user_bob --key "$CLERK_FORGED_KEYS")" "$SEEN")" b1
add_key

ask admin "SELECT clerk.remove_instance('$ISSUER')" >/dev/null
like "without any instance a token is an error that says what to do" \
    "$(as "$alice" "$SEEN")" 'ERROR:  55000: clerk_sync is not configured*HINT:*clerk.configure*'
configure "clock_skew => '0'"
add_key
is "an instance configured again serves" "$(as "$alice" "$SEEN")" a1,a2

# --- expiry, with no skew to wait for

short=$(token user_alice --lifetime 2)
answer=$(as "$short" "$SEEN; SELECT pg_sleep(2.1); $SEEN")
like "a token that expires is refused at the next statement of its transaction" \
    "$answer" $'a1,a2\n\nERROR:  28000:*token-expired*'
like "and in the next transaction" "$(as "$short" "$SEEN")" 'ERROR:  28000:*token-expired*'
short=$(token user_alice --lifetime 2)
is "within one statement the answer does not change" \
    "$(as "$short" 'SELECT clerk_user_id() FROM (SELECT pg_sleep(2.1) OFFSET 0) AS slept')" user_alice
short=$(token user_alice --lifetime 2)
ask reader "BEGIN; SET LOCAL clerk_sync.token = '$short'; EXECUTE seen" >/dev/null
sleep 2.1
like "a prepared statement with a generic plan does not outlive the token" \
    "$(ask reader 'EXECUTE seen; ROLLBACK')" 'ERROR:  28000:*token-expired*'
later=$(sign "{\"sub\":\"user_alice\",\"nbf\":$(($(date +%s) + 2))}")
like "a token that is not active yet is refused" "$(as "$later" "$SEEN")" 'ERROR:  28000:*token-not-active-yet*'
sleep 2.1
is "and accepted once it is" "$(as "$later" "$SEEN")" a1,a2
finish
