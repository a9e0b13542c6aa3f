-- The test kit: sessions without tokens, for tests. Production does not create this extension.
--
-- A test calls these functions in the middle, when its role is a request's already. So everybody may call them,
-- and what takes on an identity looks at who logged in: a client behind PostgREST or a pooler is neither a
-- superuser nor a member of clerk_tester, whatever its role at the moment.

-- A member of the extension: created here, never adopted, so that a squatted one fails loud.
CREATE SCHEMA clerk_test;
REVOKE ALL ON SCHEMA clerk_test FROM PUBLIC;
GRANT USAGE ON SCHEMA clerk_test TO PUBLIC;
COMMENT ON SCHEMA clerk_test IS 'clerk_sync_test: personas for tests of row security';

-- Roles belong to the cluster: another database may have made it already.
DO $body$
BEGIN
    CREATE ROLE clerk_tester NOLOGIN NOINHERIT;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$body$;
