-- Runs of clerk.backfill() and clerk.reconcile(): where they stand and what they found.

CREATE TABLE clerk.sync_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('backfill', 'report', 'repair')),
    kind text NOT NULL,
    instance_id text NOT NULL,
    source text NOT NULL,
    status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed', 'skipped', 'held back')),
    called_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    resumed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz,
    total bigint,
    done bigint NOT NULL DEFAULT 0,
    done_before bigint NOT NULL DEFAULT 0,
    written bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    missing bigint NOT NULL DEFAULT 0,
    stale bigint NOT NULL DEFAULT 0,
    extra bigint NOT NULL DEFAULT 0,
    requests bigint NOT NULL DEFAULT 0,
    request_time interval NOT NULL DEFAULT interval '0',
    cursor jsonb,
    last_error text
);
CREATE INDEX sync_runs_kind ON clerk.sync_runs (kind, purpose, instance_id, id);
COMMENT ON TABLE clerk.sync_runs IS 'What was read from Clerk''s Backend API: a row a run and kind, with its checkpoint';
COMMENT ON COLUMN clerk.sync_runs.id IS 'a later one is newer';
COMMENT ON COLUMN clerk.sync_runs.purpose IS 'backfill; or report or repair: the mode of clerk.reconcile()';
COMMENT ON COLUMN clerk.sync_runs.kind IS 'table in this schema that was filled or compared';
COMMENT ON COLUMN clerk.sync_runs.instance_id IS 'the Clerk instance, ins_..., whose key was used';
COMMENT ON COLUMN clerk.sync_runs.source IS 'fingerprint of the API key and the address that were used';
COMMENT ON COLUMN clerk.sync_runs.status IS 'running, or cut off where nobody is at it (see clerk.sync_progress); done; failed: see last_error; skipped: Clerk does not list this kind for the instance; held back: more was to be deleted than may be without force';
COMMENT ON COLUMN clerk.sync_runs.called_at IS 'when the call began that it is part of: the same for all kinds of a call';
COMMENT ON COLUMN clerk.sync_runs.started_at IS 'when it began';
COMMENT ON COLUMN clerk.sync_runs.resumed_at IS 'when it began, or was taken up again';
COMMENT ON COLUMN clerk.sync_runs.updated_at IS 'when the last page was committed';
COMMENT ON COLUMN clerk.sync_runs.finished_at IS 'when it ended';
COMMENT ON COLUMN clerk.sync_runs.total IS 'how many objects Clerk has, when it was asked last';
COMMENT ON COLUMN clerk.sync_runs.done IS 'how many of them were read';
COMMENT ON COLUMN clerk.sync_runs.done_before IS 'how many of these before it was taken up again';
COMMENT ON COLUMN clerk.sync_runs.written IS 'how many rows were written';
COMMENT ON COLUMN clerk.sync_runs.unchanged IS 'how many objects were here already, as they are or newer';
COMMENT ON COLUMN clerk.sync_runs.refused IS 'how many could not be written: see clerk.sync_findings';
COMMENT ON COLUMN clerk.sync_runs.missing IS 'clerk.reconcile(): how many objects of Clerk''s were not here';
COMMENT ON COLUMN clerk.sync_runs.stale IS 'clerk.reconcile(): how many were older here';
COMMENT ON COLUMN clerk.sync_runs.extra IS 'clerk.reconcile(): how many were here and no longer at Clerk''s';
COMMENT ON COLUMN clerk.sync_runs.requests IS 'how many requests were sent';
COMMENT ON COLUMN clerk.sync_runs.request_time IS 'how long they took together';
COMMENT ON COLUMN clerk.sync_runs.cursor IS 'the checkpoint: where the next page begins; NULL before the first one';
COMMENT ON COLUMN clerk.sync_runs.last_error IS 'why it ended, without personal data';
COMMENT ON INDEX clerk.sync_runs_kind IS 'the last run of a kind';
COMMENT ON SEQUENCE clerk.sync_runs_id_seq IS 'internal: numbers of clerk.sync_runs';
SELECT pg_catalog.pg_extension_config_dump('clerk.sync_runs', '');
SELECT pg_catalog.pg_extension_config_dump('clerk.sync_runs_id_seq', '');

CREATE TABLE clerk.sync_findings (
    run_id bigint NOT NULL REFERENCES clerk.sync_runs ON DELETE CASCADE,
    kind text NOT NULL,
    object_id text NOT NULL,
    finding text NOT NULL CHECK (finding IN ('missing', 'stale', 'extra', 'buried', 'refused')),
    updated_at_here timestamptz,
    updated_at_there timestamptz,
    found_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    checked_at timestamptz,
    repaired_at timestamptz,
    reason text,
    PRIMARY KEY (run_id, object_id)
);
COMMENT ON TABLE clerk.sync_findings IS 'Objects that clerk.reconcile() found to differ, and those that a run could not write';
COMMENT ON COLUMN clerk.sync_findings.run_id IS 'the run in clerk.sync_runs';
COMMENT ON COLUMN clerk.sync_findings.kind IS 'table in this schema';
COMMENT ON COLUMN clerk.sync_findings.object_id IS 'id of the object; empty where it has none that can be read';
COMMENT ON COLUMN clerk.sync_findings.finding IS 'missing here; stale here; extra: here and no longer at Clerk''s; buried: a tombstone here and alive there; refused: could not be written';
COMMENT ON COLUMN clerk.sync_findings.updated_at_here IS 'when it was changed last, by the row here';
COMMENT ON COLUMN clerk.sync_findings.updated_at_there IS 'when it was changed last, by Clerk';
COMMENT ON COLUMN clerk.sync_findings.found_at IS 'when it was found';
COMMENT ON COLUMN clerk.sync_findings.checked_at IS 'extra: when Clerk said of this very object that it does not exist; NULL where it was not asked';
COMMENT ON COLUMN clerk.sync_findings.repaired_at IS 'when it was mended; NULL where it was not';
COMMENT ON COLUMN clerk.sync_findings.reason IS 'why it could not be written, without personal data';
SELECT pg_catalog.pg_extension_config_dump('clerk.sync_findings', '');

-- Empty after a crash of the server, and on a standby: the run that needs it begins anew.
CREATE UNLOGGED TABLE clerk.sync_seen (
    run_id bigint NOT NULL,
    object_id text NOT NULL,
    PRIMARY KEY (run_id, object_id)
);
COMMENT ON TABLE clerk.sync_seen IS 'internal: ids that a running clerk.reconcile() has seen at Clerk''s';
COMMENT ON COLUMN clerk.sync_seen.run_id IS 'the run in clerk.sync_runs';
COMMENT ON COLUMN clerk.sync_seen.object_id IS 'id of an object';

-- Not transactional, and so shared by all who ask, however long their transactions last.
CREATE SEQUENCE clerk.api_slots MINVALUE 0 START 0;
COMMENT ON SEQUENCE clerk.api_slots IS
    'internal: the budget of requests to the Backend API; slots of 12.5 ms since 1970, which requests take one by one';

-- By the sub-object that its session has locked.
CREATE FUNCTION clerk._is_at_work(kind text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN EXISTS (
        SELECT FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_extension AS e ON e.oid = l.objid
        WHERE e.extname = 'clerk_sync' AND l.classid = 'pg_catalog.pg_extension'::regclass AND l.granted
            AND l.locktype = 'object'
            AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
            AND l.objsubid = 15 + pg_catalog.array_position('{users,organizations,organization_memberships,
                organization_invitations,organization_domains,roles,permissions,sessions,subscriptions}'::text[], kind));
COMMENT ON FUNCTION clerk._is_at_work(text) IS 'internal: whether a session runs clerk.backfill() or clerk.reconcile() for the kind';

CREATE VIEW clerk.sync_progress AS
    SELECT r.id AS run_id, r.purpose, r.kind, r.instance_id,
        CASE WHEN r.status = 'running' AND NOT clerk._is_at_work(r.kind) THEN 'cut off' ELSE r.status END AS status,
        r.done, r.total,
        pg_catalog.round((r.done - r.done_before) / nullif(extract(epoch FROM coalesce(r.finished_at, r.updated_at) - r.resumed_at), 0), 1)
            AS rate,
        CASE WHEN r.status = 'running' AND r.done > r.done_before AND r.total > r.done
            THEN (r.updated_at - r.resumed_at) * ((r.total - r.done)::float8 / (r.done - r.done_before))
        END AS time_left,
        r.written, r.unchanged, r.refused, r.missing, r.stale, r.extra, r.requests, r.request_time, r.started_at,
        r.updated_at, r.finished_at, r.last_error
    FROM clerk.sync_runs AS r
    WHERE r.id IN (SELECT pg_catalog.max(id) FROM clerk.sync_runs GROUP BY purpose, kind, instance_id);
COMMENT ON VIEW clerk.sync_progress IS 'the last run of each purpose, kind and instance';
COMMENT ON COLUMN clerk.sync_progress.status IS 'as in clerk.sync_runs; cut off: nobody is at it, and the next call goes on where it stood';
COMMENT ON COLUMN clerk.sync_progress.done IS 'objects that were read';
COMMENT ON COLUMN clerk.sync_progress.total IS 'objects that Clerk has';
COMMENT ON COLUMN clerk.sync_progress.rate IS 'objects a second since it began or was taken up again';
COMMENT ON COLUMN clerk.sync_progress.time_left IS 'at this rate';
DO $body$
DECLARE
    same record;
BEGIN
    FOR same IN
        SELECT a.attname, pg_catalog.col_description('clerk.sync_runs'::regclass, r.attnum) AS comment
        FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_attribute AS r USING (attname)
        WHERE a.attrelid = 'clerk.sync_progress'::regclass AND r.attrelid = 'clerk.sync_runs'::regclass
            AND pg_catalog.col_description(a.attrelid, a.attnum) IS NULL
    LOOP
        EXECUTE pg_catalog.format('COMMENT ON COLUMN clerk.sync_progress.%I IS %L', same.attname, same.comment);
    END LOOP;
END
$body$;
COMMENT ON COLUMN clerk.sync_progress.run_id IS 'its id in clerk.sync_runs';
