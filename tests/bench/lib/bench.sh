# shellcheck shell=bash
# What the benchmarks share: the extension with an instance, tokens in a table, and the verdict on a target. Sourced,
# never run; scripts/bench.sh has started the server.
#
#   BENCH_ROWS=1000000 BENCH_ROUNDS=7 BENCH_TOKENS=20000 BENCH_SECONDS=10   what is measured; less is a rehearsal

# shellcheck source=../../../scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib.sh"

export ROWS=${BENCH_ROWS:-1000000}
export ROUNDS=${BENCH_ROUNDS:-7}
export TOKENS=${BENCH_TOKENS:-20000}
export SECONDS_EACH=${BENCH_SECONDS:-10}
ISSUER=https://clerk.example.com

sql() { psql --no-psqlrc -qAt -v ON_ERROR_STOP=1 "${@:2}" <<<"$1"; }

# Supabase's documented functions, and an instance with its key.
sql "
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS clerk_sync;
CREATE SCHEMA IF NOT EXISTS auth;
CREATE OR REPLACE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS \$\$
    SELECT coalesce(nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), ''))::jsonb \$\$;
CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS \$\$
    SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid \$\$;
SELECT FROM clerk.configure(:'key', fetch_keys => false);
SELECT FROM clerk.add_signing_keys('$ISSUER', :'jwks');
" -v "key=pk_live_$(printf 'clerk.example.com$' | base64)" -v "jwks=$(cat "$CLERK_TEST_KEYS/jwks.json")"

# Claims of Clerk's size, of an organization's admin; the extra claim is one of the customer's own.
CLAIMS_V2='{"jti":"a1b2c3d4e5f6a7b8c9d0","fva":[5,-1],"sts":"active","pla":"o:pro","fea":"o:dashboard,o:teams,o:invoices","custom":"blue",
    "role":"authenticated","o":{"id":"org_2abcdefghijklmnopqrstuvwxyz","slg":"acme","rol":"admin","per":"manage,read","fpm":"3,2,3"}}'

sign() { clerk-testing sign --key "$CLERK_TEST_KEYS" --issuer "$ISSUER" --lifetime 86400 --claims "$1"; }

# The table tokens: number, user, token, and the same claims as a gateway would hand them on.
make_tokens() {
    [ "$(sql "SELECT to_regclass('tokens') IS NULL")" = t ] || return 0
    sql "
    CREATE TABLE tokens (id integer PRIMARY KEY, user_id text NOT NULL, token text NOT NULL);
    COPY tokens FROM PROGRAM 'cat $1';
    ALTER TABLE tokens ADD claims text;
    UPDATE tokens SET claims = (SELECT convert_from(decode(rpad(payload, (length(payload) + 3) / 4 * 4, '='), 'base64'), 'UTF8')
        FROM translate(split_part(token, '.', 2), '-_', '+/') AS payload);
    VACUUM FULL ANALYZE tokens"
}

tokens_file() {
    local file
    file=$(mktemp "${TMPDIR:-/tmp}/clerk-bench-tokens.XXXXXX")
    chmod 644 "$file"
    clerk-testing sign-many --key "$CLERK_TEST_KEYS" --issuer "$ISSUER" --count "$TOKENS" --lifetime 86400 \
        --claims "$CLAIMS_V2" >"$file"
    printf '%s\n' "$file"
}

# Median of the numbers on standard input.
median() { sort -g | awk '{ value[NR] = $1 } END { print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'; }

# verdict NAME ACTUAL at-least|at-most TARGET
verdict() {
    awk -v name="$1" -v actual="$2" -v kind="$3" -v target="$4" 'BEGIN {
        met = kind == "at-least" ? actual >= target : actual <= target
        printf "%s %-62s %8.2f, target %s %s\n", met ? "met   " : "MISSED", name, actual, kind == "at-least" ? ">=" : "<=", target
    }'
}
