#!/usr/bin/env bash
# The settings that PostgREST makes, exactly as it makes them, under the roles that Supabase defines: a Clerk token in
# the Authorization header is a session; every other token that the same header carries on Supabase is none, and no
# error; a Clerk token that is bad is SQLSTATE PT401, which PostgREST answers with HTTP status 401.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server postgrest
set_up
# Supabase's roles, its default privileges, and its definitions of auth.uid() and auth.jwt().
sql "
CREATE ROLE anon NOLOGIN NOINHERIT;
CREATE ROLE authenticated NOLOGIN NOINHERIT;
CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT;
GRANT anon, authenticated, service_role TO authenticator;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
GRANT ALL ON notes TO anon, authenticated, service_role;
CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS \$\$
    SELECT coalesce(nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), ''))::jsonb \$\$;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS \$\$
    SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid \$\$;
CREATE FUNCTION whoami() RETURNS json LANGUAGE sql STABLE AS \$\$
    SELECT json_build_object('user', clerk_user_id(), 'role', current_user) \$\$;
-- During a migration both kinds of users work side by side.
CREATE TABLE old_notes (owner uuid NOT NULL, body text NOT NULL);
INSERT INTO old_notes VALUES ('11111111-1111-4111-8111-111111111111', 'old1');
ALTER TABLE old_notes ENABLE ROW LEVEL SECURITY;
-- CASE, since auth.uid() is an error for a sub that is no uuid, and AND promises no order.
CREATE POLICY supabase_owner ON old_notes USING (CASE WHEN clerk_user_id() IS NULL THEN owner = auth.uid() END);
GRANT ALL ON old_notes TO anon, authenticated, service_role;
-- The policy for both that examples/postgrest.md shows.
CREATE TABLE shared_notes (owner text NOT NULL, body text NOT NULL);
INSERT INTO shared_notes VALUES ('11111111-1111-4111-8111-111111111111', 'of supabase'), ('user_alice', 'of clerk');
ALTER TABLE shared_notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON shared_notes USING (owner = coalesce(clerk_user_id(), auth.uid()::text));
GRANT ALL ON shared_notes TO anon, authenticated, service_role;
"
is "authenticator, anon and authenticated are neither superusers nor exempt from row security" \
    "$(sql "SELECT count(*) FROM pg_roles WHERE rolname IN ('authenticator', 'anon', 'authenticated') AND NOT rolsuper AND NOT rolbypassrls")" 3

# claims_of TOKEN: the payload, as PostgREST hands it on after its own check.
claims_of() {
    local payload=${1#*.}
    payload=$(tr -- '-_' '+/' <<<"${payload%%.*}")
    while [ $((${#payload} % 4)) -ne 0 ]; do payload+='='; done
    base64 --decode <<<"$payload"
}
headers() { printf '{"host":"localhost:3000","accept":"*/*","user-agent":"supabase-js/2.0","apikey":"sb_publishable_x","x-forwarded-for":"203.0.113.9"%s}' "${1:+,\"authorization\":\"$1\"}"; }

open_session api -U authenticator
# What PostgREST prepares and runs first in each transaction.
ask api "PREPARE settings (text, text, text, text, text, text, text) AS SELECT set_config('search_path', \$1, true),
    set_config('role', \$2, true), set_config('request.jwt.claims', \$3, true), set_config('request.method', \$4, true),
    set_config('request.path', \$5, true), set_config('request.headers', \$6, true), set_config('request.cookies', \$7, true)" >/dev/null

# request ROLE AUTHORIZATION [CLAIMS [STATEMENTS]]: one request; the answer without that of the settings.
request() {
    local claims=${3:-"{\"role\":\"$1\"}"} statements
    statements=${4:-"$GET_NOTES"}
    ask api "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
        EXECUTE settings ('\"public\", \"extensions\"', '$1', '$claims', 'GET', '/notes', '$(headers "$2")', '{}');
        $statements; ROLLBACK" | grep -v '^"public", "extensions"|'
}
# What PostgREST makes of GET /notes?select=body&order=body.
GET_NOTES="WITH pgrst_source AS (SELECT public.notes.body FROM public.notes ORDER BY public.notes.body ASC)
    SELECT null::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total,
        coalesce(json_agg(_postgrest_t), '[]') AS body, nullif(current_setting('response.headers', true), '') AS response_headers,
        nullif(current_setting('response.status', true), '') AS response_status
    FROM (SELECT * FROM pgrst_source) _postgrest_t"
ROWS_ALICE=$'(null)|2|[{"body":"a1"}, \n {"body":"a2"}]|(null)|(null)'
ROWS_BOB='(null)|1|[{"body":"b1"}]|(null)|(null)'
NO_ROWS='(null)|0|[]|(null)|(null)'
WHO='SELECT whoami()'

alice=$(sign '{"sub":"user_alice","role":"authenticated"}')
bob=$(sign '{"sub":"user_bob","role":"authenticated"}')
SUPABASE=https://project.supabase.co/auth/v1
anon_key=$(sign '{"role":"anon","sub":null,"sid":null,"azp":null,"v":null}' --issuer supabase --header '{"alg":"HS256","kid":null}')
service_key=$(sign '{"role":"service_role","sub":null,"sid":null,"azp":null,"v":null}' --issuer supabase --header '{"alg":"HS256","kid":null}')
supabase_user=$(sign '{"role":"authenticated","sub":"11111111-1111-4111-8111-111111111111","sid":null,"azp":null,"v":null}' \
    --issuer $SUPABASE --header '{"alg":"HS256","kid":"abc"}')

is "a Clerk token as Bearer is a session" "$(request authenticated "Bearer $alice" "$(claims_of "$alice")")" "$ROWS_ALICE"
is "the next request on the connection is another person's" "$(request authenticated "Bearer $bob" "$(claims_of "$bob")")" "$ROWS_BOB"
is "a request without a token after it sees nothing" "$(request anon '')" "$NO_ROWS"
is "nor is there a session outside of a request" "$(ask api 'SELECT clerk_user_id()')" '(null)'
is "a function called over RPC sees the session and the role" \
    "$(request authenticated "Bearer $alice" "$(claims_of "$alice")" "$WHO")" '{"user" : "user_alice", "role" : "authenticated"}'
is "so does a role that the token was not made for" "$(request anon "Bearer $alice" '' "$WHO")" '{"user" : "user_alice", "role" : "anon"}'

is "the anon key is no session, and no error" "$(request anon "Bearer $anon_key" "$(claims_of "$anon_key")")" "$NO_ROWS"
is "nor does it name anybody" "$(request anon "Bearer $anon_key" "$(claims_of "$anon_key")" "$WHO")" '{"user" : null, "role" : "anon"}'
like "the service key sees all by its role" "$(request service_role "Bearer $service_key" "$(claims_of "$service_key")")" '(null)|3|*'
is "and is no session either" \
    "$(request service_role "Bearer $service_key" "$(claims_of "$service_key")" "$WHO")" '{"user" : null, "role" : "service_role"}'
is "Supabase Auth's own token is no Clerk session" \
    "$(request authenticated "Bearer $supabase_user" "$(claims_of "$supabase_user")")" "$NO_ROWS"
is "while its user's own policies go on" \
    "$(request authenticated "Bearer $supabase_user" "$(claims_of "$supabase_user")" 'SELECT body FROM old_notes')" old1
is "and show nothing to a Clerk user" \
    "$(request authenticated "Bearer $alice" "$(claims_of "$alice")" 'SELECT count(*) FROM old_notes')" 0
is "one policy serves a Clerk user" \
    "$(request authenticated "Bearer $alice" "$(claims_of "$alice")" 'SELECT body FROM shared_notes')" 'of clerk'
is "and a user of Supabase Auth" \
    "$(request authenticated "Bearer $supabase_user" "$(claims_of "$supabase_user")" 'SELECT body FROM shared_notes')" 'of supabase'
is "and nobody else" "$(request anon '' '' 'SELECT count(*) FROM shared_notes')" 0
for other in 'Bearer sb_publishable_abc' 'Bearer' 'Bearer ' 'Basic dXNlcjpwYXNz' 'Bearer a.b.c' 'Bearer ..' 'Digest x=y' 'Bearer opaque'; do
    is "\"$other\" is no session, and no error" "$(request anon "$other")" "$NO_ROWS"
done
is "request.jwt.claims alone make nobody" "$(request authenticated '' "$(claims_of "$alice")")" "$NO_ROWS"
is "claims that disagree with the token change nothing" \
    "$(request authenticated "Bearer $bob" "$(claims_of "$alice")")" "$ROWS_BOB"

REFUSED='ERROR:  PT401: the Clerk session token was refused*DETAIL:  '
expired=$(sign '{"sub":"user_alice"}' --at "$(($(date +%s) - 700))")
forged=$(token user_alice --key "$CLERK_FORGED_KEYS")
tampered=${alice%.*}.$(tr 'A-Za-z' 'B-ZAb-za' <<<"${alice##*.}" | cut -c 1-300)${alice: -42}
like "an expired Clerk token is PT401" "$(request authenticated "Bearer $expired")" "${REFUSED}token-expired*HINT:*"
like "a forged one too" "$(request authenticated "Bearer $forged")" "${REFUSED}token-invalid-signature*HINT:*"
like "a tampered one too" "$(request authenticated "Bearer $tampered")" "${REFUSED}token-invalid-signature*HINT:*"
like "also under a role that sees all, where a function asks who it is" \
    "$(request service_role "Bearer $forged" '' "$WHO")" "${REFUSED}token-invalid-signature*"
is "after a refusal the connection serves the next" "$(request authenticated "Bearer $alice")" "$ROWS_ALICE"

answers=
for _ in 1 2 3 4 5 6 7 8 9 10; do
    answers+=$(request authenticated "Bearer $alice" '' 'SELECT count(*) FROM notes')
    answers+=$(request anon '' '' 'SELECT count(*) FROM notes')
    answers+=$(request authenticated "Bearer $bob" '' 'SELECT count(*) FROM notes')
done
is "thirty requests of two people and a stranger on one connection" "$answers" "$(printf '201%.0s' 1 2 3 4 5 6 7 8 9 10)"
like "a request that writes" \
    "$(ask api "BEGIN; EXECUTE settings ('public', 'authenticated', '{}', 'POST', '/notes', '$(headers "Bearer $bob")', '{}');
        INSERT INTO notes VALUES ('user_bob', 'b2') RETURNING body; ROLLBACK" | tail -n 1)" b2
like "and one that writes in another's name" \
    "$(ask api "BEGIN; EXECUTE settings ('public', 'authenticated', '{}', 'POST', '/notes', '$(headers "Bearer $bob")', '{}');
        INSERT INTO notes VALUES ('user_alice', 'x'); ROLLBACK" | tail -n 1)" 'ERROR:  42501: new row violates row-level security policy*'
finish
