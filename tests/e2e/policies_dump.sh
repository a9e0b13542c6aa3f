#!/usr/bin/env bash
# pg_dump and a restore keep what clerk.protect() made and the specification that made it: the view says ok everywhere,
# protect() has nothing to change, the same people see the same rows, and unprotect() still takes all of it back.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server policies
export PGDATABASE=postgres
alice=$(sign '{"sub":"user_alice","o":{"id":"org_acme","rol":"admin"}}')
bob=$(sign '{"sub":"user_bob","o":{"id":"org_acme","rol":"member"}}')

# Each call with all of its options, as it is said again after the restore. A plain role owns the tables.
CALLS="SELECT change FROM clerk.protect('\"Shop; x\".project', 'organization', owner_column => 'user_id', soft_delete => 'gone_at',
    roles => '{\"write\": \"it''s \\\\ admin\"}', to_roles => '{app_user}', grants => true, prefix => 'the \"first\"');
SELECT change FROM clerk.protect('\"Shop; x\".project', 'owner', to_roles => '{app_user}', grants => true, and_where => 'id > 0 AND name <> ''''', force => true);
SELECT change FROM clerk.protect('\"Shop; x\".task', 'inherit', via => 'project_id references \"Shop; x\".project', grants => true);
SELECT change FROM clerk.protect('\"Shop; x\".page', 'public_read', to_roles => '{app_user}', grants => true, immutable => '{user_id}');"
calls() { try "SET client_min_messages = warning; SET ROLE shop_owner; $CALLS" "$1"; }
view() { sql 'SELECT target, policy, command, permissive, to_roles, using_expression, check_expression, prefix, template, specification, status, detail FROM clerk.policies ORDER BY target::text, policy' "$1"; }
# What else was made: indexes, triggers and comments, defaults, privileges.
rest() {
    sql "SELECT indexdef, obj_description(format('%I.%I', schemaname, indexname)::regclass) FROM pg_indexes WHERE schemaname = 'Shop; x' ORDER BY 1;
        SELECT pg_get_triggerdef(oid), obj_description(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE '%Shop%' ORDER BY 1;
        SELECT table_name, column_name, column_default FROM information_schema.columns WHERE table_schema = 'Shop; x' ORDER BY 1, 2;
        SELECT relname, relacl, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relnamespace = '\"Shop; x\"'::regnamespace AND relkind IN ('r', 'S') ORDER BY 1" "$1"
}
seen_by() {
    try "BEGIN; SET LOCAL ROLE app_user; SET LOCAL clerk_sync.token = '$1'; SELECT string_agg(id::text, ',' ORDER BY id) FROM \"Shop; x\".project;
        SELECT string_agg(id::text, ',' ORDER BY id) FROM \"Shop; x\".task; SELECT count(*) FROM \"Shop; x\".page; ROLLBACK" "$2"
}

for schema in public extensions; do
    original=${schema}_original
    sql "CREATE DATABASE $original"
    PGDATABASE=$original sql "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS $schema; CREATE EXTENSION clerk_sync SCHEMA $schema; GRANT USAGE ON SCHEMA $schema TO PUBLIC;
        DO \$\$ BEGIN CREATE ROLE app_user; CREATE ROLE shop_owner; GRANT clerk_admin TO shop_owner; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
        CREATE SCHEMA \"Shop; x\" AUTHORIZATION shop_owner; GRANT USAGE ON SCHEMA \"Shop; x\" TO app_user;
        SELECT FROM clerk.configure(:'key', fetch_keys => false);
        SELECT FROM clerk.add_signing_keys(:'issuer', :'jwks');
        SET ROLE shop_owner;
        CREATE TABLE \"Shop; x\".project (id integer PRIMARY KEY, user_id text, org_id text, gone_at timestamptz, name text);
        CREATE TABLE \"Shop; x\".task (id integer PRIMARY KEY, project_id integer REFERENCES \"Shop; x\".project);
        CREATE TABLE \"Shop; x\".page (id serial PRIMARY KEY, user_id text);
        INSERT INTO \"Shop; x\".project VALUES (1, 'user_alice', 'org_acme', NULL, 'a'), (2, 'user_carol', 'org_acme', NULL, 'b'),
            (3, 'user_carol', 'org_acme', '2020-01-01', 'c'), (4, 'user_carol', 'org_globex', NULL, 'd');
        INSERT INTO \"Shop; x\".task VALUES (11, 1), (21, 2), (31, 3), (41, 4);
        INSERT INTO \"Shop; x\".page (user_id) VALUES ('user_carol')" \
        -v "key=$PUBLISHABLE_KEY" -v "issuer=$ISSUER" -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")" >/dev/null
    like "$schema: the tables are protected" "$(calls "$original")" '*create policy*create policy*'
    is "$schema: said again, there is nothing to change" "$(calls "$original")" ''
    is "$schema: the view says ok" "$(sql 'SELECT DISTINCT status FROM clerk.policies' "$original")" ok
    is "$schema: alice sees what is hers" "$(seen_by "$alice" "$original")" $'1,2\n11,21\n1'

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
        is "$schema, $format: the view shows the same, all of it ok" "$(view "$restored")" "$(view "$original")"
        is "$schema, $format: indexes, triggers, defaults and privileges are the same" "$(rest "$restored")" "$(rest "$original")"
        is "$schema, $format: protect() has nothing to change" "$(calls "$restored")" ''
        for person in "$alice" "$bob"; do
            is "$schema, $format: a person sees the same rows" "$(seen_by "$person" "$restored")" "$(seen_by "$person" "$original")"
        done
        sql "SET client_min_messages = warning; SET ROLE shop_owner; SELECT FROM clerk.unprotect('\"Shop; x\".task');
            SELECT FROM clerk.unprotect('\"Shop; x\".project'); SELECT FROM clerk.unprotect('\"Shop; x\".page')" "$restored" >/dev/null
        is "$schema, $format: unprotect() takes it back" \
            "$(sql "SELECT count(*) FROM pg_policies; SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%clerk\\_idx'; SELECT count(*) FROM clerk.policies" "$restored")" $'0\n0\n0'
    done
done
finish
