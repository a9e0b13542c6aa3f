-- 1. Trust a Clerk instance. With a way out to the internet, its publishable key alone is enough; here the
--    demo plays Clerk, so the public keys are handed over instead.

SELECT * FROM clerk.configure(:'publishable_key', fetch_keys => false);
SELECT * FROM clerk.add_signing_keys(:'issuer', :'jwks');

-- 2. A table with row security: an organization reads its documents, everybody writes as themselves and
--    changes what is their own, and an admin of the organization may also delete.

CREATE TABLE documents (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title text NOT NULL,
    user_id text NOT NULL,
    org_id text NOT NULL
);
CREATE ROLE app NOLOGIN; -- the role of every request: neither superuser nor BYPASSRLS

SELECT * FROM clerk.protect('documents', 'organization', owner_column => 'user_id', commands => '{select,insert}', to_roles => '{app}', grants => true);
SELECT change FROM clerk.protect('documents', 'owner', commands => '{update,delete}', immutable => '{org_id,user_id}', prefix => 'own', to_roles => '{app}', grants => true);
SELECT change FROM clerk.protect('documents', 'role', role => 'admin', commands => '{delete}', prefix => 'admins', to_roles => '{app}');

-- 3. Alice of Acme writes. Her session token goes into the transaction; nothing else says who she is.

BEGIN;
SET LOCAL ROLE app;
SET LOCAL clerk_sync.token = :'alice';
INSERT INTO documents (title) VALUES ('Acme roadmap'), ('Acme budget');
SELECT clerk_user_id(), clerk_org_slug(), clerk_org_role();
COMMIT;

-- 4. Bob of Globex writes too, and sees only what is Globex's. A row in Alice's name is refused.

BEGIN;
SET LOCAL ROLE app;
SET LOCAL clerk_sync.token = :'bob';
INSERT INTO documents (title) VALUES ('Globex prices');
SELECT * FROM documents;
SAVEPOINT attempt;
INSERT INTO documents (title, user_id) VALUES ('in her name', 'user_alice');
ROLLBACK TO attempt;
COMMIT;

-- 5. Alice is an admin of Acme: she sees its documents, and her delete reaches no others.

BEGIN;
SET LOCAL ROLE app;
SET LOCAL clerk_sync.token = :'alice';
SELECT * FROM documents;
DELETE FROM documents RETURNING title AS deleted;
ROLLBACK;

-- 6. A stranger: no token. Nobody is signed in, so there are no rows, and no error.

BEGIN;
SET LOCAL ROLE app;
SELECT clerk_user_id(), (SELECT count(*) FROM documents) AS documents_seen;
COMMIT;

-- 7. The next client of a pooled connection: a token counts in the transaction that set it, even where it
--    was set without LOCAL. The one after it gets an error, never somebody else's rows.

SET clerk_sync.token = :'alice';
SET ROLE app;
SELECT * FROM documents;
RESET ROLE;
RESET clerk_sync.token;

-- 8. An expired token: an error with Clerk's own reason, not an empty answer.

BEGIN;
SET LOCAL ROLE app;
SET LOCAL clerk_sync.token = :'expired';
SELECT * FROM documents;
ROLLBACK;

-- 9. A forged token: it says alice, under the right key id, but was signed with a key that is not Clerk's.

BEGIN;
SET LOCAL ROLE app;
SET LOCAL clerk_sync.token = :'forged';
SELECT * FROM documents;
ROLLBACK;

-- 10. Why was it refused? An administrator asks, check by check.

SELECT * FROM clerk.inspect_token(:'forged');

-- 11. Why does Bob not see document 1? The same administrator asks, policy by policy.

SELECT policy, kind, expression, result, reason
FROM clerk.explain_access('documents', '{"sub": "user_bob", "org_id": "org_globex"}', row_key => '1', as_role => 'app')
WHERE command = 'SELECT';

-- 12. The whole table at a glance, for whoever tests: as these people, without a token, and leaving nothing behind.

CREATE EXTENSION clerk_sync_test;
SELECT * FROM clerk_test.access_matrix('documents', '{
    "alice": {"user_id": "user_alice", "org_id": "org_acme", "org_role": "admin", "as_role": "app"},
    "bob": {"user_id": "user_bob", "org_id": "org_globex", "as_role": "app"},
    "nobody": {"anonymous": true, "as_role": "app"}
}');

-- 13. Clerk's webhooks, received by the database. The endpoint's signing secret is all the setting up. What arrives is
--     verified, stored once and applied in one transaction. The second message is one that Clerk sent later; the third
--     one was late, and changes nothing; a fourth one is forged.

SELECT clerk.set_secret('webhook_secret', :'webhook_secret');
SELECT * FROM clerk.receive_webhook(:'user_created_headers', :'user_created');
SELECT * FROM clerk.receive_webhook(:'user_renamed_headers', :'user_renamed');
SELECT * FROM clerk.receive_webhook(:'user_late_headers', :'user_late');
SELECT * FROM clerk.receive_webhook(:'user_late_headers', replace(:'user_late', 'Carol', 'Mallory'));
SELECT id, first_name, primary_email_address, updated_at FROM clerk.users;

-- 14. Policies by membership, whatever the token says. Carol joins Acme, and reads its notices.

CREATE TABLE notices (org_id text NOT NULL, notice text NOT NULL);
INSERT INTO notices VALUES ('org_acme', 'the office is closed on Friday'), ('org_globex', 'a party on Friday');
SELECT change FROM clerk.protect('notices', 'member', to_roles => '{app}', grants => true);
SELECT * FROM clerk.receive_webhook(:'joined_headers', :'joined');

BEGIN;
SET LOCAL ROLE app;
SET LOCAL clerk_sync.token = :'carol';
SELECT notice, clerk_member_org_ids() FROM notices;
COMMIT;

-- 15. She is removed from it. The same token, right after: nothing any more.

SELECT * FROM clerk.receive_webhook(:'removed_headers', :'removed');

BEGIN;
SET LOCAL ROLE app;
SET LOCAL clerk_sync.token = :'carol';
SELECT (SELECT count(*) FROM notices) AS notices_seen, clerk_member_org_ids();
COMMIT;

-- 16. How the sync goes.

SELECT applied, stale, failed, dead, lag, warning FROM clerk.sync_health;

-- 17. And when Clerk's endpoint was dead for a week? The tables are compared with Clerk's Backend API: two users of whom nobody
--     told, and a new name.

SELECT clerk.set_secret('api_key', :'api_key');
SET clerk_sync.api_url = :'api_url';
CALL clerk.reconcile('{users}');
SELECT kind, object_id, finding FROM clerk.sync_findings ORDER BY object_id;
SELECT drift FROM clerk.sync_health;

-- 18. And mended. The same call without findings is what a schedule makes every night; clerk.backfill() fills an empty table.

CALL clerk.reconcile('{users}', mode => 'repair');
SELECT id, first_name, primary_email_address FROM clerk.users ORDER BY id;
SELECT purpose, status, done, total, written, missing, stale, extra FROM clerk.sync_progress ORDER BY run_id;
SELECT drift FROM clerk.sync_health;
