-- What the background worker does, by hand: for servers that do not preload the library, with pg_cron or a timer.

CREATE FUNCTION clerk.run_maintenance() RETURNS TABLE (step text, detail text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'run_maintenance_wrapper';
COMMENT ON FUNCTION clerk.run_maintenance() IS
    'refreshes signing keys that are due, applies webhook events that are due and deletes what is past its retention, as the background worker does; what another session is doing is left to it';
