#!/usr/bin/env bash
# With an index on the column, `col = clerk_user_id()` has the same plan and the same estimate of rows as `col =
# literal`: alone, by clerk_owns(col), and as a policy. Its cost is a little higher, as that of any function call: where
# Postgres counts a recheck of the condition for each row, it counts the call too (0.0025).

# shellcheck source=lib/bench.sh
source "$(dirname "$0")/lib/bench.sh"

user=user_2abcdefghijklmnopqrstuvwxyz
token=$(sign "{\"sub\":\"$user\"}")
# One person owns a tenth of the rows: the estimate is right only where the planner sees the value.
sql "
SET client_min_messages = warning;
DROP TABLE IF EXISTS owned;
CREATE TABLE owned AS SELECT n AS id, CASE WHEN n % 10 = 0 THEN '$user' ELSE 'user_' || md5(n::text) END AS owner
FROM generate_series(1, 100000) AS n;
CREATE INDEX ON owned (owner);
DO \$\$ BEGIN CREATE ROLE app_user LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
GRANT SELECT ON owned TO app_user;
CREATE POLICY owner_reads ON owned USING (owner = clerk_user_id());
VACUUM ANALYZE owned"

# plan CONDITION: without what differs by nature, the condition's text; same_plan TEXT: without the costs, too.
same_plan() { sed -E 's/cost=[0-9.]+ //' <<<"$1"; }
plan() { sql "BEGIN; SET LOCAL clerk_sync.token = '$token'; EXPLAIN SELECT * FROM owned ${1:+WHERE $1}; ROLLBACK" "${@:2}" | sed -E 's/\(owner = [^()]*(\(\))?(::text)?\)/(owner = ...)/'; }

compare() {
    echo "$1:"
    echo "$2"
    [ "$(same_plan "$2")" = "$(same_plan "$literal")" ] || same=0
}

same=1
literal=$(plan "owner = '$user'")
compare 'the literal' "$literal"
compare 'owner = clerk_user_id()' "$(plan 'owner = clerk_user_id()')"
compare 'clerk_owns(owner)' "$(plan 'clerk_owns(owner)')"
sql 'ALTER TABLE owned ENABLE ROW LEVEL SECURITY'
compare 'as a policy' "$(plan '' -U app_user)"
[[ $literal == *Index* ]] || same=0
echo "auth.jwt()->>'sub', for comparison:"
sql "BEGIN; SET LOCAL request.jwt.claims = '{\"sub\":\"$user\"}'; EXPLAIN SELECT * FROM owned WHERE owner = (auth.jwt()->>'sub'); ROLLBACK"
verdict 'the same plan and estimate of rows as the literal, by all three' "$same" at-least 1
