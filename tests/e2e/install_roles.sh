#!/usr/bin/env bash
# Who may install the extension, and that each role afterwards can do what it needs and no more.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server roles
alice=$(token user_alice)
sql "CREATE ROLE creator LOGIN; CREATE ROLE second_superuser LOGIN SUPERUSER; CREATE ROLE keeper LOGIN;
    CREATE ROLE app_user LOGIN; CREATE ROLE bare LOGIN; CREATE DATABASE first; CREATE DATABASE second;
    GRANT CREATE ON DATABASE first TO creator"

like "a plain role with CREATE on the database is refused by Postgres" \
    "$(try 'CREATE EXTENSION clerk_sync' -U creator first)" 'ERROR:  42501: permission denied to create extension "clerk_sync"*'
is "and leaves nothing behind" "$(sql "SELECT count(*) FROM pg_roles WHERE rolname = 'clerk_admin'" first)" 0
is "a superuser that is not the bootstrap one installs it" "$(try "$SETUP_SQL" -U second_superuser first)" ''
is "clerk_admin was made, without login and without any attribute" \
    "$(sql "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = 'clerk_admin'")" \
    'f|f|f|f|f|f'

configure_by() {
    try "SELECT item, value FROM clerk.configure('$PUBLISHABLE_KEY', fetch_keys => false);
        SELECT kid, outcome FROM clerk.add_signing_keys('$ISSUER', :'jwks')" \
        -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")" -U "$1" "$2"
}
seen_by() { try "BEGIN; SET LOCAL clerk_sync.token = '$alice'; $3; ROLLBACK" -U "$1" "$2"; }

like "a role that is no member of clerk_admin may not configure" "$(configure_by keeper first)" 'ERROR:  42501:*'
sql 'GRANT clerk_admin TO keeper'
like "a member of clerk_admin may, without being a superuser" "$(configure_by keeper first)" $'instance|created*\nins_test|added'
is "nor has it any right to write the tables itself" \
    "$(sql "SELECT count(*) FROM unnest('{INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER,REFERENCES}'::text[]) AS kind,
        unnest('{clerk.instances,clerk.signing_keys}'::text[]) AS name WHERE has_table_privilege('keeper', name, kind)" first)" 0
like "it may explain a token" \
    "$(try "SELECT ok FROM clerk.inspect_token('$alice') WHERE \"check\" = 'verdict'" -U keeper first)" t
is "a request role sees its rows" "$(seen_by app_user first "$SEEN")" a1,a2
for call in "clerk.inspect_token('x')" "clerk.configure('x')" "clerk.remove_instance('x')" "clerk.add_signing_keys('x', '{}')" \
    "clerk.remove_signing_key('x', 'y')" "clerk.refresh_signing_keys()"; do
    like "a request role may not call $call" "$(try "SELECT $call" -U app_user first)" 'ERROR:  42501: permission denied for schema clerk*'
done

# A role with nothing but EXECUTE and what it needs to name the functions.
sql "REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON DATABASE first FROM PUBLIC; GRANT CONNECT ON DATABASE first TO bare, app_user, keeper;
    REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO bare; GRANT EXECUTE ON FUNCTION clerk_user_id() TO bare" first
is "a role with nothing but EXECUTE reads who it is" "$(seen_by bare first 'SELECT clerk_user_id()')" user_alice
like "and nothing that it was not given" "$(seen_by bare first 'SELECT clerk_claims()')" 'ERROR:  42501: permission denied for function clerk_claims*'
like "nor the keys" "$(seen_by bare first 'SELECT * FROM clerk.signing_keys')" 'ERROR:  42501: permission denied for schema clerk*'

sql 'ALTER ROLE second_superuser NOSUPERUSER'
is "it goes on after the installing role has lost superuser" "$(seen_by bare first 'SELECT clerk_user_id()')" user_alice
like "administration too" "$(configure_by keeper first)" $'instance|updated*\nins_test|unchanged'

is "a second database of the cluster installs where clerk_admin exists" "$(try "$SETUP_SQL" second)" ''
like "its clerk_admin configures it" "$(configure_by keeper second)" $'instance|created*'
is "and each database has its own configuration" \
    "$(sql 'SELECT clerk.remove_instance(issuer) FROM clerk.instances' second; sql 'SELECT count(*) FROM clerk.instances' first)" $'t\n1'
like "a database without configuration accepts no token of the other" "$(seen_by app_user second "$SEEN")" 'ERROR:  55000:*'
is "DROP EXTENSION leaves the role that another database needs" \
    "$(try 'DROP EXTENSION clerk_sync CASCADE' second | grep -v -e ^NOTICE -e ^DETAIL -e '^drop cascades' ; sql "SELECT count(*) FROM pg_roles WHERE rolname = 'clerk_admin'")" 1

# A schema of the name that somebody made before is not adopted.
sql 'CREATE DATABASE squatted'
sql 'CREATE SCHEMA clerk' squatted
like "a squatted schema clerk makes the installation fail" "$(try 'CREATE EXTENSION clerk_sync' squatted)" 'ERROR:  42P06:*'
finish
