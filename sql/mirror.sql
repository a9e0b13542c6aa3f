-- What the mirrored tables have in common, and what people may see of them.

DO $body$
DECLARE
    mirrored text;
BEGIN
    FOREACH mirrored IN ARRAY '{users,organizations,organization_memberships,organization_invitations,organization_domains,
        roles,permissions,sessions,subscriptions}'::text[] LOOP
        EXECUTE pg_catalog.format($statement$
            COMMENT ON COLUMN clerk.%1$I.instance_id IS 'the Clerk instance, ins_...; empty where it is not known';
            COMMENT ON COLUMN clerk.%1$I.updated_at IS 'when it was changed last, by Clerk: the first part of its version';
            COMMENT ON COLUMN clerk.%1$I.event_at IS 'when Clerk made the event that told so: the second part of its version';
            COMMENT ON COLUMN clerk.%1$I.deleted_at IS 'when it was deleted: a tombstone, which no event revives; NULL while it lives';
            COMMENT ON COLUMN clerk.%1$I.synced_at IS 'when the row was written here';
            COMMENT ON COLUMN clerk.%1$I.data IS 'the whole object, as Clerk sent it';
        $statement$, mirrored);
    END LOOP;
END
$body$;
COMMENT ON COLUMN clerk.sessions.data IS 'the whole object, but for the copy of the user';
COMMENT ON COLUMN clerk.organization_invitations.data IS 'the whole object, but for the copy of the inviter and the address with which it is accepted';

-- Parsed bodies, which the planner inlines.
CREATE FUNCTION clerk._time(millis bigint) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN timestamptz '1970-01-01 00:00:00+00' + millis * interval '1 millisecond';
COMMENT ON FUNCTION clerk._time(bigint) IS 'internal: milliseconds since 1970 as Clerk counts';

-- Clerk's key id is the id of the instance. Where its keys are not there, nothing may be lost that a configured instance
-- keeps: what one of them asks for is done.
CREATE FUNCTION clerk._erases(instance text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce((
        SELECT pg_catalog.bool_or(i.deletion <> 'keep')
        FROM clerk.signing_keys AS k JOIN clerk.instances AS i ON i.issuer = k.issuer
        WHERE k.kid = instance), (SELECT pg_catalog.bool_and(i.deletion <> 'keep') FROM clerk.instances AS i), true);
COMMENT ON FUNCTION clerk._erases(text) IS 'internal: whether a deletion takes personal data along, for objects of the instance with the id';

CREATE FUNCTION clerk._mirrors_sessions(instance text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce((
        SELECT pg_catalog.bool_or(i.mirror_sessions)
        FROM clerk.signing_keys AS k JOIN clerk.instances AS i ON i.issuer = k.issuer
        WHERE k.kid = instance), (SELECT pg_catalog.bool_or(i.mirror_sessions) FROM clerk.instances AS i), false);
COMMENT ON FUNCTION clerk._mirrors_sessions(text) IS 'internal: whether sessions are stored, for the instance with the id';

-- Granted to nobody. For a request role: GRANT USAGE ON SCHEMA clerk TO authenticated; GRANT SELECT ON
-- clerk.public_profiles, clerk.private_profiles TO authenticated; USAGE opens nothing else in the schema.
CREATE VIEW clerk.public_profiles WITH (security_barrier) AS
    SELECT id, username, first_name, last_name, image_url, public_metadata
    FROM clerk.users WHERE deleted_at IS NULL;
COMMENT ON VIEW clerk.public_profiles IS 'what all who may read this view see of every user: name, image and public metadata';

CREATE VIEW clerk.private_profiles WITH (security_barrier) AS
    SELECT id, external_id, username, first_name, last_name, primary_email_address, primary_email_address_verified,
        primary_phone_number, primary_phone_number_verified, image_url, locale, last_sign_in_at, public_metadata,
        unsafe_metadata, created_at, updated_at
    FROM clerk.users WHERE deleted_at IS NULL AND id = clerk_user_id();
COMMENT ON VIEW clerk.private_profiles IS 'what the signed-in user sees of themselves: one row or none';
