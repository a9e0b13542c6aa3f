-- Who is a member of which organization, for policies that ask beyond the active one, and at once when a
-- member is removed. No foreign keys: a membership may come before its organization or user.
CREATE TABLE clerk.organization_memberships (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL DEFAULT '',
    organization_id text CHECK (organization_id <> ''),
    user_id text CHECK (user_id <> ''),
    role text CHECK (pg_catalog.starts_with(role, 'org:') AND role <> 'org:'),
    role_name text,
    permissions text[] NOT NULL DEFAULT '{}'
        CHECK (pg_catalog.array_position(permissions, NULL) IS NULL),
    public_metadata jsonb,
    private_metadata jsonb,
    created_at timestamptz DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    event_at timestamptz,
    deleted_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    data jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(data) = 'object'),
    -- A deletion may come first, and names not even the two ids always.
    CONSTRAINT organization_memberships_is_whole CHECK (deleted_at IS NOT NULL
        OR (organization_id IS NOT NULL AND user_id IS NOT NULL AND role IS NOT NULL))
);
COMMENT ON TABLE clerk.organization_memberships IS 'Who belongs to which organization, with which role; one row a membership';
COMMENT ON COLUMN clerk.organization_memberships.id IS 'orgmem_...';
COMMENT ON COLUMN clerk.organization_memberships.organization_id IS 'org_...';
COMMENT ON COLUMN clerk.organization_memberships.user_id IS 'user_...';
COMMENT ON COLUMN clerk.organization_memberships.role IS 'role in that organization, with prefix: org:admin';
COMMENT ON COLUMN clerk.organization_memberships.role_name IS 'name of the role';
COMMENT ON COLUMN clerk.organization_memberships.public_metadata IS 'metadata that members can read';
COMMENT ON COLUMN clerk.organization_memberships.private_metadata IS 'metadata for the backend alone';
COMMENT ON COLUMN clerk.organization_memberships.permissions IS 'permissions that the role carries: org:invoices:read';
COMMENT ON COLUMN clerk.organization_memberships.created_at IS 'when the user became a member';

-- All that the functions below ask is in this index alone.
CREATE INDEX organization_memberships_live ON clerk.organization_memberships (user_id, organization_id, role)
    WHERE deleted_at IS NULL;
CREATE INDEX organization_memberships_organization ON clerk.organization_memberships (organization_id);
COMMENT ON INDEX clerk.organization_memberships_live IS 'what a user belongs to';
COMMENT ON INDEX clerk.organization_memberships_organization IS 'who belongs to an organization';
CREATE INDEX organization_memberships_deleted ON clerk.organization_memberships (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON INDEX clerk.organization_memberships_deleted IS 'tombstones by age';

SELECT pg_catalog.pg_extension_config_dump('clerk.organization_memberships', '');

-- Of the signed-in user, from the rows that the statement sees. The table is read with the rights of the function's
-- owner: nobody needs a right on it, and nobody learns of the memberships of others. In C and not as SECURITY DEFINER,
-- which as well as a procedural language would load the library too late in a parallel worker; the statements name
-- every schema, so that no search_path is in play.
CREATE FUNCTION clerk_is_member(org text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'clerk_is_member';
COMMENT ON FUNCTION clerk_is_member(text) IS 'whether the signed-in user belongs to the organization; false, never NULL';

CREATE FUNCTION clerk_member_org_ids() RETURNS text[]
    LANGUAGE c STABLE PARALLEL SAFE COST 1000
    AS 'MODULE_PATHNAME', 'clerk_member_org_ids';
COMMENT ON FUNCTION clerk_member_org_ids() IS 'the organizations that the signed-in user belongs to; an empty array, never NULL';

CREATE FUNCTION clerk_member_org_ids(roles text[]) RETURNS text[]
    LANGUAGE c STABLE PARALLEL SAFE COST 1000
    AS 'MODULE_PATHNAME', 'clerk_member_org_ids_by_role';
COMMENT ON FUNCTION clerk_member_org_ids(text[]) IS 'those in which the signed-in user has one of the roles; the prefix org: is optional';

CREATE FUNCTION clerk_has_role_in(org text, role text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'clerk_has_role_in';
COMMENT ON FUNCTION clerk_has_role_in(text, text) IS 'whether the signed-in user has the role in the organization; the prefix org: is optional';
