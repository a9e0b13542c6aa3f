-- Reading from Clerk's Backend API. The procedures commit page by page, which neither SECURITY DEFINER nor a SET clause
-- allows: they take the owner's rights and the catalogs' path by themselves, transaction by transaction.

CREATE PROCEDURE clerk.backfill(kinds text[] DEFAULT NULL, resume boolean DEFAULT true, instance text DEFAULT NULL)
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'backfill_wrapper';
COMMENT ON PROCEDURE clerk.backfill(text[], boolean, text) IS
    'reads all objects of these kinds from Clerk (NULL: all that Clerk lists) and writes what is new; a page a transaction; called again after it was cut off it goes on where it stood';

CREATE PROCEDURE clerk.reconcile(
    kinds text[] DEFAULT NULL, mode text DEFAULT 'report', force boolean DEFAULT false,
    max_deletions double precision DEFAULT NULL, instance text DEFAULT NULL)
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'reconcile_wrapper';
COMMENT ON PROCEDURE clerk.reconcile(text[], text, boolean, double precision, text) IS
    'compares the tables with Clerk and notes in clerk.sync_findings what is missing, stale or extra here; with mode repair it mends that; of a table it deletes no greater share than max_deletions (NULL: clerk_sync.reconcile_max_deletions) without force';

CREATE FUNCTION clerk.refetch(kind text, id text, instance text DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'refetch_wrapper';
COMMENT ON FUNCTION clerk.refetch(text, text, text) IS
    'asks Clerk for one object now and makes the row equal: written, unchanged, outdated (what is here is newer, or buried), or gone (it is buried now, if it was here)';

CREATE FUNCTION clerk.import_json(
    kind text, objects jsonb, instance text DEFAULT NULL, exported_at timestamptz DEFAULT pg_catalog.clock_timestamp()
) RETURNS TABLE (read bigint, written bigint, unchanged bigint, refused jsonb)
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'import_json_wrapper';
COMMENT ON FUNCTION clerk.import_json(text, jsonb, text, timestamptz) IS
    'writes objects that somebody else read from the Backend API (an object, a list, or a page with data), as clerk.backfill() does; refused: a list of id and reason';

-- The kind is one of the tables of this schema. By the index, page by page: what is read of the table must not grow with it,
-- and for the planner a heap without its TOAST is small for a long time.
CREATE FUNCTION clerk._known(kind text, ids text[]) RETURNS SETOF text
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS $body$
BEGIN
    RETURN QUERY EXECUTE format('SELECT id FROM clerk.%I WHERE id = ANY ($1)', kind) USING ids;
END
$body$;
COMMENT ON FUNCTION clerk._known(text, text[]) IS 'internal: which of these objects are stored';

CREATE FUNCTION clerk._compare(kind text, ids text[], data text[])
    RETURNS TABLE (id text, updated_at timestamptz, deleted_at timestamptz, is_same boolean)
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
    SET enable_hashjoin = off
    SET enable_mergejoin = off
AS $body$
BEGIN
    RETURN QUERY EXECUTE format($statement$
        SELECT stored.id, stored.updated_at, stored.deleted_at,
            -- As apply_organization_invitations.sql stores it.
            stored.deleted_at IS NULL AND stored.data = new.data::jsonb%2$s
        FROM unnest($1, $2) AS new (id, data) JOIN clerk.%1$I AS stored ON stored.id = new.id
        $statement$, kind,
        CASE kind WHEN 'organization_invitations' THEN $$ - 'url' - 'public_inviter_data'$$ ELSE '' END)
        USING ids, data;
END
$body$;
COMMENT ON FUNCTION clerk._compare(text, text[], text[]) IS 'internal: what is stored of these objects, and whether it is the same';

-- Rows that were here before the run began, and that it has not seen.
CREATE FUNCTION clerk._find_extra(run bigint) RETURNS TABLE (live bigint, extra bigint)
    LANGUAGE plpgsql VOLATILE STRICT
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    r clerk.sync_runs;
BEGIN
    SELECT * INTO STRICT r FROM clerk.sync_runs WHERE sync_runs.id = run;
    -- Its statistics are of no use for a table that was filled just now.
    ANALYZE clerk.sync_seen;
    DELETE FROM clerk.sync_findings AS f WHERE f.run_id = run AND f.finding = 'extra' AND f.checked_at IS NULL;
    EXECUTE format($statement$
        INSERT INTO clerk.sync_findings (run_id, kind, object_id, finding, updated_at_here)
        SELECT $1, $2, o.id, 'extra', o.updated_at
        FROM clerk.%I AS o
        WHERE o.instance_id = $3 AND o.deleted_at IS NULL AND o.synced_at < $4
            AND NOT EXISTS (SELECT FROM clerk.sync_seen AS s WHERE s.run_id = $1 AND s.object_id = o.id)
        ON CONFLICT DO NOTHING
        $statement$, r.kind) USING run, r.kind, r.instance_id, r.started_at;
    -- Those of before the run was cut off included.
    SELECT count(*) INTO extra FROM clerk.sync_findings AS f WHERE f.run_id = run AND f.finding = 'extra';
    EXECUTE format('SELECT count(*) FROM clerk.%I AS o WHERE o.instance_id = $1 AND o.deleted_at IS NULL', r.kind)
        INTO live USING r.instance_id;
    -- What the run has buried already was there.
    live := live + (SELECT count(*) FROM clerk.sync_findings AS f WHERE f.run_id = run AND f.finding = 'extra' AND f.repaired_at IS NOT NULL);
    UPDATE clerk.sync_runs AS u SET extra = _find_extra.extra WHERE u.id = run;
    RETURN NEXT;
END
$body$;
COMMENT ON FUNCTION clerk._find_extra(bigint) IS 'internal: notes what a run has not seen, and says how many rows there are, and how many of them it has not seen';

-- To what an object belongs, by the row that is here: by that Clerk finds it.
CREATE FUNCTION clerk._owners_of(kind text, object_id text)
    RETURNS TABLE (instance_id text, user_id text, organization_id text)
    LANGUAGE plpgsql STABLE STRICT
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    RETURN QUERY EXECUTE format($statement$
        SELECT o ->> 'instance_id', o ->> 'user_id', o ->> 'organization_id'
        FROM (SELECT to_jsonb(t) - '{data}'::text[] AS o FROM clerk.%I AS t WHERE t.id = $1) AS x
        $statement$, kind) USING object_id;
END
$body$;
COMMENT ON FUNCTION clerk._owners_of(text, text) IS 'internal: the instance, the user and the organization of an object that is stored here';
