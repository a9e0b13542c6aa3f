-- 1. Trust a Clerk instance. With a way out to the internet, its publishable key alone is enough; here the
--    demo plays Clerk, so the public keys are handed over instead.

SELECT * FROM clerk.configure(:'publishable_key', fetch_keys => false);
SELECT * FROM clerk.add_signing_keys(:'issuer', :'jwks');

-- 2. A table with row security: an owner may do anything with a document, the owner's organization may read
--    it, and an admin of that organization may also delete it.

CREATE TABLE documents (
    title text NOT NULL,
    owner text NOT NULL DEFAULT clerk_user_id(),
    org text NOT NULL DEFAULT clerk_org_id()
);
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON documents USING (owner = clerk_user_id());
CREATE POLICY org_reads ON documents FOR SELECT USING (org = clerk_org_id());
CREATE POLICY admin_deletes ON documents FOR DELETE USING (org = clerk_org_id() AND clerk_has_role('admin'));

CREATE ROLE app NOLOGIN; -- the role of every request: neither superuser nor BYPASSRLS
GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO app;

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
INSERT INTO documents (title, owner) VALUES ('in her name', 'user_alice');
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
