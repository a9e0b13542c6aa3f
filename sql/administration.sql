-- What administrators call. SECURITY DEFINER, so that clerk_admin needs no right to write the tables
-- and nothing gets into them unchecked; hence the fixed search_path.

CREATE FUNCTION clerk.configure(
    publishable_key text,
    issuer text DEFAULT NULL,
    jwks_url text DEFAULT NULL,
    authorized_parties text[] DEFAULT NULL,
    audiences text[] DEFAULT NULL,
    clock_skew interval DEFAULT NULL,
    allow_templates boolean DEFAULT NULL,
    allow_pending boolean DEFAULT NULL,
    fetch_keys boolean DEFAULT true,
    deletion text DEFAULT NULL,
    deletion_hold interval DEFAULT NULL,
    event_retention interval DEFAULT NULL,
    mirror_sessions boolean DEFAULT NULL
) RETURNS TABLE (item text, value text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'configure_wrapper';
COMMENT ON FUNCTION clerk.configure(
    text, text, text, text[], text[], interval, boolean, boolean, boolean, text, interval, interval, boolean) IS
    'trusts a Clerk instance, fetches its signing keys and reports what was done; called again, a NULL parameter keeps what is set';

CREATE FUNCTION clerk.remove_instance(issuer text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'remove_instance_wrapper';
COMMENT ON FUNCTION clerk.remove_instance(text) IS
    'no longer trusts the instance and forgets its keys; false where it was not configured';

CREATE FUNCTION clerk.add_signing_keys(issuer text, jwks jsonb)
    RETURNS TABLE (kid text, outcome text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'add_signing_keys_wrapper';
COMMENT ON FUNCTION clerk.add_signing_keys(text, jsonb) IS
    'stores the keys of a JWKS for a configured instance, where the server cannot reach Clerk';

CREATE FUNCTION clerk.remove_signing_key(issuer text, kid text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'remove_signing_key_wrapper';
COMMENT ON FUNCTION clerk.remove_signing_key(text, text) IS
    'forgets a key: its tokens are refused from the next transaction on; false where there was none; a key that is still published comes back with the next refresh';

CREATE FUNCTION clerk.refresh_signing_keys(issuer text DEFAULT NULL)
    RETURNS TABLE (instance text, ok boolean, keys integer, detail text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'refresh_signing_keys_wrapper';
COMMENT ON FUNCTION clerk.refresh_signing_keys(text) IS
    'fetches the signing keys of one instance, or of all; keeps the last good ones where that fails';

CREATE FUNCTION clerk.inspect_token(token text, at timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE ("check" text, ok boolean, reason text, detail text)
    LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'inspect_token_wrapper';
COMMENT ON FUNCTION clerk.inspect_token(text, timestamptz) IS
    'explains a token check by check at a given time; never raises an error; its last row is the verdict';
