-- What the functions tell of a session: the same for a version 1 and a version 2 token, nothing without one.

-- One person as an old and as a new instance writes her.
\set v1 `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","sid":"sess_1","v":null,"org_id":"org_acme","org_slug":"acme","org_role":"org:admin","org_permissions":["org:posts:read","org:posts:write"]}'`
\set v2 `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","sid":"sess_1","fea":"o:posts","o":{"id":"org_acme","slg":"acme","rol":"admin","per":"read,write","fpm":"3"}}'`
\set without_org `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","sid":"sess_1"}'`
\set pending `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","sid":"sess_1","sts":"pending","o":{"id":"org_acme","rol":"admin"}}'`
\set impersonated `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","sid":"sess_1","act":{"sub":"user_support","iss":"https://dashboard.clerk.com","sid":"sess_9"}}'`
\set template `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","sid":null,"v":null,"email":"alice@example.com"}' --header '{"cat":"cl_B7d4PD222AAA"}'`

-- Everything in one row.
CREATE VIEW testing.session AS SELECT
    clerk_user_id() AS user_id, clerk_session_id() AS session_id, clerk_org_id() AS org_id,
    clerk_org_slug() AS org_slug, clerk_org_role() AS org_role, clerk_actor_id() AS actor,
    clerk_has_role('admin') AS is_admin, clerk_has_permission('org:posts:write') AS may_write,
    clerk_has_permission('org:posts:delete') AS may_delete,
    clerk_owns('user_alice') AS owns, clerk_in_org('org_acme') AS in_org,
    clerk_claims() ->> 'sub' AS sub_claim;
GRANT SELECT ON testing.session TO regress_app;

SET ROLE regress_app;

-- Nobody: NULL, and false for each question; clerk_owns and clerk_in_org are NULL, which a policy counts as false.
SELECT * FROM testing.session;
SELECT clerk_claims(), clerk_claim('sub');

BEGIN;
SET LOCAL clerk_sync.token = :'v1';
SELECT * FROM testing.session;
SET LOCAL clerk_sync.token = :'v2';
SELECT * FROM testing.session;
SET LOCAL clerk_sync.token = :'without_org';
SELECT * FROM testing.session;
SET LOCAL clerk_sync.token = :'impersonated';
SELECT user_id, actor FROM testing.session;

-- A pending session counts as signed out, for every function.
SET LOCAL clerk_sync.token = :'pending';
SELECT * FROM testing.session;
SELECT clerk_claims(), clerk_claim('sub');
SELECT code, detail FROM testing.outcome('SELECT clerk_require_user()');
COMMIT;

-- ... unless the instance allows it.
BEGIN;
SET LOCAL ROLE regress_admin;
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', allow_pending => true, fetch_keys => false)
WHERE item = 'instance';
SET LOCAL ROLE regress_app;
SET LOCAL clerk_sync.token = :'pending';
SELECT user_id, org_id, is_admin, owns FROM testing.session;
ROLLBACK;

-- The rollback took that back.
BEGIN;
SET LOCAL clerk_sync.token = :'pending';
SELECT user_id, org_id, is_admin, owns FROM testing.session;
COMMIT;

-- A token of a JWT template is no session, unless the instance allows it.
SELECT code, detail FROM testing.outcome_as(:'template', 'SELECT clerk_user_id()');
BEGIN;
SET LOCAL ROLE regress_admin;
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', allow_templates => true, fetch_keys => false)
WHERE item = 'instance';
SET LOCAL ROLE regress_app;
SET LOCAL clerk_sync.token = :'template';
SELECT user_id, session_id, org_id FROM testing.session;
SELECT clerk_claim('email');
ROLLBACK;

RESET ROLE;
DROP VIEW testing.session;
