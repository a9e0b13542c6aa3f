#!/usr/bin/env bash
# pgbench, 8 clients, a different token in each transaction: set the token and read one's rows by a policy on
# clerk_user_id(), against the same transaction that sets request.jwt.claims, verifies nothing, and whose policy is
# Supabase's auth.jwt()->>'sub'. Runs in turn, medians. Both find token and claims in the same row.
#
# The target is of pgbench's own default, the simple protocol. With prepared statements nothing is planned any more, and
# the one RSA operation weighs more: shown, without a target.

# shellcheck source=lib/bench.sh
source "$(dirname "$0")/lib/bench.sh"

file=$(tokens_file)
scripts=$(mktemp -d)
trap 'rm -rf "$file" "$scripts"' EXIT
make_tokens "$file"
sql "
SET client_min_messages = warning;
DROP TABLE IF EXISTS notes_of_clerk, notes_of_claims;
CREATE TABLE notes_of_clerk (id bigint PRIMARY KEY, owner text NOT NULL, body text NOT NULL);
INSERT INTO notes_of_clerk SELECT n, tokens.user_id, md5(n::text) FROM generate_series(1, 5 * $TOKENS) AS n JOIN tokens ON tokens.id = 1 + n % $TOKENS;
CREATE TABLE notes_of_claims (LIKE notes_of_clerk INCLUDING ALL);
INSERT INTO notes_of_claims SELECT * FROM notes_of_clerk;
CREATE INDEX ON notes_of_clerk (owner);
CREATE INDEX ON notes_of_claims (owner);
ALTER TABLE notes_of_clerk ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes_of_claims ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_reads ON notes_of_clerk FOR SELECT USING (owner = clerk_user_id());
CREATE POLICY owner_reads ON notes_of_claims FOR SELECT USING (owner = (auth.jwt() ->> 'sub'));
DO \$\$ BEGIN CREATE ROLE app_user LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
GRANT SELECT ON tokens, notes_of_clerk, notes_of_claims TO app_user;
GRANT USAGE ON SCHEMA auth TO app_user;
VACUUM ANALYZE notes_of_clerk, notes_of_claims"
[ "$(sql "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'app_user'")" = f ] || die "app_user is exempt from row security"

# script NAME SETTING COLUMN
script() {
    cat >"$scripts/$1" <<PGBENCH
\\set id random(1, $TOKENS)
BEGIN;
SELECT set_config('$2', (SELECT $3 FROM tokens WHERE id = :id), true);
SELECT id, body FROM notes_of_$1 ORDER BY id LIMIT 20;
COMMIT;
PGBENCH
}
script clerk clerk_sync.token token
script claims request.jwt.claims claims

# Both must find the five rows of the person, or the comparison is of nothing.
for which in clerk claims; do
    found=$(sed -e 's/:id/7/' -e '/^\\set/d' -e 's/SELECT id, body/SELECT 1/' "$scripts/$which" | psql --no-psqlrc -qAt -U app_user | grep -cx 1)
    [ "$found" -eq 5 ] || die "the transaction of $which found $found rows, not 5"
done

# tps NAME PROTOCOL [SECONDS]
tps() {
    pgbench --no-vacuum --client 8 --jobs 2 --protocol "$2" --time "${3:-$SECONDS_EACH}" --username app_user --file "$scripts/$1" postgres 2>/dev/null \
        | sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

for protocol in simple prepared; do
    clerk=()
    claims=()
    for which in clerk claims; do
        tps $which $protocol 2 >/dev/null
    done
    for ((round = 1; round <= ROUNDS; round++)); do
        clerk+=("$(tps clerk $protocol)")
        claims+=("$(tps claims $protocol)")
    done
    mine=$(printf '%s\n' "${clerk[@]}" | median)
    theirs=$(printf '%s\n' "${claims[@]}" | median)
    printf '%s protocol, 8 clients, %s tokens, medians of %s runs of %s s in turn: %.0f tps with verification, %.0f with claims\n' \
        $protocol "$TOKENS" "${#clerk[@]}" "$SECONDS_EACH" "$mine" "$theirs"
    printf '    with verification %s\n    with claims       %s\n' "${clerk[*]%.*}" "${claims[*]%.*}"
    percent=$(awk -v a="$mine" -v b="$theirs" 'BEGIN { printf "%.2f", 100 * a / b }')
    if [ $protocol = simple ]; then
        verdict "tps in percent of the transaction that verifies nothing" "$percent" at-least 85
    else
        echo "that is $percent %"
    fi
done
