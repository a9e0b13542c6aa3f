#!/usr/bin/env bash
# What a function adds to each row of a table over the same query with a literal: `select count(*) from rows where
# column = f()`, f evaluated for every row, in one backend, the contenders in turn in every round, medians of the rounds.
#
# The baseline is Supabase's documented SQL over request.jwt.claims, the same claims for all. A STABLE condition
# without a column would be evaluated once for the whole query, so the questions of roles and permissions are asked of
# a column. For clerk_user_id() the baseline is given the smallest claims that Clerk makes, which suits it best: its cost
# grows with them, and that of clerk_user_id() does not.

# shellcheck source=lib/bench.sh
source "$(dirname "$0")/lib/bench.sh"

# A v1 token has its permissions in an array, which SQL can ask; of a v2 token's bit masks it could not.
V1='{"v":null,"jti":"a1b2c3d4e5f6a7b8c9d0","fva":[5,-1],"sts":"active","role":"authenticated","org_id":"org_2abcdefghijklmnopqrstuvwxyz",
    "org_role":"org:admin","org_slug":"acme","org_permissions":["org:billing:manage","org:billing:read","org:dashboard:read",
    "org:invoices:manage","org:invoices:read","org:posts:read","org:posts:write","org:teams:manage","org:teams:read"]}'
v2=$(sign "$CLAIMS_V2")
v1=$(sign "$V1")
smallest=$(sign '{}')

sql "
SET client_min_messages = warning;
DROP TABLE IF EXISTS people, contenders, runs;
CREATE TABLE people AS
SELECT n AS id, 'user_' || md5(n::text) AS user_id, md5(n::text)::uuid AS user_uuid,
    CASE WHEN n % 1000 = 0 THEN 'admin' ELSE 'member' END AS role,
    CASE WHEN n % 1000 = 0 THEN 'org:teams:read' ELSE 'org:teams:delete' END AS permission
FROM generate_series(1, $ROWS) AS n;
VACUUM ANALYZE people;
CREATE TABLE contenders (
    place serial, name text PRIMARY KEY, literal text, baseline text, target numeric, source text, condition text NOT NULL);
INSERT INTO contenders (name, literal, baseline, target, source, condition) VALUES
    ('text = literal', NULL, NULL, NULL, 'none', 'user_id = ''user_20000000000000000000000000'''),
    ('uuid = literal', NULL, NULL, NULL, 'none', 'user_uuid = ''11111111-1111-4111-8111-111111111111'''),
    ('role = literal', NULL, NULL, NULL, 'none', 'role = ''admin'''),
    ('permission = literal', NULL, NULL, NULL, 'none', 'permission = ''org:teams:read'''),
    ('auth.jwt()->>''sub''', 'text = literal', NULL, NULL, 'claims', 'user_id = (auth.jwt()->>''sub'')'),
    ('auth.jwt()->>''sub'', smallest claims', 'text = literal', NULL, NULL, 'smallest claims', 'user_id = (auth.jwt()->>''sub'')'),
    ('auth.uid()', 'uuid = literal', NULL, NULL, 'uuid claims', 'user_uuid = auth.uid()'),
    ('clerk_user_id(), SET LOCAL', 'text = literal', 'auth.jwt()->>''sub'', smallest claims', 30, 'token', 'user_id = clerk_user_id()'),
    ('clerk_user_id(), request.headers', 'text = literal', 'auth.jwt()->>''sub'', smallest claims', 30, 'headers', 'user_id = clerk_user_id()'),
    ('auth.jwt()->''o''->>''rol'' = role', 'role = literal', NULL, NULL, 'claims', '(auth.jwt()->''o''->>''rol'') = role'),
    ('clerk_has_role(role)', 'role = literal', 'auth.jwt()->''o''->>''rol'' = role', 10, 'token', 'clerk_has_role(role)'),
    ('auth.jwt()->''org_permissions'' ? permission', 'permission = literal', NULL, NULL, 'v1 claims',
        '(auth.jwt()->''org_permissions'' ? permission)'),
    ('clerk_has_permission(permission), v1', 'permission = literal', 'auth.jwt()->''org_permissions'' ? permission', 10, 'v1 token',
        'clerk_has_permission(permission)'),
    ('clerk_has_permission(permission), v2', 'permission = literal', 'auth.jwt()->''org_permissions'' ? permission', 10, 'token',
        'clerk_has_permission(permission)'),
    ('auth.jwt()->>''custom''', 'text = literal', NULL, NULL, 'claims', 'user_id = (auth.jwt()->>''custom'')'),
    ('clerk_claim(''custom'')', 'text = literal', 'auth.jwt()->>''custom''', 10, 'token', 'user_id = clerk_claim(''custom'')');
CREATE TABLE runs (name text NOT NULL, round integer NOT NULL, milliseconds numeric NOT NULL, found bigint NOT NULL);
"

sql "
CREATE OR REPLACE FUNCTION pg_temp.claims_of(token text) RETURNS text LANGUAGE sql AS \$\$
    SELECT convert_from(decode(rpad(payload, (length(payload) + 3) / 4 * 4, '='), 'base64'), 'UTF8')
    FROM translate(split_part(token, '.', 2), '-_', '+/') AS payload \$\$;
CREATE FUNCTION pg_temp.bring(source text, v1 text, v2 text, smallest text) RETURNS void LANGUAGE plpgsql AS \$\$
BEGIN
    PERFORM set_config('clerk_sync.token', CASE source WHEN 'token' THEN v2 WHEN 'v1 token' THEN v1 ELSE '' END, true);
    -- What PostgREST hands on of a browser's request.
    PERFORM set_config('request.headers', CASE source WHEN 'headers' THEN json_build_object(
        'host', 'api.example.com', 'user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
        'accept', '*/*', 'accept-encoding', 'gzip, deflate, br', 'accept-language', 'en-US,en;q=0.9', 'origin', 'https://app.example.com',
        'referer', 'https://app.example.com/', 'x-forwarded-for', '203.0.113.9', 'x-client-info', 'supabase-js-web/2.45.0',
        'apikey', repeat('k', 200), 'authorization', 'Bearer ' || v2)::text ELSE '' END, true);
    PERFORM set_config('request.jwt.claims', CASE source
        WHEN 'claims' THEN pg_temp.claims_of(v2) WHEN 'v1 claims' THEN pg_temp.claims_of(v1)
        WHEN 'smallest claims' THEN pg_temp.claims_of(smallest)
        WHEN 'uuid claims' THEN jsonb_set(pg_temp.claims_of(v2)::jsonb, '{sub}', '\"11111111-1111-4111-8111-111111111111\"')::text
        ELSE '' END, true);
END \$\$;
SELECT set_config('bench.v1', :'v1', false), set_config('bench.v2', :'v2', false), set_config('bench.smallest', :'smallest', false);
DO \$\$
DECLARE
    contender contenders;
    started timestamptz;
    found bigint;
BEGIN
    -- Round 0 warms up and is not counted.
    FOR round IN 0..$ROUNDS LOOP
        FOR contender IN SELECT * FROM contenders ORDER BY place LOOP
            PERFORM pg_temp.bring(contender.source, current_setting('bench.v1'), current_setting('bench.v2'), current_setting('bench.smallest'));
            started := clock_timestamp();
            EXECUTE 'SELECT count(*) FROM people WHERE ' || contender.condition INTO found;
            IF round > 0 THEN
                INSERT INTO runs VALUES (contender.name, round, extract(epoch FROM clock_timestamp() - started) * 1000, found);
            END IF;
        END LOOP;
    END LOOP;
END \$\$" -v "v1=$v1" -v "v2=$v2" -v "smallest=$smallest" >/dev/null

# Who asks the same must have found the same.
differing=$(sql "SELECT string_agg(name, ', ') FROM contenders JOIN contenders AS base (p, base_name) ON base.base_name = contenders.baseline
    WHERE (SELECT max(found) FROM runs WHERE runs.name = contenders.name) <> (SELECT max(found) FROM runs WHERE runs.name = base_name)")
[ -z "$differing" ] || die "these found other rows than what they are compared with: $differing"

echo "$ROWS rows, one backend, medians of $ROUNDS rounds in turn; tokens of ${#v2} (v2), ${#v1} (v1) and ${#smallest} (smallest) bytes"
psql --no-psqlrc -q --pset footer=off --pset null= <<SQL
CREATE OR REPLACE VIEW results AS
WITH medians AS (SELECT name, percentile_cont(0.5) WITHIN GROUP (ORDER BY milliseconds) AS ms FROM runs GROUP BY name),
    costs AS (SELECT contenders.*, mine.ms, (mine.ms - theirs.ms) * 1000 / $ROWS AS cost FROM contenders
        JOIN medians AS mine USING (name) LEFT JOIN medians AS theirs ON theirs.name = contenders.literal)
SELECT place, name, ms, cost, target, (SELECT base.cost FROM costs AS base WHERE base.name = costs.baseline) / nullif(cost, 0) AS ratio
FROM costs;
SELECT name AS "f", round(ms::numeric, 1) AS ms, round(cost::numeric, 3) AS "us a row over the literal",
    round(ratio::numeric, 1) AS "times less than auth", target FROM results ORDER BY place;
SQL
while IFS='|' read -r name ratio target; do
    # A cost that is lost in the noise is none.
    verdict "$name: times less than auth" "$ratio" at-least "$target"
done < <(sql "SELECT name, CASE WHEN ratio > 0 THEN ratio ELSE 9999 END, target FROM results WHERE target IS NOT NULL ORDER BY place")
