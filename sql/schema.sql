-- Tokens, claims and keys are UTF-8, and what a database cannot hold it cannot protect.
DO $body$
BEGIN
    IF pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'feature_not_supported',
            MESSAGE = 'clerk_sync needs a database with encoding UTF8',
            DETAIL = 'This database has encoding ' || pg_catalog.current_setting('server_encoding') || '.',
            HINT = 'Create one with CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;
END
$body$;

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
