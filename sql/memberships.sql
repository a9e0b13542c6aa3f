-- Who is a member of which organization, for policies that ask beyond the active one, and at once when a
-- member is removed. No foreign keys: a membership may come before its organization or user.
CREATE TABLE clerk.organization_memberships (
    id text PRIMARY KEY CHECK (id <> ''),
    organization_id text NOT NULL CHECK (organization_id <> ''),
    user_id text NOT NULL CHECK (user_id <> ''),
    role text NOT NULL CHECK (pg_catalog.starts_with(role, 'org:') AND role <> 'org:'),
    permissions text[] NOT NULL DEFAULT '{}'
        CHECK (pg_catalog.array_position(permissions, NULL) IS NULL),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    deleted_at timestamptz
);
COMMENT ON TABLE clerk.organization_memberships IS 'Who belongs to which organization, with which role; one row a membership';
COMMENT ON COLUMN clerk.organization_memberships.id IS 'orgmem_...';
COMMENT ON COLUMN clerk.organization_memberships.organization_id IS 'org_...';
COMMENT ON COLUMN clerk.organization_memberships.user_id IS 'user_...';
COMMENT ON COLUMN clerk.organization_memberships.role IS 'role in that organization, with prefix: org:admin';
COMMENT ON COLUMN clerk.organization_memberships.permissions IS 'permissions that the role carries: org:invoices:read';
COMMENT ON COLUMN clerk.organization_memberships.created_at IS 'when the user became a member';
COMMENT ON COLUMN clerk.organization_memberships.updated_at IS 'when the membership changed last';
COMMENT ON COLUMN clerk.organization_memberships.deleted_at IS 'when the user stopped being a member: the row counts no more; NULL while it lives';

-- All that the functions below ask is in this index alone.
CREATE INDEX organization_memberships_live ON clerk.organization_memberships (user_id, organization_id, role)
    WHERE deleted_at IS NULL;
CREATE INDEX organization_memberships_organization ON clerk.organization_memberships (organization_id);
COMMENT ON INDEX clerk.organization_memberships_live IS 'what a user belongs to';
COMMENT ON INDEX clerk.organization_memberships_organization IS 'who belongs to an organization';

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
