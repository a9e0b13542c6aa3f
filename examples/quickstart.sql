-- Clerk sign-in for a Postgres application, from nothing to row security. Run the first part once, as a superuser; the
-- second is what the application's server does in each transaction.
--
--   psql -v publishable_key=pk_live_... -v token=eyJ... -f examples/quickstart.sql
--
-- publishable_key: API keys page of the Clerk Dashboard. token: what getToken() gives in the browser, less than a
-- minute old.

\set ON_ERROR_STOP on

-- 1. Once: trust your Clerk instance. The signing keys are fetched over HTTPS; the result says so.
CREATE EXTENSION IF NOT EXISTS clerk_sync;
SELECT * FROM clerk.configure(:'publishable_key');
-- Accept tokens of your own site only:
--   SELECT * FROM clerk.configure(:'publishable_key', authorized_parties => '{https://app.example.com}');
-- Where the server has no way out to Clerk, paste https://<your Frontend API>/.well-known/jwks.json:
--   SELECT * FROM clerk.add_signing_keys('https://clerk.example.com', '{"keys": [...]}');

-- 2. Once: a table that belongs to people and organizations, and who may do what with it.
CREATE TABLE todos (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL,
    org_id text,
    title text NOT NULL
);

-- 3. Once: the role that requests run as. Row security does not hold for superusers, for roles with BYPASSRLS, or for a
--    table's owner: the application must be none of them. Then the policies: the organization reads, everybody writes as
--    themselves and changes what is their own, and an admin also deletes. Three sets, each with a prefix of its own; permissive policies add up.
CREATE ROLE app LOGIN;
SELECT change FROM clerk.protect('todos', 'organization', owner_column => 'user_id', commands => '{select,insert}', to_roles => '{app}', grants => true);
SELECT change FROM clerk.protect('todos', 'owner', commands => '{update,delete}', immutable => '{org_id,user_id}', prefix => 'own', to_roles => '{app}', grants => true);
SELECT change FROM clerk.protect('todos', 'role', role => 'admin', commands => '{delete}', prefix => 'admins', to_roles => '{app}');
-- What it would be as a migration:
--   SELECT clerk.policy_sql('todos', 'organization', owner_column => 'user_id', commands => '{select,insert}');

-- 4. Each transaction: hand over the token, then ask what you like. The token counts until the transaction ends, so a
--    pooled connection carries nobody's identity on. With a driver, pass it as a parameter:
--      SELECT set_config('clerk_sync.token', $1, true)
BEGIN;
SET LOCAL ROLE app;
SELECT set_config('clerk_sync.token', :'token', true) <> '' AS token_set;
SELECT clerk_user_id(), clerk_org_id(), clerk_org_role(), clerk_has_permission('org:todos:manage');
INSERT INTO todos (title) VALUES ('read the other examples') RETURNING id, user_id, org_id, title;
SELECT id, user_id, org_id, title FROM todos;
COMMIT;

-- 5. When a login fails: which check said no?
SELECT * FROM clerk.inspect_token(:'token');
