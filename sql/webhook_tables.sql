-- What the receiving of webhooks keeps: every event once, and the signing secrets.

-- As clerk_admin: roles belong to the cluster.
DO $body$
BEGIN
    CREATE ROLE clerk_webhook NOLOGIN NOINHERIT;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$body$;

CREATE TABLE clerk.webhook_events (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL,
    type text NOT NULL,
    kind text,
    object_id text,
    event_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    status text NOT NULL CHECK (status IN ('received', 'applied', 'stale', 'ignored', 'failed', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    applied_at timestamptz,
    last_error text,
    refetched_at timestamptz,
    body text,
    -- What waits says until when, and nothing else does.
    CONSTRAINT webhook_events_is_due CHECK ((status IN ('received', 'failed')) = (next_attempt_at IS NOT NULL))
);
COMMENT ON TABLE clerk.webhook_events IS 'The ledger: every event that was received and verified, once';
COMMENT ON COLUMN clerk.webhook_events.id IS 'svix-id of the message, the same for each delivery of it';
COMMENT ON COLUMN clerk.webhook_events.instance_id IS 'the Clerk instance, ins_...';
COMMENT ON COLUMN clerk.webhook_events.type IS 'type of the event, such as user.created';
COMMENT ON COLUMN clerk.webhook_events.kind IS 'table in this schema that it is about; NULL where it changes none, or was not looked into yet';
COMMENT ON COLUMN clerk.webhook_events.object_id IS 'id of the object that it is about; NULL where it names none, or was not looked into yet';
COMMENT ON COLUMN clerk.webhook_events.event_at IS 'when Clerk made the event';
COMMENT ON COLUMN clerk.webhook_events.received_at IS 'when it was received here first';
COMMENT ON COLUMN clerk.webhook_events.status IS 'received: waits; applied; stale: something newer is stored; ignored: changes nothing here; failed: will be tried again; dead: will not, until clerk.replay()';
COMMENT ON COLUMN clerk.webhook_events.attempts IS 'how many attempts to apply it failed';
COMMENT ON COLUMN clerk.webhook_events.next_attempt_at IS 'from when on it is due; NULL where it does not wait';
COMMENT ON COLUMN clerk.webhook_events.applied_at IS 'when it was dealt with; NULL while it waits, and where it is dead';
COMMENT ON COLUMN clerk.webhook_events.last_error IS 'why the last attempt failed: SQLSTATE and message, without personal data';
COMMENT ON COLUMN clerk.webhook_events.refetched_at IS 'when Clerk was asked for its object, because it failed';
COMMENT ON COLUMN clerk.webhook_events.body IS 'the text as it was signed; NULL once it was erased';

CREATE INDEX webhook_events_due ON clerk.webhook_events (next_attempt_at, received_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_events_object ON clerk.webhook_events (object_id);
CREATE INDEX webhook_events_received ON clerk.webhook_events (received_at);
CREATE INDEX webhook_events_failed ON clerk.webhook_events (received_at) WHERE status = 'failed' AND refetched_at IS NULL;
CREATE INDEX webhook_events_dead ON clerk.webhook_events (received_at) WHERE status = 'dead';
COMMENT ON INDEX clerk.webhook_events_due IS 'what waits, in the order in which it is taken';
COMMENT ON INDEX clerk.webhook_events_object IS 'the events of an object';
COMMENT ON INDEX clerk.webhook_events_failed IS 'what failed and was not asked of Clerk yet';
COMMENT ON INDEX clerk.webhook_events_dead IS 'what was given up';
COMMENT ON INDEX clerk.webhook_events_received IS 'the last events, and the oldest';
SELECT pg_catalog.pg_extension_config_dump('clerk.webhook_events', '');

-- LZ4 where the server was built with it: much the cheapest part of what an event costs to store.
DO $body$
DECLARE
    place record;
BEGIN
    FOR place IN
        SELECT c.oid::regclass AS relation, a.attname AS column_name
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'clerk'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
            AND (a.attname = 'data' AND a.atttypid = 'jsonb'::regtype OR c.relname = 'webhook_events' AND a.attname = 'body')
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION lz4', place.relation, place.column_name);
    END LOOP;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END
$body$;

-- Not dumped, and nobody but the owner may read it.
CREATE TABLE clerk.secrets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name ~ '^(webhook_secret(:[A-Za-z0-9_.-]{1,64})?|api_key(:ins_[A-Za-z0-9_]{1,60})?)$'),
    value text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    expires_at timestamptz
);
COMMENT ON TABLE clerk.secrets IS 'Secrets shared with Clerk; written by clerk.set_secret(), readable by nobody, not part of dumps';
COMMENT ON COLUMN clerk.secrets.id IS 'a later one counts more';
COMMENT ON COLUMN clerk.secrets.name IS 'webhook_secret: the signing secret of the webhook endpoint; webhook_secret:NAME: of a further one; api_key: the secret key of the Backend API; api_key:ins_...: that of one of several instances';
COMMENT ON COLUMN clerk.secrets.value IS 'the secret';
COMMENT ON COLUMN clerk.secrets.created_at IS 'when it was set';
COMMENT ON COLUMN clerk.secrets.expires_at IS 'until when it counts; NULL for the one in force';
CREATE INDEX secrets_name ON clerk.secrets (name, id);
COMMENT ON INDEX clerk.secrets_name IS 'secrets by name, the latest last';
-- Without a policy: pg_read_all_data reads nothing, nor does anybody whom the owner grants the table to.
ALTER TABLE clerk.secrets ENABLE ROW LEVEL SECURITY;
COMMENT ON SEQUENCE clerk.secrets_id_seq IS 'internal: numbers of clerk.secrets';

-- Every backend keeps the secrets, and is told of changes as of those of instances.
CREATE TRIGGER announce_secret_change
    AFTER INSERT OR UPDATE OR DELETE ON clerk.secrets
    FOR EACH ROW EXECUTE FUNCTION clerk._announce_trust_change();
CREATE TRIGGER announce_truncation
    AFTER TRUNCATE ON clerk.secrets
    FOR EACH STATEMENT EXECUTE FUNCTION clerk._announce_trust_change();
ALTER TABLE clerk.secrets ENABLE ALWAYS TRIGGER announce_secret_change;
ALTER TABLE clerk.secrets ENABLE ALWAYS TRIGGER announce_truncation;
COMMENT ON TRIGGER announce_secret_change ON clerk.secrets IS 'internal: a changed row tells every backend';
COMMENT ON TRIGGER announce_truncation ON clerk.secrets IS 'internal: a truncation tells every backend';
