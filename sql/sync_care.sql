-- What keeps the sync healthy: what is done with is purged, and one look tells how it goes.

CREATE FUNCTION clerk._check_deferred() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'check_deferred_wrapper';
COMMENT ON FUNCTION clerk._check_deferred() IS
    'internal: SET CONSTRAINTS ALL IMMEDIATE with the rights that the commit will have, not those of the function around';

CREATE FUNCTION clerk._remove(mirrored text, object_id text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'remove_object_wrapper';
COMMENT ON FUNCTION clerk._remove(text, text) IS
    'internal: deletes an object from a table of schema clerk, in a restricted operation: the checks of others'' foreign keys run code of theirs';

-- Two at a time never delete a row twice, and do not wait for each other.
CREATE FUNCTION clerk._purge(max_rows integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '2s'
AS $body$
DECLARE
    left_over integer := greatest(max_rows, 0);
    purged integer;
    mirrored text;
    gone text;
BEGIN
    -- Events of an instance that is not configured are kept as long as by default.
    -- The time by a subquery: a volatile function is never looked up in an index.
    DELETE FROM clerk.webhook_events WHERE id = ANY (ARRAY(
        SELECT e.id
        FROM clerk.webhook_events AS e
        WHERE e.status IN ('applied', 'stale', 'ignored', 'dead')
            AND e.received_at < (SELECT clock_timestamp())
                - (SELECT least(min(i.event_retention), interval '30 days') FROM clerk.instances AS i)
            AND e.received_at < (SELECT clock_timestamp()) - coalesce((
                SELECT max(i.event_retention)
                FROM clerk.signing_keys AS k JOIN clerk.instances AS i ON i.issuer = k.issuer
                WHERE k.kid = e.instance_id), interval '30 days')
        ORDER BY e.received_at
        LIMIT left_over
        FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS purged = ROW_COUNT;
    left_over := left_over - purged;

    -- With one snapshot for the whole transaction nobody can tell who references what.
    IF current_setting('transaction_isolation') = 'read committed'
        AND EXISTS (SELECT FROM clerk.instances WHERE deletion = 'remove')
    THEN
        -- Nothing is put off from here on, so that a reference is found at once.
        PERFORM clerk._check_deferred();
        FOREACH mirrored IN ARRAY '{users,organizations,organization_memberships,organization_domains,organization_invitations,
            roles,permissions,sessions,subscriptions}'::text[] LOOP
            -- A foreign key with an action would run the triggers of others with our rights: then nothing is deleted. None
            -- is added once we hold the lock that a DELETE takes.
            EXECUTE format('LOCK TABLE clerk.%I IN ROW EXCLUSIVE MODE', mirrored);
            CONTINUE WHEN EXISTS (
                SELECT FROM pg_constraint AS c
                WHERE c.contype = 'f' AND c.confrelid = format('clerk.%I', mirrored)::regclass AND c.confdeltype IN ('c', 'n', 'd'));
            FOR gone IN EXECUTE format($statement$
                SELECT o.id
                FROM clerk.%1$I AS o
                    JOIN clerk.signing_keys AS k ON k.kid = o.instance_id
                    JOIN clerk.instances AS i ON i.issuer = k.issuer
                WHERE i.deletion = 'remove' AND o.deleted_at < (SELECT clock_timestamp()) - i.deletion_hold
                    AND o.synced_at < (SELECT clock_timestamp()) - i.deletion_hold
                -- Those that stay go to the end.
                ORDER BY o.synced_at
                LIMIT $1
                FOR UPDATE OF o SKIP LOCKED
                $statement$, mirrored) USING left_over
            LOOP
                left_over := left_over - 1;
                -- A row that the application still references stays, and keeps no other one: it is looked at again after
                -- another hold. So does one that a trigger of the application keeps.
                BEGIN
                    PERFORM clerk._remove(mirrored, gone);
                EXCEPTION
                WHEN lock_not_available OR deadlock_detected THEN
                    -- The application is at work on a table that references this one: the next time.
                    EXIT;
                WHEN OTHERS THEN
                    BEGIN
                        EXECUTE format('UPDATE clerk.%I SET synced_at = clock_timestamp() WHERE id = $1', mirrored)
                            USING gone;
                    EXCEPTION WHEN OTHERS THEN
                        NULL;
                    END;
                END;
            END LOOP;
        END LOOP;
    END IF;
    -- A few at a time: their findings go with them.
    DELETE FROM clerk.sync_runs WHERE id IN (
        SELECT id FROM clerk.sync_runs
        WHERE finished_at < (SELECT clock_timestamp()) - interval '30 days'
            AND id NOT IN (SELECT max(id) FROM clerk.sync_runs GROUP BY purpose, kind, instance_id)
        ORDER BY id LIMIT 20);
    RETURN greatest(max_rows, 0) - left_over;
END
$body$;
COMMENT ON FUNCTION clerk._purge(integer) IS
    'internal: deletes up to so many events that were kept long enough, removed objects after their hold, and runs of clerk.backfill() and clerk.reconcile(); gives the number of those it looked at';

CREATE VIEW clerk.sync_health AS
    SELECT c.*,
        w.oldest_waiting,
        pg_catalog.clock_timestamp() - w.oldest_waiting AS lag,
        l.received_at AS last_received_at,
        (SELECT pg_catalog.max(r.event_at) FROM (
            SELECT event_at FROM clerk.webhook_events ORDER BY received_at DESC LIMIT 200) AS r) AS last_event_at,
        g.usual_gap,
        pg_catalog.clock_timestamp() - l.received_at AS silence,
        CASE WHEN pg_catalog.clock_timestamp() - l.received_at
                > greatest(interval '1 hour', 10 * coalesce(g.usual_gap, interval '0'))
            THEN 'silent: is the endpoint disabled, or its address wrong?' END AS warning,
        o.last_reconciled_at,
        o.drift
    FROM (
        -- By an index each: the ledger may be long.
        SELECT w.received, d.applied, d.stale, d.ignored, w.failed, b.dead
        FROM (
            SELECT pg_catalog.count(*) FILTER (WHERE status = 'received') AS received,
                pg_catalog.count(*) FILTER (WHERE status = 'failed') AS failed
            FROM clerk.webhook_events WHERE next_attempt_at IS NOT NULL
        ) AS w
        CROSS JOIN (
            SELECT pg_catalog.count(*) FILTER (WHERE status = 'applied') AS applied,
                pg_catalog.count(*) FILTER (WHERE status = 'stale') AS stale,
                pg_catalog.count(*) FILTER (WHERE status = 'ignored') AS ignored
            FROM clerk.webhook_events WHERE received_at > (SELECT pg_catalog.clock_timestamp()) - interval '1 day'
        ) AS d
        CROSS JOIN (SELECT pg_catalog.count(*) AS dead FROM clerk.webhook_events WHERE status = 'dead') AS b
    ) AS c
    CROSS JOIN (
        -- What waits is looked through, by its own index, and not the ledger from its oldest event on.
        SELECT pg_catalog.min(received_at) AS oldest_waiting
        FROM (SELECT received_at FROM clerk.webhook_events WHERE next_attempt_at IS NOT NULL OFFSET 0) AS x
    ) AS w
    CROSS JOIN (SELECT pg_catalog.max(received_at) AS received_at FROM clerk.webhook_events) AS l
    CROSS JOIN (
        SELECT pg_catalog.percentile_disc(0.9) WITHIN GROUP (ORDER BY s.gap) AS usual_gap
        FROM (
            SELECT r.received_at - pg_catalog.lag(r.received_at) OVER (ORDER BY r.received_at) AS gap FROM (
                SELECT received_at FROM clerk.webhook_events ORDER BY received_at DESC LIMIT 200) AS r
        ) AS s
        WHERE s.gap IS NOT NULL
    ) AS g
    CROSS JOIN (
        -- Of the last comparison of each kind that came to its end.
        SELECT pg_catalog.max(r.finished_at) AS last_reconciled_at,
            pg_catalog.sum((
                SELECT pg_catalog.count(*) FROM clerk.sync_findings AS f
                WHERE f.run_id = r.id AND f.repaired_at IS NULL))::bigint AS drift
        FROM (
            SELECT DISTINCT ON (kind, instance_id) id, finished_at FROM clerk.sync_runs
            WHERE purpose <> 'backfill' AND status IN ('done', 'held back')
            ORDER BY kind, instance_id, id DESC) AS r
    ) AS o;
COMMENT ON VIEW clerk.sync_health IS 'how the sync goes: one row';
COMMENT ON COLUMN clerk.sync_health.received IS 'events that wait for their first attempt';
COMMENT ON COLUMN clerk.sync_health.applied IS 'events that were applied, of those received in the last 24 hours';
COMMENT ON COLUMN clerk.sync_health.stale IS 'events that came after something newer, of those received in the last 24 hours';
COMMENT ON COLUMN clerk.sync_health.ignored IS 'events that change nothing here, of those received in the last 24 hours';
COMMENT ON COLUMN clerk.sync_health.failed IS 'events that failed and will be tried again';
COMMENT ON COLUMN clerk.sync_health.dead IS 'events that will not be tried again until clerk.replay()';
COMMENT ON COLUMN clerk.sync_health.oldest_waiting IS 'when the oldest event that waits was received';
COMMENT ON COLUMN clerk.sync_health.lag IS 'how long it has waited';
COMMENT ON COLUMN clerk.sync_health.last_received_at IS 'when the last event was received';
COMMENT ON COLUMN clerk.sync_health.last_event_at IS 'when Clerk made the newest of the last 200 events';
COMMENT ON COLUMN clerk.sync_health.usual_gap IS 'the time that 9 of 10 gaps between the last 200 events did not exceed';
COMMENT ON COLUMN clerk.sync_health.silence IS 'how long nothing was received';
COMMENT ON COLUMN clerk.sync_health.warning IS 'told where the silence is longer than an hour and than ten usual gaps; NULL where all is well';
COMMENT ON COLUMN clerk.sync_health.last_reconciled_at IS 'when clerk.reconcile() ended last; NULL: never';
COMMENT ON COLUMN clerk.sync_health.drift IS 'how many objects differed then and were not mended; NULL: never compared';
