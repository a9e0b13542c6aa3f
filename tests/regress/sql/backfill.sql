-- clerk.backfill(), clerk.reconcile(), clerk.refetch() and clerk.import_json() without a network: who may call them, where, with
-- what, and what an import does. With a server that plays Clerk: tests/e2e/backfill.sh and its kin.
\set VERBOSITY default
\set instance 'https://clerk.example.com'

-- Arguments.
CALL clerk.backfill('{teams}');
CALL clerk.backfill('{users,NULL}');
CALL clerk.backfill('{sessions}');
CALL clerk.backfill(resume => NULL);
CALL clerk.reconcile(mode => 'mend');
CALL clerk.reconcile(mode => NULL);
CALL clerk.reconcile(force => NULL);
CALL clerk.reconcile(max_deletions => 1.5);
CALL clerk.reconcile(max_deletions => 'NaN');
SELECT clerk.refetch(NULL, 'user_1');
SELECT clerk.refetch('users', NULL);
SELECT clerk.refetch('teams', 'team_1');

-- Where they commit.
BEGIN;
CALL clerk.backfill();
ROLLBACK;
DO $$ BEGIN CALL clerk.reconcile('{}'); END $$;
CREATE FUNCTION calls() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL clerk.backfill('{}'); END $$;
SELECT calls();
DROP FUNCTION calls();
SET default_transaction_isolation = 'repeatable read';
CALL clerk.backfill();
RESET default_transaction_isolation;
SET default_transaction_read_only = on;
CALL clerk.backfill();
RESET default_transaction_read_only;

-- Without a key.
CALL clerk.backfill();
CALL clerk.backfill(instance => 'ins_other');
SELECT clerk.refetch('users', 'user_1');

-- Keys.
SELECT clerk.set_secret('api_key', 'pk_live_x');
SELECT clerk.set_secret('api_key', 'whsec_AAAA');
SELECT clerk.set_secret('api_key', 'sk_other_x');
SELECT clerk.set_secret('api_key', 'sk_live_' || chr(10) || 'x');
SELECT clerk.set_secret('api_key:org_x', 'sk_live_x');
SELECT clerk.set_secret('api_key', ' sk_live_first ');
SELECT clerk.set_secret('api_key', 'sk_live_second');
SELECT clerk.set_secret('api_key:ins_one', 'sk_live_third');
SELECT name, value, expires_at FROM clerk.secrets WHERE name ~ '^api_key' ORDER BY name;
SELECT clerk.remove_secret('api_key'), clerk.remove_secret('api_key:ins_one'), clerk.remove_secret('api_key');

-- Who may.
CREATE ROLE backfill_plain;
CREATE ROLE backfill_admin IN ROLE clerk_admin;
SET ROLE backfill_plain;
CALL clerk.backfill();
SELECT clerk.refetch('users', 'user_1');
SELECT * FROM clerk.import_json('users', '[]');
SET ROLE backfill_admin;
SELECT * FROM clerk.sync_progress;
SELECT count(*) FROM clerk.sync_runs;
SELECT count(*) FROM clerk.sync_findings;
SELECT count(*) FROM clerk.sync_seen;
SELECT nextval('clerk.api_slots');
SET clerk_sync.api_url = 'https://evil.example.com';
SET clerk_sync.api_key_file = '/etc/passwd';
CALL clerk.backfill();
RESET ROLE;

-- An import.
SELECT clerk.import_json('users', NULL);
SELECT clerk.import_json('users', '7');
SELECT clerk.import_json('users', '[1]');
SELECT clerk.import_json('users', '[]', 'ins_other');
SELECT clerk.import_json('users', '[]', exported_at => '-infinity');
SELECT * FROM clerk.import_json('users', '[]');
SET ROLE backfill_admin;
SELECT * FROM clerk.import_json('users', '{"object": "user", "id": "user_import", "first_name": "Ida", "updated_at": 1767225600000, "x": 1}');
SELECT read, written, unchanged FROM clerk.import_json('users', '{"data": [{"id": "user_import", "first_name": "Ida", "updated_at": 1767225600000}], "total_count": 1}');
SELECT read, written, unchanged FROM clerk.import_json('users', '[{"id": "user_import", "first_name": "Ida", "updated_at": 1767225600000}]');
SELECT read, written, unchanged FROM clerk.import_json('users', '[{"id": "user_import", "first_name": "Old", "updated_at": 1767225500000}]');
SELECT * FROM clerk.import_json('users', '[{"id": "user_future", "updated_at": 9999999999999}, {"id": "a/b", "updated_at": 1}, {"updated_at": 1}, {"id": "user_2"}]');
SELECT id, instance_id, first_name, data FROM clerk.users WHERE id = 'user_import';
SELECT read, written FROM clerk.import_json('memberships', '[{"id": "orgmem_import", "role": "org:admin", "organization": {"id": "org_i"}, "public_user_data": {"user_id": "user_import"}, "updated_at": 1767225600000}]');
RESET ROLE;
SELECT role, organization_id, user_id FROM clerk.organization_memberships WHERE id = 'orgmem_import';

DELETE FROM clerk.users WHERE id = 'user_import';
DELETE FROM clerk.organization_memberships WHERE id = 'orgmem_import';
DROP ROLE backfill_plain;
DROP ROLE backfill_admin;
