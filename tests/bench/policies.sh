#!/usr/bin/env bash
# Policies: what they cost over the same query with the literal in its WHERE and no row security; the forms that were
# decided between; and the test cases of GaryAustin1/RLS-Performance, before and after, with ours next to them.
#
# Latency is measured in one backend: a plpgsql loop runs the query by EXECUTE, planned anew each time as by a simple
# query of a client, and prepared; literal and policy take turns query by query, and what is given is the median of all
# queries. In one backend, because the network, the token's first check and pgbench's own work are the same for all and
# would only hide a ratio.
# The literal is asked by the table's owner, whom row security does not concern: the same rows on the same pages.
#
# The forms and the test cases are EXPLAIN ANALYZE's execution time (TIMING OFF), as in the original: medians of three
# rounds in turn, what takes more than a second once, and what takes more than BENCH_TIMEOUT seconds (5) is cut off.

# shellcheck source=lib/bench.sh
source "$(dirname "$0")/lib/bench.sh"

TIMEOUT=${BENCH_TIMEOUT:-5}
OWNERS=$((ROWS / 200))
CASE_ROWS=$((ROWS / 10))
# A user with some hundred rows and three organizations, one with a tenth of all rows, and the members of more.
USER_ID=user_7
ORG_ID=org_7
MANY=$((OWNERS / 2 < 500 ? OWNERS / 2 : 500))

# protect TABLE TEMPLATE: the template's policies; beside ours the one that Supabase documents. The indexes are there.
protect() {
    case $2 in
        supabase) sql "ALTER TABLE $1 ENABLE ROW LEVEL SECURITY; CREATE POLICY $2 ON $1 USING ((SELECT auth.jwt() ->> 'sub') = user_id)" ;;
        *) sql "SELECT FROM clerk.protect('$1', '$2', to_roles => '{public}')" ;;
    esac
}

# ---------------------------------------------------------------------------------------------- tables

sql "
SET client_min_messages = warning;
DO \$\$ BEGIN CREATE ROLE app_user LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
DO \$\$ BEGIN CREATE ROLE app_owner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
DO \$\$ BEGIN CREATE ROLE app_stranger LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
GRANT USAGE ON SCHEMA auth TO PUBLIC;
DROP TABLE IF EXISTS docs_by_owner, docs_by_organization, docs_by_member, docs_by_supabase, docs_bare, posts, many_posts,
    roles_of_users, teams_of_users, policy_contenders, policy_runs CASCADE;
DELETE FROM clerk.organization_memberships;

-- Everybody has the same number of rows, but one user and one organization, who have a tenth of them.
CREATE TABLE docs_by_owner AS
SELECT n AS id, CASE WHEN n % 10 = 3 THEN 'user_big' ELSE 'user_' || n % $OWNERS END AS user_id,
    CASE WHEN n % 10 = 3 THEN 'org_big' ELSE 'org_' || (n + n / $OWNERS) % $OWNERS END AS org_id, md5(n::text) AS body
FROM generate_series(1, $ROWS) AS n;
CREATE TABLE docs_by_organization AS TABLE docs_by_owner;
CREATE TABLE docs_by_member AS TABLE docs_by_owner;
CREATE TABLE docs_by_supabase AS TABLE docs_by_owner;
CREATE TABLE docs_bare AS TABLE docs_by_owner;
CREATE INDEX ON docs_by_owner (user_id);
CREATE INDEX ON docs_by_owner (org_id);
CREATE INDEX ON docs_by_organization (org_id);
CREATE INDEX ON docs_by_member (org_id);
CREATE INDEX ON docs_by_supabase (user_id);
ALTER TABLE docs_by_owner ADD PRIMARY KEY (id);
ALTER TABLE docs_bare ADD PRIMARY KEY (id);

INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role)
SELECT 'orgmem_' || n, 'org_' || n % $OWNERS, 'user_' || n % 997 + 1000, 'org:member' FROM generate_series(1, 100000) AS n;
INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role)
SELECT 'orgmem_' || teller.id || '_' || n, 'org_' || n, teller.id, 'org:member'
FROM (VALUES ('$USER_ID', 7, 9), ('user_10', 1, 10), ('user_100', 1, 100), ('user_many', 1, $MANY)) AS teller (id, low, high),
    generate_series(low, high) AS n;

-- The tables of the test cases: everybody's row is somebody else's; roles and teams without an index, as there. Ours
-- has the same in text.
CREATE TABLE posts AS
SELECT n AS id, 'name-' || n AS name, md5(n::text)::uuid AS user_uuid, 'user_of_' || n AS user_id, 'user' AS role, n AS team_id,
    'org_' || n AS org_id
FROM generate_series(1, $CASE_ROWS) AS n;
CREATE TABLE many_posts AS SELECT n AS id, 'name-' || n AS name, n AS team_id, 'org_' || n AS org_id FROM generate_series(1, $ROWS) AS n;
UPDATE posts SET user_uuid = '11111111-1111-4111-8111-111111111111', user_id = '$USER_ID', role = 'org:admin' WHERE id = 1;
CREATE TABLE roles_of_users AS SELECT n AS id, md5(n::text)::uuid AS user_uuid, 'user' AS role FROM generate_series(1, 1000) AS n;
UPDATE roles_of_users SET user_uuid = '11111111-1111-4111-8111-111111111111', role = 'org:admin' WHERE id = 1;
CREATE TABLE teams_of_users AS SELECT n AS id, md5(n::text)::uuid AS user_uuid, n AS team_id FROM generate_series(1, 1000) AS n;
UPDATE teams_of_users SET user_uuid = '11111111-1111-4111-8111-111111111111' WHERE team_id IN (7, 8, 9);
UPDATE teams_of_users SET user_uuid = '22222222-2222-4222-8222-222222222222' WHERE team_id BETWEEN 10 AND 19;
UPDATE teams_of_users SET user_uuid = '33333333-3333-4333-8333-333333333333' WHERE team_id BETWEEN 100 AND 199;
UPDATE teams_of_users SET user_uuid = '44444444-4444-4444-8444-444444444444' WHERE team_id BETWEEN 201 AND 200 + $MANY;
CREATE OR REPLACE FUNCTION is_admin() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS \$\$
BEGIN RETURN EXISTS (SELECT FROM roles_of_users WHERE user_uuid = auth.uid() AND role = 'org:admin'); END \$\$;
CREATE OR REPLACE FUNCTION role_of_user() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS \$\$
BEGIN RETURN (SELECT role FROM roles_of_users WHERE user_uuid = auth.uid()); END \$\$;
CREATE OR REPLACE FUNCTION user_teams() RETURNS int[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS \$\$
BEGIN RETURN ARRAY(SELECT team_id FROM teams_of_users WHERE user_uuid = auth.uid()); END \$\$;
-- As there: the searched tables have row security too.
ALTER TABLE teams_of_users ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON teams_of_users USING (auth.uid() = user_uuid);

ALTER TABLE docs_by_owner OWNER TO app_owner;
ALTER TABLE docs_by_organization OWNER TO app_owner;
ALTER TABLE docs_by_member OWNER TO app_owner;
ALTER TABLE docs_by_supabase OWNER TO app_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO app_user, app_stranger"
for table in docs_by_owner docs_by_organization docs_by_member docs_by_supabase docs_bare posts many_posts roles_of_users \
    teams_of_users clerk.organization_memberships; do
    sql "VACUUM ANALYZE $table"
done
for template in owner organization member supabase; do
    protect "docs_by_$template" $template
done

# token USER [ORGANIZATION] [ROLE]
token() { sign "$(printf '{"sub":"%s","jti":"a1b2c3d4e5f6a7b8c9d0","fva":[5,-1],"sts":"active","o":{"id":"%s","slg":"acme","rol":"%s","per":"manage,read","fpm":"3,2,3"},"fea":"o:dashboard,o:teams,o:invoices","pla":"o:pro"}' "$1" "${2:-org_none}" "${3:-member}")"; }
mine=$(token "$USER_ID" "$ORG_ID")
many=$(token user_many)

# ---------------------------------------------------------------------------------------------- latency

literal_array() { sql "SELECT quote_literal(array_agg(organization_id ORDER BY organization_id)::text) FROM clerk.organization_memberships WHERE user_id = '$1'"; }
sql "
CREATE TABLE policy_contenders (place serial PRIMARY KEY, name text, target numeric, token text, repetitions integer, source text, literal text);
CREATE TABLE policy_runs (place integer, form text, prepared boolean, microseconds numeric, found bigint);
INSERT INTO policy_contenders (name, target, token, repetitions, source, literal) VALUES
    ('owner', 1.2, :'mine', 100, 'docs_by_owner', \$\$user_id = '$USER_ID'\$\$),
    ('organization', 1.2, :'mine', 100, 'docs_by_organization', \$\$org_id = '$ORG_ID'\$\$),
    ('member of 3', 1.2, :'mine', 100, 'docs_by_member', 'org_id = ANY (' || :'few_ids' || ')'),
    ('member of $MANY', 2, :'many', 4, 'docs_by_member', 'org_id = ANY (' || :'many_ids' || ')'),
    ('(select auth.jwt()->>''sub'') = user_id', NULL, :'mine', 100, 'docs_by_supabase', \$\$user_id = '$USER_ID'\$\$)" \
    -v "mine=$mine" -v "many=$many" -v "few_ids=$(literal_array "$USER_ID")" -v "many_ids=$(literal_array user_many)"
claims_of() { sql "SELECT convert_from(decode(rpad(payload, (length(payload) + 3) / 4 * 4, '='), 'base64'), 'UTF8') FROM translate(split_part(:'token', '.', 2), '-_', '+/') AS payload" -v "token=$1"; }
claims=$(claims_of "$mine")
sql "
SELECT set_config('request.jwt.claims', :'claims', false);
DO \$\$
DECLARE
    contender policy_contenders;
    statements text[];
    started timestamptz;
    seen bigint;
    place integer;
    spent numeric[];
    answers bigint[];
BEGIN
    -- Round 0 warms up and is not counted.
    FOR round IN 0..3 * $ROUNDS LOOP
        FOR contender IN SELECT * FROM policy_contenders ORDER BY policy_contenders.place LOOP
            PERFORM set_config('clerk_sync.token', contender.token, true);
            statements := ARRAY['SELECT count(body) FROM ' || contender.source || ' WHERE ' || contender.literal,
                'SELECT count(body) FROM ' || contender.source];
            FOR form IN 1..2 LOOP
                PERFORM set_config('role', CASE form WHEN 1 THEN 'app_owner' ELSE 'app_user' END, true);
                IF round = 0 THEN
                    EXECUTE format('PREPARE form_%s_%s AS %s', form, contender.place, statements[form]);
                END IF;
                statements := statements || format('EXECUTE form_%s_%s', form, contender.place);
            END LOOP;
            spent := '{}';
            answers := '{}';
            FOR repetition IN 1..contender.repetitions LOOP
                -- Literal and policy planned, literal and policy prepared.
                FOR place IN 1..4 LOOP
                    PERFORM set_config('role', CASE place % 2 WHEN 1 THEN 'app_owner' ELSE 'app_user' END, true);
                    started := clock_timestamp();
                    EXECUTE statements[place] INTO seen;
                    spent := spent || extract(epoch FROM clock_timestamp() - started) * 1e6;
                    answers := answers || seen;
                END LOOP;
            END LOOP;
            PERFORM set_config('role', 'none', true);
            IF round > 0 THEN
                INSERT INTO policy_runs
                SELECT contender.place, CASE n % 2 WHEN 1 THEN 'literal' ELSE 'policy' END, (n - 1) % 4 >= 2, spent[n], answers[n]
                FROM generate_series(1, cardinality(spent)) AS n;
            END IF;
        END LOOP;
    END LOOP;
END \$\$" -v "claims=$claims" >/dev/null
sql "CREATE VIEW policy_results AS
SELECT policy_contenders.place, name, target, prepared, max(found) AS found, count(DISTINCT found) AS answers,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) FILTER (WHERE form = 'literal') AS literal,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) FILTER (WHERE form = 'policy') AS policy
FROM policy_runs JOIN policy_contenders USING (place) GROUP BY policy_contenders.place, prepared"
[ "$(sql 'SELECT count(*) FROM policy_results WHERE answers <> 1 OR found = 0')" -eq 0 ] || die 'a policy found other rows than its literal'
echo "$ROWS rows, one backend, medians of $((3 * ROUNDS)) rounds of 100 queries in turn (4 for many organizations): SELECT count(body), microseconds a query"
psql --no-psqlrc -q --pset footer=off --pset null= <<'SQL'
SELECT name AS policy, max(found) AS rows, CASE WHEN prepared THEN 'prepared' ELSE 'planned each time' END AS query,
    round(max(literal)::numeric, 1) AS literal, round(max(policy)::numeric, 1) AS "by policy",
    round((max(policy) / max(literal))::numeric, 2) AS times, max(target) AS target
FROM policy_results GROUP BY place, name, prepared ORDER BY prepared, place;
SQL
while IFS='|' read -r name prepared ratio target; do
    verdict "$name, $prepared: times the literal" "$ratio" at-most "$target"
done < <(sql "SELECT name, CASE WHEN prepared THEN 'prepared' ELSE 'planned each time' END, policy / literal, target FROM policy_results WHERE target IS NOT NULL ORDER BY prepared, place")

# plan_of TABLE TOKEN: as the plain role sees it.
plan_of() { sql "BEGIN; SET LOCAL ROLE app_user; SET LOCAL clerk_sync.token = '$2'; EXPLAIN (COSTS OFF) SELECT count(body) FROM $1; ROLLBACK"; }
for template in owner organization member; do
    plan=$(plan_of "docs_by_$template" "$mine")
    echo "$template:"
    echo "$plan"
    verdict "$template: an index scan" "$(grep -qE 'Index (Cond|Scan)' <<<"$plan" && ! grep -q 'Seq Scan' <<<"$plan" && echo 1 || echo 0)" at-least 1
done

# ---------------------------------------------------------------------------------------------- forms and cases

# run ROLE TOKEN CLAIMS QUERY: "milliseconds rows" of the second run in a connection, or "timeout". The first run brings in
# libraries, keys and plans, and for ours it verifies the token.
run() {
    { sql "BEGIN; SET LOCAL statement_timeout = '${TIMEOUT}s'; SET LOCAL ROLE $1;
        DO \$\$ BEGIN PERFORM set_config('clerk_sync.token', '$2', true), set_config('request.jwt.claims', '$3', true); END \$\$;
        EXPLAIN (ANALYZE, TIMING OFF) $4; EXPLAIN (ANALYZE, TIMING OFF) $4; ROLLBACK" 2>&1 || true; } | awk '
        /statement timeout/ { print "timeout"; exit }
        /ERROR/ { print > "/dev/stderr"; exit 1 }
        rows == "" && match($0, /actual rows=[0-9]+/) { rows = substr($0, RSTART + 12, RLENGTH - 12) }
        /Execution Time/ && ++runs == 2 { print $3, rows }'
}

# A contender: its group (whose members must find the same rows, but where the group ends in *), name, table, role, TO,
# policy, token, claims, query. `-` is nothing.
contenders=()
add() { contenders+=("$(printf '%s\t' "$@")"); }
policy() {
    sql "SET client_min_messages = warning; DROP POLICY IF EXISTS measured ON $1; ALTER TABLE $1 ENABLE ROW LEVEL SECURITY;
        CREATE POLICY measured ON $1 TO $3 USING ($2)"
}

# measure: all contenders in turn, round by round; fills milliseconds[] and found[].
measure() {
    local round number group name table role to expression token claims query result
    declare -gA milliseconds=() found=()
    for round in 0 1 2 3; do
        for number in "${!contenders[@]}"; do
            IFS=$'\t' read -r group name table role to expression token claims query <<<"${contenders[number]}"
            # Slow ones run once.
            if [ "$round" -gt 0 ] && awk -v ms="${milliseconds[$number]#* }" 'BEGIN { exit !(ms == "timeout" || ms > 1000) }'; then
                continue
            fi
            policy "$table" "$expression" "$to"
            result=$(run "$role" "${token#-}" "${claims#-}" "$query")
            [ -n "$result" ] || die "no answer: $name"
            if [ "$result" = timeout ]; then
                milliseconds[$number]=timeout
                continue
            fi
            [ "$round" -eq 1 ] && milliseconds[$number]=
            milliseconds[$number]+=" ${result% *}"
            found[$number]=${result#* }
        done
    done
    for number in "${!contenders[@]}"; do
        [ "${milliseconds[$number]}" = timeout ] || milliseconds[$number]=$(tr ' ' '\n' <<<"${milliseconds[$number]# }" | median)
    done
}

# print_measured: a line a contender; who is of one group must have found the same.
print_measured() {
    local number group name table expression last='' expected=''
    for number in "${!contenders[@]}"; do
        IFS=$'\t' read -r group name table _ _ expression _ <<<"${contenders[number]}"
        [ "$group" = "$last" ] || { expected=''; echo "${group%\*}"; }
        last=$group
        if [ "${milliseconds[$number]}" = timeout ]; then
            printf '    %-7s %10s ms             %s\n' "$name" "> $((TIMEOUT * 1000))" "$expression"
            continue
        fi
        printf '    %-7s %10.3f ms %7d rows %s\n' "$name" "${milliseconds[$number]}" "${found[$number]}" "$expression"
        [ -n "$expected" ] || expected=${found[$number]}
        [[ $group == *\* ]] || [ "$expected" = "${found[$number]}" ] || die "$group: $name found ${found[$number]} rows, not $expected"
    done
}

big=$(token user_big org_big member)
admin=$(token user_big org_big admin)
all='SELECT body FROM docs_by_owner'
first="$all ORDER BY id LIMIT 20"
sql "SET client_min_messages = warning; SELECT FROM clerk.unprotect('docs_by_owner')"
form() { add "$1" "$2" "$3" app_user PUBLIC "$4" "$5" - "$6"; }
group='owner of a tenth of the rows, indexed, ORDER BY id LIMIT 20'
form "$group" plain docs_by_owner 'user_id = clerk_user_id()' "$big" "$first"
form "$group" wrapped docs_by_owner 'user_id = (SELECT clerk_user_id())' "$big" "$first"
group='owner of some hundred rows, not indexed'
form "$group" plain docs_bare 'user_id = clerk_user_id()' "$mine" 'SELECT body FROM docs_bare'
form "$group" wrapped docs_bare 'user_id = (SELECT clerk_user_id())' "$mine" 'SELECT body FROM docs_bare'
group='organization and role, indexed, of one who has not the role, ORDER BY id LIMIT 20'
form "$group" plain docs_by_owner "org_id = clerk_org_id() AND clerk_has_role('admin')" "$big" "$first"
form "$group" wrapped docs_by_owner "org_id = clerk_org_id() AND (SELECT clerk_has_role('admin'))" "$big" "$first"
form "$group" case docs_by_owner "org_id = CASE WHEN clerk_has_role('admin') THEN clerk_org_id() END" "$big" "$first"
group='owner, or admin of the organization, indexed, of one who has not the role'
form "$group" plain docs_by_owner "user_id = clerk_user_id() OR (org_id = clerk_org_id() AND clerk_has_role('admin'))" "$mine" "$all"
form "$group" case docs_by_owner "user_id = clerk_user_id() OR org_id = CASE WHEN clerk_has_role('admin') THEN clerk_org_id() END" "$mine" "$all"
group='a role, and no column'
form "$group" plain docs_bare "clerk_has_role('admin')" "$admin" 'SELECT body FROM docs_bare'
form "$group" wrapped docs_bare "(SELECT clerk_has_role('admin'))" "$admin" 'SELECT body FROM docs_bare'
for place in 'indexed docs_by_owner' 'not indexed docs_bare'; do
    table=${place##* }
    group="member of $MANY organizations, ${place% *}"
    form "$group" array "$table" 'org_id = ANY ((SELECT clerk_member_org_ids())::text[])' "$many" "SELECT body FROM $table"
    form "$group" in "$table" 'org_id IN (SELECT unnest(clerk_member_org_ids()))' "$many" "SELECT body FROM $table"
    form "$group" asked "$table" 'clerk_is_member(org_id)' "$many" "SELECT body FROM $table"
done
echo "forms, $ROWS rows"
measure
print_measured

contenders=()
uuid_claims='{"role":"authenticated","sub":"11111111-1111-4111-8111-111111111111"}'
mine=$(token "$USER_ID" "$ORG_ID" admin)
theirs() { add "$1" "$2" "$3" app_user "${6:-PUBLIC}" "$4" - "${5:-$uuid_claims}" "${7:-SELECT * FROM $3}"; }
ours() { add "$1" "${5:-ours}" "$2" app_user PUBLIC "$3" "${4:-$mine}" - "SELECT * FROM $2"; }
sql "CREATE TABLE posts_indexed AS TABLE posts; CREATE INDEX ON posts_indexed (user_uuid); CREATE INDEX ON posts_indexed (user_id);
    CREATE TABLE many_posts_indexed AS TABLE many_posts; CREATE INDEX ON many_posts_indexed (team_id); CREATE INDEX ON many_posts_indexed (org_id);
    GRANT SELECT ON posts_indexed, many_posts_indexed TO app_user"
sql 'VACUUM ANALYZE posts_indexed'
sql 'VACUUM ANALYZE many_posts_indexed'
theirs '1' before posts 'auth.uid() = user_uuid'
theirs '1' after posts_indexed 'auth.uid() = user_uuid'
ours '1' posts_indexed 'user_id = clerk_user_id()'
theirs '2a' before posts 'auth.uid() = user_uuid'
theirs '2a' after posts '(SELECT auth.uid()) = user_uuid'
ours '2a' posts 'user_id = clerk_user_id()'
theirs '2b' before posts 'is_admin()'
theirs '2b' after posts '(SELECT is_admin())'
ours '2b' posts "(SELECT clerk_has_role('admin'))"
theirs '2c' before posts 'is_admin() OR auth.uid() = user_uuid'
theirs '2c' after posts '(SELECT is_admin()) OR (SELECT auth.uid()) = user_uuid'
ours '2c' posts "(SELECT clerk_has_role('admin')) OR user_id = clerk_user_id()"
theirs '2d' before posts 'role_of_user() = role'
theirs '2d' after posts '(SELECT role_of_user()) = role'
ours '2d' posts 'role = clerk_org_role()'
theirs '2e' before posts 'team_id = ANY (user_teams())'
theirs '2e' after posts 'team_id = ANY (ARRAY(SELECT user_teams()))'
ours '2e' posts 'org_id IN (SELECT unnest(clerk_member_org_ids()))'
theirs '3 (after: the client filters too)' before posts 'auth.uid() = user_uuid'
theirs '3 (after: the client filters too)' after posts 'auth.uid() = user_uuid' '' '' "SELECT * FROM posts WHERE user_uuid = '11111111-1111-4111-8111-111111111111'"
ours '3 (after: the client filters too)' posts 'user_id = clerk_user_id()'
theirs '5' before posts 'auth.uid() IN (SELECT user_uuid FROM teams_of_users WHERE teams_of_users.team_id = posts.team_id)'
theirs '5' after posts 'team_id IN (SELECT team_id FROM teams_of_users WHERE user_uuid = auth.uid())'
ours '5' posts 'org_id IN (SELECT unnest(clerk_member_org_ids()))'
add '6 (a stranger asks; after: TO the users)' before posts app_stranger PUBLIC 'auth.uid() = user_uuid' - '{"role":"anon"}' 'SELECT * FROM posts'
add '6 (a stranger asks; after: TO the users)' after posts app_stranger app_user 'auth.uid() = user_uuid' - '{"role":"anon"}' 'SELECT * FROM posts'
add '6 (a stranger asks; after: TO the users)' ours posts app_stranger app_user 'user_id = clerk_user_id()' - - 'SELECT * FROM posts'
add '6 (a stranger asks; after: TO the users)' 'no TO' posts app_stranger PUBLIC 'user_id = clerk_user_id()' - - 'SELECT * FROM posts'
place=22222222-2222-4222-8222-222222222222
for teams in 10 100 "$MANY"; do
    member=$(token "user_$teams")
    [ "$teams" = "$MANY" ] && member=$many place=44444444-4444-4444-8444-444444444444
    [ "$teams" = 100 ] && place=33333333-3333-4333-8333-333333333333
    team_claims="{\"role\":\"authenticated\",\"sub\":\"$place\"}"
    for table in many_posts many_posts_indexed; do
        indexed=${table#many_posts}
        group="$ROWS rows, $teams teams, ${indexed:+indexed}${indexed:-not indexed}"
        group=${group/indexed_indexed/indexed}
        [ "$teams" != 10 ] || theirs "$group" before $table 'team_id = ANY (user_teams())' "$team_claims"
        theirs "$group" after $table 'team_id = ANY (ARRAY(SELECT user_teams()))' "$team_claims"
        if [ -n "$indexed" ]; then
            ours "$group" $table 'org_id = ANY ((SELECT clerk_member_org_ids())::text[])' "$member"
        else
            ours "$group" $table 'org_id IN (SELECT unnest(clerk_member_org_ids()))' "$member"
        fi
    done
done
echo "the test cases of GaryAustin1/RLS-Performance, $CASE_ROWS rows where no other number is given; theirs by uuid and integer, ours by text"
measure
print_measured
