#!/usr/bin/env bash
# A webhook under PostgREST's contract: the role of a request without a token, the headers as a setting of the
# transaction, the body as the one unnamed argument of type json, one statement, COMMIT; the answer's status in
# response.status. Each delivery is a transaction of its own, on one connection, as Svix' are.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

SECRET=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD
start_server webhook-postgrest log_statement=all log_min_duration_statement=0 log_parameter_max_length=0
set_up
sql "
CREATE ROLE anon NOLOGIN NOINHERIT;
CREATE ROLE authenticator LOGIN NOINHERIT;
GRANT anon TO authenticator;
GRANT EXECUTE ON FUNCTION clerk_webhook(json) TO anon;"
is "anon has no right but to call it" \
    "$(sql "SELECT rolsuper OR rolbypassrls, has_table_privilege('anon', 'clerk.users', 'SELECT'), has_schema_privilege('anon', 'clerk', 'USAGE')
        FROM pg_roles WHERE rolname = 'anon'")" 'f|f|f'

# connect: a connection of PostgREST's, with the settings prepared that begin each of its transactions.
connect() {
    open_session api -U authenticator
    ask api "PREPARE settings (text, text, text, text, text, text) AS SELECT set_config('search_path', \$1, true),
        set_config('role', \$2, true), set_config('request.jwt.claims', \$3, true), set_config('request.method', \$4, true),
        set_config('request.path', \$5, true), set_config('request.headers', \$6, true)" >/dev/null
}
connect
# Then comes the call.
ask api "PREPARE call (json) AS WITH pgrst_source AS (SELECT pgrst_call.pgrst_scalar
        FROM (SELECT \$1 AS json_data) pgrst_payload, LATERAL (SELECT public.clerk_webhook(pgrst_payload.json_data) AS pgrst_scalar) pgrst_call)
    SELECT coalesce((json_agg(_postgrest_t.pgrst_scalar)->0)::text, 'null') AS body,
        nullif(current_setting('response.status', true), '') AS response_status
    FROM (SELECT * FROM pgrst_source) _postgrest_t" >/dev/null

quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }
# post HEADERS BODY: the answer and its status.
post() {
    ask api "BEGIN ISOLATION LEVEL READ COMMITTED;
        EXECUTE settings ('\"public\"', 'anon', '{\"role\":\"anon\"}', 'POST', '/rpc/clerk_webhook', $(quote "$1"));
        EXECUTE call ($(quote "$2")); COMMIT" | grep -v '^"public"|'
}
# deliver ID BODY [SECRET [AT]]
deliver() {
    post "$(printf '%s' "$2" | clerk-testing sign-webhook --secret "${3:-$SECRET}" --id "$1" --at "${4:-$(date +%s)}")" "$2"
}

body=$(cat "$CLERK_VECTORS/webhook-payloads/user.created.json")
like "without a secret it is not configured" "$(deliver msg_1 "$body")" '{"detail":"55000:*"not_configured"}|503'
sql "SELECT FROM clerk.set_secret('webhook_secret', '$SECRET')"
is "a delivery is applied" "$(deliver msg_1 "$body")" '{"detail":"","outcome":"applied"}|200'
is "committed with it is the row" "$(sql "SELECT primary_email_address FROM clerk.users")" ada@example.com
is "delivered again it is a duplicate, and no failure" \
    "$(deliver msg_1 "$body")" '{"detail":"the event is stored already","outcome":"duplicate"}|200'
is "the ledger has it once, and the text that was signed" \
    "$(sql "SELECT count(*), min(status), bool_and(body = :'body') FROM clerk.webhook_events" -v "body=$body")" '1|applied|t'
like "signed by another secret: 401" "$(deliver msg_2 "$body" whsec_AAAA)" '{"detail":*"bad_signature"}|401'
like "signed six minutes ago: 401" "$(deliver msg_2 "$body" "$SECRET" $(($(date +%s) - 360)))" '{"detail":*"bad_signature"}|401'
like "without headers of Svix: 400" "$(post '{"host":"localhost:3000","content-type":"application/json"}' "$body")" '*"bad_headers"}|400'
like "signed, but no event: 400" "$(deliver msg_2 '{"hello": 1}')" '*"malformed"}|400'
is "nothing of what was refused is stored" "$(sql 'SELECT count(*) FROM clerk.webhook_events')" 1

sql "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'no % here', NEW.primary_email_address; END \$\$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION refuse()"
updated=$(cat "$CLERK_VECTORS/webhook-payloads/user.updated.json")
is "what a trigger of the application's refuses is stored, and answered without its message" \
    "$(deliver msg_3 "$updated")" '{"detail":"P0001","outcome":"failed"}|200'
is "it waits for its next attempt" \
    "$(sql "SELECT status, attempts, next_attempt_at > now() FROM clerk.webhook_events WHERE id = 'msg_3'")" 'failed|1|t'
sql "DROP TRIGGER refuse ON clerk.users; SELECT clerk.replay(id => 'msg_3'); SELECT clerk._drain(10)" >/dev/null
is "and is applied by the next, once it can be" "$(sql "SELECT status FROM clerk.webhook_events WHERE id = 'msg_3'")" applied

answers=$(for ((n = 0; n < 70; n++)); do post '{"host":"localhost:3000"}' '{}'; done | sed 's/.*|//' | sort | uniq -c | awk '{ print $2, $1 }')
refused=$(awk '$1 == 400 { print $2 }' <<<"$answers")
flooded=$(awk '$1 == 429 { print $2 }' <<<"$answers")
holds "after some 50 refusals in a row comes 429 ($refused, $flooded)" [ "${refused:-0}" -ge 40 ] && [ "${refused:-0}" -le 60 ] && [ "${flooded:-0}" -ge 10 ]
is "and what Clerk signed still gets through" "$(deliver msg_4 "$updated")" '{"detail":"","outcome":"applied"}|200'

# A door in another schema, as docs/webhooks.md shows it.
sql "CREATE SCHEMA api; GRANT USAGE ON SCHEMA api TO anon, authenticator;
    CREATE FUNCTION api.clerk_webhook(json) RETURNS json LANGUAGE sql AS 'SELECT public.clerk_webhook(\$1)'"
ask api "PREPARE door (json) AS SELECT api.clerk_webhook(\$1), current_setting('response.status')" >/dev/null
at_the_door() {
    local headers
    headers=$(printf '%s' "$2" | clerk-testing sign-webhook --secret "$SECRET" --id "$1")
    ask api "BEGIN; EXECUTE settings ('\"api\"', 'anon', '{\"role\":\"anon\"}', 'POST', '/rpc/clerk_webhook', $(quote "$headers"));
        EXECUTE door ($(quote "$2")); COMMIT" | tail -n 1
}
is "a door in another schema passes on headers, body and status" \
    "$(at_the_door msg_door "$updated")" '{"detail":"","outcome":"applied"}|200'

sql "ALTER ROLE authenticator SET clerk_sync.webhook_mode = queue"
close_session api
connect
ask api "PREPARE call (json) AS SELECT clerk_webhook(\$1), current_setting('response.status')" >/dev/null
is "in queue mode it is stored, and applied by the next drain" "$(deliver msg_5 "$updated")" '{"detail":"","outcome":"received"}|200'
is "which is so" "$(sql "SELECT clerk._drain(10); SELECT status FROM clerk.webhook_events WHERE id = 'msg_5'")" $'1\napplied'

# --- secrets and logs

printf 'whsec_TE9HTEVBSw==' >"$SCRATCH/secret" && chmod 644 "$SCRATCH/secret"
sql "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET auto_explain.log_verbose = on;
    SET log_statement = 'none'; SET log_min_duration_statement = -1;
    SELECT clerk.set_secret('webhook_secret', pg_read_file('$SCRATCH/secret'))" >/dev/null
holds "auto_explain logs the statements that store a secret" as_server_user grep -q 'INSERT INTO clerk.secrets' "$CLERK_SERVER_LOG"
is "and not the secret" "$(as_server_user grep -c 'TE9HTEVBSw' "$CLERK_SERVER_LOG" || true)" 0
sql "CREATE ROLE reader LOGIN IN ROLE pg_read_all_data; GRANT USAGE ON SCHEMA clerk TO reader"
is "whoever may read all data reads no secret" "$(sql 'SELECT count(*) FROM clerk.secrets' -U reader)" 0
finish
