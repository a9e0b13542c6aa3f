#!/usr/bin/env bash
# pg_dump and a restore keep instances, keys and policies, wherever the extension's functions live; DROP EXTENSION
# leaves nothing, and CREATE EXTENSION after it works.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server dump
alice=$(token user_alice)
seen_by() { try "BEGIN; SET LOCAL ROLE app_user; SET LOCAL clerk_sync.token = '$1'; $SEEN; ROLLBACK" "$2"; }
# All that was configured, and the policies with every name in full, whatever the database's search_path.
rows() {
    sql 'SET search_path = pg_catalog; SELECT * FROM clerk.instances ORDER BY issuer;
        SELECT * FROM clerk.signing_keys ORDER BY issuer, kid;
        SELECT * FROM clerk.organization_memberships ORDER BY id; SELECT * FROM pg_policies ORDER BY policyname;
        SELECT * FROM public.notes ORDER BY body' "$1"
}

for schema in public extensions; do
    original=${schema}_original
    export PGDATABASE=postgres
    sql "CREATE DATABASE $original"
    export PGDATABASE=$original
    if [ "$schema" = extensions ]; then
        sql "CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC;
            ALTER DATABASE $original SET search_path = public, extensions"
        SETUP_SQL=${SETUP_SQL/CREATE EXTENSION clerk_sync/CREATE EXTENSION clerk_sync SCHEMA extensions}
    fi
    set_up
    sql "SELECT FROM clerk.configure(:'key', clock_skew => '7 s', authorized_parties => '{https://app.example.com}',
            audiences => '{a,b}', allow_templates => true, fetch_keys => false);
        CREATE POLICY of_the_organization ON notes FOR SELECT USING (clerk_in_org(body) OR clerk_has_role('admin') OR clerk_is_member(body));
        INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role, permissions, deleted_at) VALUES
            ('orgmem_1', 'org_1', 'user_alice', 'org:admin', '{org:a:read}', NULL),
            ('orgmem_2', 'org_2', 'user_alice', 'org:member', '{}', '2026-01-01');
        SELECT FROM clerk.set_secret('webhook_secret', 'whsec_RFVNUA==');
        INSERT INTO clerk.users (id, instance_id, first_name, updated_at) VALUES ('user_alice', 'ins_test', 'Alice', '2026-01-01');
        INSERT INTO clerk.users (id, instance_id, deleted_at) VALUES ('user_gone', 'ins_test', '2026-01-01');
        INSERT INTO clerk.webhook_events (id, instance_id, type, event_at, status, next_attempt_at, body)
        SELECT 'msg_1', 'ins_test', 'user.updated', now(), 'received', now(), json_build_object('object', 'event', 'type', 'user.updated',
            'instance_id', 'ins_test', 'timestamp', 1767225600000, 'data', json_build_object('id', 'user_alice', 'object', 'user',
                'first_name', 'Waited', 'updated_at', 1798761600000))" \
        -v "key=$PUBLISHABLE_KEY"
    is "$schema: the functions are where they were asked for" \
        "$(sql "SELECT DISTINCT pronamespace::regnamespace FROM pg_proc WHERE proname LIKE 'clerk\\_%'")" "$schema"
    is "$schema: the original serves alice" "$(seen_by "$alice" "$original")" a1,a2

    for format in plain custom; do
        restored=${schema}_$format
        sql "CREATE DATABASE $restored"
        if [ "$format" = plain ]; then
            report=$(pg_dump "$original" | psql --no-psqlrc -q -v ON_ERROR_STOP=1 "$restored" 2>&1 >/dev/null || true)
        else
            pg_dump --format custom --file "$SCRATCH/dump" "$original"
            report=$(pg_restore --exit-on-error --dbname "$restored" "$SCRATCH/dump" 2>&1 || true)
        fi
        is "$schema, $format: the restore raises nothing" "$report" ''
        is "$schema, $format: instances, keys, memberships, policies and rows are the same" "$(rows "$restored")" "$(rows "$original")"
        is "$schema, $format: the restored database verifies for alice" "$(seen_by "$alice" "$restored")" a1,a2
        like "$schema, $format: it refuses a forged token" \
            "$(seen_by "$(token user_alice --key "$CLERK_FORGED_KEYS")" "$restored")" 'ERROR:  28000:*token-invalid-signature*'
        is "$schema, $format: no secret comes along" \
            "$(pg_dump "$original" | grep -c 'RFVNUA' || true)|$(sql 'SELECT count(*) FROM clerk.secrets' "$restored")" '0|0'
        is "$schema, $format: an event that waited is applied there, and what was deleted stays so" \
            "$(sql "SELECT clerk._drain(10); SELECT id, first_name, deleted_at IS NOT NULL FROM clerk.users ORDER BY id" "$restored")" \
            $'1\nuser_alice|Waited|f\nuser_gone||t'
        is "$schema, $format: a change of keys is still announced" \
            "$(sql "SELECT count(*) FROM pg_trigger WHERE tgname = 'announce_trust_change' AND tgenabled = 'A'" "$restored")" 2
    done
done

# --- DROP and CREATE again

export PGDATABASE=public_plain
open_session old -U app_user
is "before DROP EXTENSION an open backend serves alice" \
    "$(ask old "BEGIN; SET LOCAL clerk_sync.token = '$alice'; $SEEN; COMMIT")" a1,a2
like "DROP EXTENSION names the policies that need it" "$(try 'DROP EXTENSION clerk_sync')" '*2BP01*policy owner_all on table notes*'
sql 'SET client_min_messages = error; DROP EXTENSION clerk_sync CASCADE'
is "DROP EXTENSION CASCADE leaves no function, table, schema or policy of it" \
    "$(sql "SELECT count(*) FROM pg_proc WHERE proname LIKE 'clerk\\_%'; SELECT to_regnamespace('clerk') IS NULL, count(*) FROM pg_policies")" \
    $'0\nt|0'
is "and with the policies gone, row security shows nothing" "$(ask old "$SEEN")" nothing
sql 'CREATE EXTENSION clerk_sync; CREATE POLICY owner_all ON notes USING (owner = clerk_user_id())'
like "created again it knows no instance, in a backend from before too" \
    "$(ask old "BEGIN; SET LOCAL clerk_sync.token = '$alice'; $SEEN; COMMIT")" 'ERROR:  55000:*'
sql "SELECT FROM clerk.configure(:'key', fetch_keys => false); SELECT FROM clerk.add_signing_keys(:'issuer', :'jwks')" \
    -v "key=$PUBLISHABLE_KEY" -v "issuer=$ISSUER" -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")"
is "configured again, that backend serves alice" \
    "$(ask old "BEGIN; SET LOCAL clerk_sync.token = '$alice'; $SEEN; COMMIT")" a1,a2
like "the schema cannot be moved afterwards" "$(try 'CREATE SCHEMA elsewhere; ALTER EXTENSION clerk_sync SET SCHEMA elsewhere')" \
    'ERROR:  0A000: extension "clerk_sync" does not support SET SCHEMA*'
finish
