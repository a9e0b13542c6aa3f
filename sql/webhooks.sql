-- Webhooks: received, applied, tried again. SECURITY DEFINER, hence the fixed search_path; clerk_webhook() does the
-- same by itself.

CREATE FUNCTION clerk.set_secret(name text, value text, old_expires_in interval DEFAULT interval '24 hours') RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'set_secret_wrapper';
COMMENT ON FUNCTION clerk.set_secret(text, text, interval) IS
    'puts a secret in force (webhook_secret, or webhook_secret:NAME of a further endpoint: whsec_...; api_key, or api_key:ins_... of one of several instances: sk_...); the webhook secret before counts until old_expires_in is over';

CREATE FUNCTION clerk._secret_in_hand() RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'secret_in_hand_wrapper';
COMMENT ON FUNCTION clerk._secret_in_hand() IS
    'internal: the secret that clerk.set_secret() is storing, so that it stands in no plan; NULL outside of that';

CREATE FUNCTION clerk.remove_secret(name text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'remove_secret_wrapper';
COMMENT ON FUNCTION clerk.remove_secret(text) IS
    'forgets the secrets of this name: without one no delivery is accepted; false where there was none';

CREATE FUNCTION clerk.receive_webhook(headers jsonb, body text)
    RETURNS TABLE (status integer, outcome text, detail text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'receive_webhook_wrapper';
COMMENT ON FUNCTION clerk.receive_webhook(jsonb, text) IS
    'receives a delivery: its headers by name, and its body exactly as it came; answers with the HTTP status to send';

CREATE FUNCTION clerk_webhook(json) RETURNS json
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clerk_webhook_wrapper';
COMMENT ON FUNCTION clerk_webhook(json) IS
    'receives a delivery under PostgREST: POST /rpc/clerk_webhook; its headers are in request.headers, the status in response.status';

CREATE FUNCTION clerk._drain(max_events integer) RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'drain_webhooks_wrapper';
COMMENT ON FUNCTION clerk._drain(integer) IS
    'internal: deals with up to so many events that are due and gives their number; two at a time share them out';

CREATE FUNCTION clerk.replay(
    id text DEFAULT NULL, since timestamptz DEFAULT NULL, type text DEFAULT NULL, status text DEFAULT NULL
) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    replayed bigint;
BEGIN
    IF num_nonnulls(replay.id, since, replay.type, replay.status) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'clerk.replay() needs a condition',
            HINT = 'Give an id, a time since which events were received, a type or a status, such as status => ''dead''.';
    END IF;
    UPDATE clerk.webhook_events AS e SET
        status = 'received', attempts = 0, next_attempt_at = clock_timestamp(), applied_at = NULL, last_error = NULL, refetched_at = NULL
    WHERE e.body IS NOT NULL
        AND (replay.id IS NULL OR e.id = replay.id)
        AND (since IS NULL OR e.received_at >= since)
        AND (replay.type IS NULL OR e.type = replay.type)
        AND (replay.status IS NULL OR e.status = replay.status);
    GET DIAGNOSTICS replayed = ROW_COUNT;
    RETURN replayed;
END
$body$;
COMMENT ON FUNCTION clerk.replay(text, timestamptz, text, text) IS
    'lets events be applied again for which all given conditions hold, and gives their number; those whose body was erased are left';
