CREATE TABLE clerk.instances (
    issuer text PRIMARY KEY CHECK (issuer <> ''),
    publishable_key text UNIQUE,
    environment text NOT NULL CHECK (environment IN ('production', 'development')),
    frontend_api text NOT NULL,
    jwks_url text NOT NULL,
    authorized_parties text[] NOT NULL DEFAULT '{}'
        CHECK (pg_catalog.array_position(authorized_parties, NULL) IS NULL),
    audiences text[] NOT NULL DEFAULT '{}'
        CHECK (pg_catalog.array_position(audiences, NULL) IS NULL),
    clock_skew interval NOT NULL DEFAULT interval '5 seconds'
        CHECK (clock_skew >= interval '0' AND clock_skew <= interval '5 minutes'),
    allow_templates boolean NOT NULL DEFAULT false,
    allow_pending boolean NOT NULL DEFAULT false,
    deletion text NOT NULL DEFAULT 'erase' CHECK (deletion IN ('erase', 'keep', 'remove')),
    deletion_hold interval NOT NULL DEFAULT interval '30 days' CHECK (deletion_hold BETWEEN interval '0' AND interval '1000 years'),
    event_retention interval NOT NULL DEFAULT interval '30 days' CHECK (event_retention BETWEEN interval '0' AND interval '1000 years'),
    mirror_sessions boolean NOT NULL DEFAULT false,
    keys_fetched_at timestamptz,
    keys_error text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE clerk.instances IS 'Clerk instances whose session tokens this database accepts; written by clerk.configure()';
COMMENT ON COLUMN clerk.instances.issuer IS 'iss of its tokens: the Frontend API URL, or the proxy URL of a proxied instance';
COMMENT ON COLUMN clerk.instances.publishable_key IS 'pk_live_... or pk_test_...; public by nature';
COMMENT ON COLUMN clerk.instances.environment IS 'production or development, from the publishable key';
COMMENT ON COLUMN clerk.instances.frontend_api IS 'host of the Frontend API, from the publishable key';
COMMENT ON COLUMN clerk.instances.jwks_url IS 'where clerk.refresh_signing_keys() fetches the signing keys';
COMMENT ON COLUMN clerk.instances.authorized_parties IS 'origins that a token may name in azp; empty: any';
COMMENT ON COLUMN clerk.instances.audiences IS 'values accepted in aud, where a token has one; empty: any';
COMMENT ON COLUMN clerk.instances.clock_skew IS 'how far the clocks of Clerk and of this server may differ';
COMMENT ON COLUMN clerk.instances.allow_templates IS 'accept tokens of JWT templates, which belong to no session';
COMMENT ON COLUMN clerk.instances.allow_pending IS 'count a session with unfinished tasks (sts pending) as signed in';
COMMENT ON COLUMN clerk.instances.deletion IS 'what is left of a deleted object: erase keeps its id as a tombstone, keep the whole row, remove nothing after deletion_hold';
COMMENT ON COLUMN clerk.instances.deletion_hold IS 'how long a tombstone stays where deletion is remove; a late event must not revive what was deleted';
COMMENT ON COLUMN clerk.instances.event_retention IS 'how long clerk.webhook_events keeps events that are done';
COMMENT ON COLUMN clerk.instances.mirror_sessions IS 'whether clerk.sessions is filled';
COMMENT ON COLUMN clerk.instances.keys_fetched_at IS 'last time the keys were fetched with success';
COMMENT ON COLUMN clerk.instances.keys_error IS 'why the last fetch failed; NULL after a success';

CREATE TABLE clerk.signing_keys (
    issuer text NOT NULL REFERENCES clerk.instances ON UPDATE CASCADE ON DELETE CASCADE,
    kid text NOT NULL,
    algorithm text NOT NULL CHECK (algorithm = 'RS256'),
    modulus text NOT NULL,
    exponent text NOT NULL,
    bits integer NOT NULL CHECK (bits BETWEEN 2048 AND 8192),
    source text NOT NULL CHECK (source IN ('fetched', 'added')),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (issuer, kid)
);
COMMENT ON TABLE clerk.signing_keys IS 'Public keys of the instances; a key verifies tokens of its own issuer only';
COMMENT ON COLUMN clerk.signing_keys.kid IS 'key id in the header of a token';
COMMENT ON COLUMN clerk.signing_keys.modulus IS 'n of the JWK, base64url';
COMMENT ON COLUMN clerk.signing_keys.exponent IS 'e of the JWK, base64url';
COMMENT ON COLUMN clerk.signing_keys.bits IS 'length of the modulus';
COMMENT ON COLUMN clerk.signing_keys.source IS 'fetched: kept equal to the JWKS by each refresh; added: by hand, kept as it is until it is removed';

-- A row in these tables decides whom every backend trusts, so each change tells all of them, in the
-- same commit. ALWAYS, and for each row: a worker of logical replication fires no other triggers.
CREATE FUNCTION clerk._announce_trust_change() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'clerk_announce_trust_change';
COMMENT ON FUNCTION clerk._announce_trust_change() IS 'internal: makes every backend read instances and keys again';

CREATE TRIGGER announce_trust_change
    AFTER INSERT OR UPDATE OR DELETE ON clerk.instances
    FOR EACH ROW EXECUTE FUNCTION clerk._announce_trust_change();
CREATE TRIGGER announce_truncation
    AFTER TRUNCATE ON clerk.instances
    FOR EACH STATEMENT EXECUTE FUNCTION clerk._announce_trust_change();
ALTER TABLE clerk.instances ENABLE ALWAYS TRIGGER announce_trust_change;
ALTER TABLE clerk.instances ENABLE ALWAYS TRIGGER announce_truncation;
CREATE TRIGGER announce_trust_change
    AFTER INSERT OR UPDATE OR DELETE ON clerk.signing_keys
    FOR EACH ROW EXECUTE FUNCTION clerk._announce_trust_change();
CREATE TRIGGER announce_truncation
    AFTER TRUNCATE ON clerk.signing_keys
    FOR EACH STATEMENT EXECUTE FUNCTION clerk._announce_trust_change();
ALTER TABLE clerk.signing_keys ENABLE ALWAYS TRIGGER announce_trust_change;
ALTER TABLE clerk.signing_keys ENABLE ALWAYS TRIGGER announce_truncation;
COMMENT ON TRIGGER announce_trust_change ON clerk.instances IS 'internal: a changed row tells every backend';
COMMENT ON TRIGGER announce_truncation ON clerk.instances IS 'internal: a truncation tells every backend';
COMMENT ON TRIGGER announce_trust_change ON clerk.signing_keys IS 'internal: a changed row tells every backend';
COMMENT ON TRIGGER announce_truncation ON clerk.signing_keys IS 'internal: a truncation tells every backend';

SELECT pg_catalog.pg_extension_config_dump('clerk.instances', '');
SELECT pg_catalog.pg_extension_config_dump('clerk.signing_keys', '');
