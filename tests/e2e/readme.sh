#!/usr/bin/env bash
# The README's opening SQL runs as it is printed, and does what it says; every function and setting that the README
# names exists.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server readme
sql "CREATE ROLE app LOGIN" >/dev/null
# Without the way out that a test machine lacks, configure() warns and goes on; the keys are added by hand.
opening=$(awk '/^```sql/ { inside = 1; next } /^```/ && inside { exit } inside' README.md)
administration=${opening%%BEGIN;*}
request=BEGIN\;${opening#*BEGIN;}
sql "$administration" >"$SCRATCH/administration" 2>&1 || not_ok "the README's statements run" "$(cat "$SCRATCH/administration")"
like "configure reports the issuer" "$(cat "$SCRATCH/administration")" "*issuer|https://clerk.example.com*"
sql "SELECT FROM clerk.add_signing_keys(:'issuer', :'jwks')" \
    -v "issuer=$ISSUER" -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")" >/dev/null

# As the README's user would: the token is a parameter. psql's \bind needs Postgres 16, a variable does for all.
as_user() { sql "${request//\$1/:\'token\'}" -v "token=$1" -U app | tail -n +2; }
sql "INSERT INTO notes VALUES ('user_alice', 'org_a', 'a'), ('user_bob', 'org_a', 'b'), ('user_carol', 'org_c', 'c')"

is "alice sees her row and her organization's" \
    "$(as_user "$(sign '{"sub":"user_alice","o":{"id":"org_a","rol":"member"}}')" | cut -d '|' -f 3 | sort | xargs)" "a b"
is "without an organization she sees nothing of it" "$(as_user "$(token user_alice)" | cut -d '|' -f 3 | xargs)" ""
is "a stranger sees nothing" "$(as_user "$(token user_dave)")" ""
is "the defaults fill in who writes" \
    "$(sql "BEGIN; SELECT FROM set_config('clerk_sync.token', :'token', true);
            INSERT INTO notes (body) VALUES ('new') RETURNING user_id, org_id" -U app \
        -v "token=$(sign '{"sub":"user_dave","o":{"id":"org_d","rol":"member"}}')" | tail -n 1)" "user_dave|org_d"

# The chapter on policies: each line of SQL runs, and writes the conditions printed under it.
sql "
CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE reporting;
DROP TABLE notes;
CREATE TABLE notes (id integer PRIMARY KEY, user_id text, org_id text, body text, is_public boolean, is_locked boolean);
CREATE TABLE projects (id integer PRIMARY KEY, org_id text);
CREATE TABLE tasks (id integer PRIMARY KEY, project_id integer REFERENCES projects);
CREATE TABLE articles (id integer PRIMARY KEY, user_id text);
CREATE TABLE prices (id integer PRIMARY KEY, price numeric);
CREATE TABLE public_profiles (id text PRIMARY KEY);
CREATE TABLE private_profiles (id text PRIMARY KEY);
-- What a statement of policy_sql says of a command: its conditions, one text where both are the same.
CREATE FUNCTION conditions(statement text, OUT command text, OUT condition text) LANGUAGE sql AS \$\$
    WITH parts AS (SELECT
        (regexp_match(split_part(statement, ' WITH CHECK (', 1), ' USING \\((.*)\\);?\$'))[1] AS old,
        (regexp_match(split_part(statement, ' WITH CHECK (', 2), '^(.*)\\);\$'))[1] AS new)
    SELECT lower((regexp_match(statement, ' FOR (\\w+) TO '))[1]), replace(CASE WHEN old <> new
        THEN old || ' / ' || new ELSE coalesce(old, new) END, 'public.', '') FROM parts \$\$;
" >/dev/null
# Of the promise `--> select: condition` what is not kept. The last call before it made the policies.
unkept() {
    sql "
    WITH promised (commands, condition) AS (SELECT :'commands', :'condition'),
        made AS (SELECT (conditions(statement)).* FROM $2 AS statement WHERE statement LIKE 'CREATE POLICY %')
    SELECT string_agg(made.command || ': ' || made.condition, '; ')
    FROM made, promised
    WHERE made.command = ANY (CASE commands WHEN 'all' THEN '{select,insert,update,delete}'
            WHEN 'write' THEN '{insert,update,delete}' ELSE string_to_array(commands, ', ') END::text[])
        AND made.condition <> promised.condition
    UNION ALL
    SELECT 'no such policy' FROM promised
    WHERE NOT EXISTS (SELECT FROM made WHERE made.condition = promised.condition)" \
        -v "commands=$1" -v "condition=$3" | xargs
}
chapter=$(awk '/^### Templates/ { here = 1 } /^### Options/ { exit } here && /^```sql/ { inside = 1; next } /^```/ { inside = 0 } inside' README.md)
promises=0 call=
while IFS= read -r line; do
    case $line in
        'SELECT clerk.protect('*)
            call=${line#SELECT }
            call=clerk.policy_sql${call#clerk.protect}
            call=${call%;}
            sql "$line" >"$SCRATCH/protect" 2>&1 || not_ok "README: $line" "$(cat "$SCRATCH/protect")"
            ;;
        '--> '*)
            promise=${line#--> }
            promises=$((promises + 1))
            is "README: $promise" "$(unkept "${promise%%: *}" "$call" "${promise#*: }")" ""
            ;;
    esac
done <<<"$chapter"
holds "the chapter makes promises" test "$promises" -ge 25

# The test kit's lines, on rows for which they are true.
sql "GRANT SELECT, INSERT ON notes TO authenticated;
INSERT INTO notes (id, user_id, is_locked) VALUES (1, 'user_alice', false), (2, 'user_alice', false), (3, 'user_bob', false);
CREATE EXTENSION clerk_sync_test" >/dev/null
kit=$(sql "$(awk '/^### Test them/ { here = 1 } /^## Webhooks/ { exit } here && /^```sql/ { inside = 1; next } /^```/ { inside = 0 } inside' README.md)" 2>&1)
is "both expectations of the README hold" "$(grep -c '^ok - ' <<<"$kit")" 2
like "the README's matrix is printed" "$kit" "*alice|select|2||1|*"

missing=$(sql "
    SELECT string_agg(DISTINCT named, ' ') FROM regexp_split_to_table(:'names', '\s+') AS named
    WHERE named <> '' AND NOT EXISTS (SELECT FROM pg_proc WHERE proname = named)" \
    -v "names=$(grep -oE '\bclerk_[a-z_]+\(' README.md | tr -d '(' | sort -u)")
is "every session function that the README names exists" "$missing" ""
missing=$(sql "
    SELECT string_agg(DISTINCT named, ' ') FROM regexp_split_to_table(:'names', '\s+') AS named
    WHERE named <> '' AND NOT EXISTS (SELECT FROM pg_proc JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE nspname || '.' || proname = named)" \
    -v "names=$(grep -oE '\bclerk\.[a-z_]+\(' README.md | tr -d '(' | sort -u)")
is "every function of administrators that the README names exists" "$missing" ""
missing=$(sql "
    LOAD 'clerk_sync';
    SELECT string_agg(DISTINCT named, ' ') FROM regexp_split_to_table(:'names', '\s+') AS named
    WHERE named <> '' AND current_setting(named, true) IS NULL" \
    -v "names=$(grep -oE '^\| `clerk_sync\.[a-z_]+' README.md | tr -d '|\` ' | sort -u)")
is "every setting that the README names exists" "$missing" ""
finish
