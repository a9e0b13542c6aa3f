#!/usr/bin/env bash
# The policies that clerk.protect() makes, tested by pgTAP as a user of both would: what is there (policies_are,
# policy_cmd_is, policy_roles_are), and what it lets whom do (results_eq, throws_ok, act_as). For four templates.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server pgtap_templates
if [ "$(sql "SELECT count(*) FROM pg_available_extensions WHERE name = 'pgtap'")" = 0 ] && [ "$PG" != 15 ]; then
    ok "left out: there is no pgTAP for Postgres $PG here"
    finish
fi
set_up
sql "CREATE EXTENSION pgtap; CREATE EXTENSION clerk_sync_test; SET client_min_messages = error;
    ALTER DATABASE postgres SET clerk_test.request_role = app_user; ALTER DATABASE postgres SET clerk_test.anonymous_role = app_user;
    CREATE ROLE app_owner; GRANT clerk_admin TO app_owner; CREATE SCHEMA app AUTHORIZATION app_owner; GRANT USAGE ON SCHEMA app TO app_user;"

# By the tables' owner, who is no superuser.
sql "SET ROLE app_owner; SET client_min_messages = warning;
    CREATE TABLE app.drafts (id integer PRIMARY KEY, user_id text, body text);
    CREATE TABLE app.projects (id integer PRIMARY KEY, org_id text, name text);
    CREATE TABLE app.tasks (id integer PRIMARY KEY, project_id integer NOT NULL REFERENCES app.projects, title text);
    CREATE TABLE app.profiles (id text PRIMARY KEY, nickname text);
    SELECT FROM clerk.protect('app.drafts', 'owner', to_roles => '{app_user}', grants => true, force => true);
    SELECT FROM clerk.protect('app.projects', 'organization', roles => '{\"write\": \"admin\"}', to_roles => '{app_user}', grants => true);
    SELECT FROM clerk.protect('app.tasks', 'inherit', via => 'project_id references app.projects', grants => true);
    SELECT FROM clerk.protect('app.profiles', 'public_profile', to_roles => '{app_user}', grants => true);" >/dev/null
sql "INSERT INTO app.drafts VALUES (1, 'user_alice', 'a1'), (2, 'user_alice', 'a2'), (3, 'user_bob', 'b1');
    INSERT INTO app.projects VALUES (1, 'org_acme', 'rocket'), (2, 'org_globex', 'laser');
    INSERT INTO app.tasks VALUES (1, 1, 'fuel'), (2, 1, 'fins'), (3, 2, 'lens');
    INSERT INTO app.profiles VALUES ('user_alice', 'al'), ('user_bob', 'bo');"

# run_pgtap COUNT TESTS: pgTAP keeps its plan in temporary tables of the role that made it; those are opened to the persona.
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

# passes CLAIM COUNT TESTS: so many tests were run, and each is ok.
passes() {
    local answer
    answer=$(run_pgtap "$2" "$3")
    if [ "$(head -n 1 <<<"$answer")" = "1..$2" ] && [ "$(grep -c '^ok [0-9]' <<<"$answer")" = "$2" ] && [ "$(wc -l <<<"$answer")" = "$(($2 + 1))" ]; then
        ok "$1"
    else
        not_ok "$1" "$answer"
    fi
}

passes "owner: its policies, and alice and bob under them" 20 "
    SELECT policies_are('app', 'drafts', ARRAY['clerk_select', 'clerk_insert', 'clerk_update', 'clerk_delete']);
    SELECT policy_cmd_is('app', 'drafts', p.name, p.command)
        FROM (VALUES ('clerk_select'::name, 'SELECT'), ('clerk_insert', 'INSERT'), ('clerk_update', 'UPDATE'), ('clerk_delete', 'DELETE'))
            AS p (name, command);
    SELECT policy_roles_are('app', 'drafts', p.name, ARRAY['app_user'])
        FROM unnest(ARRAY['clerk_select', 'clerk_insert', 'clerk_update', 'clerk_delete']) AS p (name);
    SELECT col_default_is('app', 'drafts', 'user_id', 'clerk_user_id()', 'the session fills in the owner');
    SELECT table_privs_are('app', 'drafts', 'app_user', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']);
    SELECT clerk_test.act_as('user_alice');
    SELECT results_eq('SELECT body FROM app.drafts ORDER BY id', ARRAY['a1', 'a2'], 'alice reads her own');
    SELECT lives_ok(\$\$INSERT INTO app.drafts (id, body) VALUES (9, 'a3')\$\$, 'alice writes');
    SELECT results_eq('SELECT user_id FROM app.drafts WHERE id = 9', ARRAY['user_alice'], 'what she wrote is hers');
    SELECT throws_ok(\$\$INSERT INTO app.drafts VALUES (10, 'user_bob', 'forged')\$\$, '42501', NULL, 'alice forges none');
    SELECT throws_ok(\$\$UPDATE app.drafts SET user_id = 'user_bob'\$\$, '42501', NULL, 'alice gives none away');
    SELECT is_empty(\$\$UPDATE app.drafts SET body = 'x' WHERE id = 3 RETURNING id\$\$, 'alice changes none of bob''s');
    SELECT clerk_test.act_as('user_bob');
    SELECT results_eq('SELECT body FROM app.drafts', ARRAY['b1'], 'bob reads his own');
    SELECT clerk_test.act_as_anonymous();
    SELECT is_empty('SELECT * FROM app.drafts', 'nobody reads nothing');
    SELECT ok(relforcerowsecurity, 'row security is forced') FROM pg_class WHERE oid = 'app.drafts'::regclass;"

passes "organization with roles: members read, admins write, nobody moves a row" 10 "
    SELECT policies_are('app', 'projects', ARRAY['clerk_select', 'clerk_insert', 'clerk_update', 'clerk_delete']);
    SELECT policy_roles_are('app', 'projects', 'clerk_update', ARRAY['app_user']);
    SELECT clerk_test.act_as('user_alice', 'org_acme', 'member');
    SELECT results_eq('SELECT name FROM app.projects', ARRAY['rocket'], 'a member reads');
    SELECT is_empty(\$\$UPDATE app.projects SET name = 'x' RETURNING id\$\$, 'a member changes nothing');
    SELECT throws_ok(\$\$INSERT INTO app.projects VALUES (9, 'org_acme', 'x')\$\$, '42501', NULL, 'a member adds nothing');
    SELECT clerk_test.act_as('user_alice', 'org_acme', 'admin');
    SELECT results_eq(\$\$UPDATE app.projects SET name = 'moon' RETURNING name\$\$, ARRAY['moon'], 'an admin changes');
    SELECT throws_ok(\$\$UPDATE app.projects SET org_id = 'org_globex'\$\$, '42501', NULL, 'an admin moves none');
    SELECT throws_ok(\$\$INSERT INTO app.projects VALUES (9, 'org_globex', 'x')\$\$, '42501', NULL, 'an admin forges none');
    SELECT throws_ok(\$\$INSERT INTO app.projects VALUES (2, 'org_acme', 'x') ON CONFLICT (id) DO UPDATE SET name = 'stolen'\$\$,
        '42501', NULL, 'an admin upserts over none');
    SELECT clerk_test.act_as('user_alice', 'org_acme', 'admin', pending => true);
    SELECT is_empty('SELECT * FROM app.projects', 'a pending session reads nothing');"

passes "inherit: a task follows its project" 9 "
    SELECT policies_are('app', 'tasks', ARRAY['clerk_select', 'clerk_insert', 'clerk_update', 'clerk_delete']);
    SELECT policy_roles_are('app', 'tasks', 'clerk_select', ARRAY['app_user'], 'a child is for those whom its parent is for');
    SELECT clerk_test.act_as('user_alice', 'org_acme', 'member');
    SELECT results_eq('SELECT title FROM app.tasks ORDER BY id', ARRAY['fuel', 'fins'], 'a member reads');
    SELECT is_empty(\$\$DELETE FROM app.tasks RETURNING id\$\$, 'a member deletes nothing');
    SELECT clerk_test.act_as('user_alice', 'org_acme', 'admin');
    SELECT lives_ok(\$\$INSERT INTO app.tasks VALUES (9, 1, 'nose')\$\$, 'an admin adds to a project of theirs');
    SELECT throws_ok(\$\$INSERT INTO app.tasks VALUES (10, 2, 'x')\$\$, '42501', NULL, 'and to no other');
    SELECT throws_ok(\$\$UPDATE app.tasks SET project_id = 2 WHERE id = 1\$\$, '42501', NULL, 'and moves none there');
    SELECT clerk_test.act_as('user_bob', 'org_globex', 'admin');
    SELECT results_eq('SELECT title FROM app.tasks', ARRAY['lens'], 'bob reads his own');
    SELECT results_eq('DELETE FROM app.tasks RETURNING title', ARRAY['lens'], 'and deletes no more than that');"

passes "public_profile: everybody reads, one writes one's own, nobody deletes" 8 "
    SELECT policies_are('app', 'profiles', ARRAY['clerk_select', 'clerk_insert', 'clerk_update']);
    SELECT table_privs_are('app', 'profiles', 'app_user', ARRAY['SELECT', 'INSERT', 'UPDATE']);
    SELECT clerk_test.act_as_anonymous();
    SELECT results_eq('SELECT nickname FROM app.profiles ORDER BY id', ARRAY['al', 'bo'], 'nobody in particular reads');
    SELECT throws_ok(\$\$INSERT INTO app.profiles VALUES ('user_x', 'x')\$\$, '42501', NULL, 'and writes nothing');
    SELECT clerk_test.act_as('user_alice');
    SELECT results_eq(\$\$UPDATE app.profiles SET nickname = 'ally' RETURNING id\$\$, ARRAY['user_alice'], 'alice changes her own');
    SELECT throws_ok(\$\$UPDATE app.profiles SET id = 'user_zoe' WHERE id = 'user_alice'\$\$, '42501', NULL, 'alice becomes nobody else');
    SELECT throws_ok('DELETE FROM app.profiles', '42501', NULL, 'alice deletes none');
    SELECT clerk_test.act_as('user_zoe');
    SELECT lives_ok(\$\$INSERT INTO app.profiles (nickname) VALUES ('zo')\$\$, 'zoe makes hers');"

# What these tests are for: they find what somebody changed.
sql "SET ROLE app_owner; ALTER POLICY clerk_update ON app.profiles WITH CHECK (true); CREATE POLICY too_wide ON app.drafts FOR SELECT USING (true)"
answer=$(run_pgtap 3 "
    SELECT policies_are('app', 'drafts', ARRAY['clerk_select', 'clerk_insert', 'clerk_update', 'clerk_delete'], 'no policy but ours');
    SELECT clerk_test.act_as('user_alice');
    SELECT results_eq('SELECT body FROM app.drafts ORDER BY id', ARRAY['a1', 'a2'], 'alice reads her own');
    SELECT throws_ok(\$\$UPDATE app.profiles SET id = 'user_zoe' WHERE id = 'user_alice'\$\$, '42501', NULL, 'alice becomes nobody else');")
is "a policy too many and a check too weak are found" "$(grep -E '^(not )?ok' <<<"$answer")" "not ok 1 - no policy but ours
not ok 2 - alice reads her own
not ok 3 - alice becomes nobody else"
is "nothing of it is left" "$(sql "SELECT (SELECT count(*) FROM app.drafts), (SELECT count(*) FROM app.tasks), (SELECT string_agg(nickname, ',' ORDER BY id) FROM app.profiles)")" '3|3|al,bo'
finish
