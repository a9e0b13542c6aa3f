#!/usr/bin/env bash
# Policies tested by pgTAP with the test kit's personas, as the users of both would write it. The packages of Debian
# have pgTAP for Postgres 15, which must be there; on other majors it is said that it is left out where it is missing.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server pgtap
if [ "$(sql "SELECT count(*) FROM pg_available_extensions WHERE name = 'pgtap'")" = 0 ] && [ "$PG" != 15 ]; then
    ok "left out: there is no pgTAP for Postgres $PG here"
    finish
fi
set_up
sql 'CREATE EXTENSION pgtap; CREATE EXTENSION clerk_sync_test; SET client_min_messages = error;
    ALTER DATABASE postgres SET clerk_test.request_role = app_user; ALTER DATABASE postgres SET clerk_test.anonymous_role = app_user'

# pgTAP keeps its plan in temporary tables of the role that made it: those are opened to the persona.
run_pgtap() {
    try "BEGIN;
        SELECT plan($1);
        GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO app_user;
        GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO app_user;
        $2
        SELECT clerk_test.stop();
        SELECT * FROM finish();
        ROLLBACK;" | grep -v '^$' || true
}

answer=$(run_pgtap 8 "
    SELECT clerk_test.act_as('user_alice');
    SELECT results_eq('SELECT body FROM notes ORDER BY body', ARRAY['a1', 'a2'], 'alice reads her own');
    SELECT lives_ok(\$\$INSERT INTO notes VALUES ('user_alice', 'a3')\$\$, 'alice writes her own');
    SELECT throws_ok(\$\$INSERT INTO notes VALUES ('user_bob', 'forged')\$\$, '42501', NULL, 'alice forges none');
    SELECT throws_ok(\$\$UPDATE notes SET owner = 'user_bob'\$\$, '42501', NULL, 'alice gives none away');
    SELECT is_empty(\$\$DELETE FROM notes WHERE owner = 'user_bob' RETURNING body\$\$, 'alice deletes none of bob''s');
    SELECT clerk_test.act_as('user_bob');
    SELECT results_eq('SELECT body FROM notes', ARRAY['b1'], 'bob reads his own');
    SELECT clerk_test.act_as_anonymous();
    SELECT is_empty('SELECT * FROM notes', 'nobody reads nothing');
    SELECT clerk_test.act_as('user_alice', pending => true);
    SELECT is_empty('SELECT * FROM notes', 'a pending session reads nothing');")
is "pgTAP and the test kit work together" "$answer" "1..8
ok 1 - alice reads her own
ok 2 - alice writes her own
ok 3 - alice forges none
ok 4 - alice gives none away
ok 5 - alice deletes none of bob's
ok 6 - bob reads his own
ok 7 - nobody reads nothing
ok 8 - a pending session reads nothing"

sql 'DROP POLICY owner_all ON notes; CREATE POLICY too_wide ON notes USING (owner = clerk_user_id() OR clerk_user_id() IS NULL)'
like "and a policy that lets nobody in is found" "$(run_pgtap 1 "
    SELECT clerk_test.act_as_anonymous();
    SELECT is_empty('SELECT * FROM notes', 'nobody reads nothing');")" '1..1*not ok 1 - nobody reads nothing*'
is "nothing of it is left" "$(sql 'SELECT count(*), max(clerk_user_id()) FROM notes')" '3|'
finish
