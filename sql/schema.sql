-- The schema is a member of the extension: created here, never adopted, so that a squatted one fails
-- loud. Nobody but the owner and clerk_admin may look into it.
CREATE SCHEMA clerk;
REVOKE ALL ON SCHEMA clerk FROM PUBLIC;
COMMENT ON SCHEMA clerk IS 'clerk_sync: configuration and administration';

-- Roles belong to the cluster: another database may have made it already.
DO $body$
BEGIN
    CREATE ROLE clerk_admin NOLOGIN NOINHERIT;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$body$;
