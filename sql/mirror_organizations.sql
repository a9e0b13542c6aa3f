-- What Clerk's webhooks leave here: organizations and what belongs to them; memberships are in memberships.sql.

CREATE TABLE clerk.organizations (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL DEFAULT '',
    name text,
    slug text,
    image_url text,
    has_image boolean,
    max_allowed_memberships bigint,
    members_count bigint,
    admin_delete_enabled boolean,
    created_by text,
    public_metadata jsonb,
    private_metadata jsonb,
    created_at timestamptz,
    updated_at timestamptz,
    event_at timestamptz,
    deleted_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    data jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(data) = 'object'),
    CONSTRAINT organizations_is_whole CHECK (deleted_at IS NOT NULL OR (name IS NOT NULL AND updated_at IS NOT NULL))
);
COMMENT ON TABLE clerk.organizations IS 'Organizations, as Clerk sent them last; one row an organization';
COMMENT ON COLUMN clerk.organizations.id IS 'org_...';
COMMENT ON COLUMN clerk.organizations.name IS 'name';
COMMENT ON COLUMN clerk.organizations.slug IS 'name in addresses; an instance may have none';
COMMENT ON COLUMN clerk.organizations.image_url IS 'address of the image';
COMMENT ON COLUMN clerk.organizations.has_image IS 'whether the image is the organization''s own';
COMMENT ON COLUMN clerk.organizations.max_allowed_memberships IS 'the most memberships it may have; 0 is no limit';
COMMENT ON COLUMN clerk.organizations.members_count IS 'how many members it had';
COMMENT ON COLUMN clerk.organizations.admin_delete_enabled IS 'whether its administrators may delete it';
COMMENT ON COLUMN clerk.organizations.created_by IS 'the user who created it';
COMMENT ON COLUMN clerk.organizations.public_metadata IS 'metadata that members can read';
COMMENT ON COLUMN clerk.organizations.private_metadata IS 'metadata for the backend alone';
COMMENT ON COLUMN clerk.organizations.created_at IS 'when it was created';
CREATE INDEX organizations_slug ON clerk.organizations (slug);
COMMENT ON INDEX clerk.organizations_slug IS 'organizations by slug';
CREATE INDEX organizations_deleted ON clerk.organizations (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON INDEX clerk.organizations_deleted IS 'tombstones by age';
SELECT pg_catalog.pg_extension_config_dump('clerk.organizations', '');

CREATE TABLE clerk.organization_invitations (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL DEFAULT '',
    organization_id text,
    email_address text,
    role text,
    role_name text,
    status text,
    inviter_id text,
    user_id text,
    public_metadata jsonb,
    private_metadata jsonb,
    expires_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    event_at timestamptz,
    deleted_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    data jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(data) = 'object'),
    CONSTRAINT organization_invitations_is_whole CHECK (deleted_at IS NOT NULL OR (email_address IS NOT NULL AND role IS NOT NULL AND updated_at IS NOT NULL))
);
COMMENT ON TABLE clerk.organization_invitations IS 'Invitations to organizations; one row an invitation';
COMMENT ON COLUMN clerk.organization_invitations.id IS 'orginv_...';
COMMENT ON COLUMN clerk.organization_invitations.organization_id IS 'org_...';
COMMENT ON COLUMN clerk.organization_invitations.email_address IS 'who is invited';
COMMENT ON COLUMN clerk.organization_invitations.role IS 'key of the role that the invited will have, as Clerk wrote it';
COMMENT ON COLUMN clerk.organization_invitations.role_name IS 'name of that role';
COMMENT ON COLUMN clerk.organization_invitations.status IS 'pending, accepted, revoked or expired';
COMMENT ON COLUMN clerk.organization_invitations.inviter_id IS 'the user who invited';
COMMENT ON COLUMN clerk.organization_invitations.user_id IS 'the user who accepted';
COMMENT ON COLUMN clerk.organization_invitations.public_metadata IS 'metadata that the membership will have';
COMMENT ON COLUMN clerk.organization_invitations.private_metadata IS 'metadata for the backend alone';
COMMENT ON COLUMN clerk.organization_invitations.expires_at IS 'when it expires';
COMMENT ON COLUMN clerk.organization_invitations.created_at IS 'when it was made';
CREATE INDEX organization_invitations_organization ON clerk.organization_invitations (organization_id);
COMMENT ON INDEX clerk.organization_invitations_organization IS 'invitations of an organization';
CREATE INDEX organization_invitations_user ON clerk.organization_invitations (user_id);
COMMENT ON INDEX clerk.organization_invitations_user IS 'invitations that a user accepted';
CREATE INDEX organization_invitations_email ON clerk.organization_invitations (pg_catalog.lower(email_address));
COMMENT ON INDEX clerk.organization_invitations_email IS 'invitations of an address';
CREATE INDEX organization_invitations_deleted ON clerk.organization_invitations (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON INDEX clerk.organization_invitations_deleted IS 'tombstones by age';
SELECT pg_catalog.pg_extension_config_dump('clerk.organization_invitations', '');

CREATE TABLE clerk.organization_domains (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL DEFAULT '',
    organization_id text,
    name text,
    enrollment_mode text,
    verified boolean,
    ownership_verified boolean,
    affiliation_verified boolean,
    created_at timestamptz,
    updated_at timestamptz,
    event_at timestamptz,
    deleted_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    data jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(data) = 'object'),
    CONSTRAINT organization_domains_is_whole CHECK (deleted_at IS NOT NULL OR (organization_id IS NOT NULL AND name IS NOT NULL AND updated_at IS NOT NULL))
);
COMMENT ON TABLE clerk.organization_domains IS 'Domains of organizations; one row a domain';
COMMENT ON COLUMN clerk.organization_domains.id IS 'orgdmn_...';
COMMENT ON COLUMN clerk.organization_domains.organization_id IS 'org_...';
COMMENT ON COLUMN clerk.organization_domains.name IS 'the domain, such as example.com';
COMMENT ON COLUMN clerk.organization_domains.enrollment_mode IS 'how people with an address there join: manual_invitation, automatic_invitation, automatic_suggestion or enterprise_sso';
COMMENT ON COLUMN clerk.organization_domains.verified IS 'whether the domain was verified';
COMMENT ON COLUMN clerk.organization_domains.ownership_verified IS 'whether its ownership was verified';
COMMENT ON COLUMN clerk.organization_domains.affiliation_verified IS 'whether its affiliation was verified';
COMMENT ON COLUMN clerk.organization_domains.created_at IS 'when it was added';
CREATE INDEX organization_domains_organization ON clerk.organization_domains (organization_id);
COMMENT ON INDEX clerk.organization_domains_organization IS 'domains of an organization';
CREATE INDEX organization_domains_name ON clerk.organization_domains (pg_catalog.lower(name));
COMMENT ON INDEX clerk.organization_domains_name IS 'domains by name';
CREATE INDEX organization_domains_deleted ON clerk.organization_domains (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON INDEX clerk.organization_domains_deleted IS 'tombstones by age';
SELECT pg_catalog.pg_extension_config_dump('clerk.organization_domains', '');

CREATE TABLE clerk.roles (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL DEFAULT '',
    key text,
    name text,
    description text,
    is_creator_eligible boolean,
    permissions text[],
    created_at timestamptz,
    updated_at timestamptz,
    event_at timestamptz,
    deleted_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    data jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(data) = 'object'),
    CONSTRAINT roles_is_whole CHECK (deleted_at IS NOT NULL OR (key IS NOT NULL AND updated_at IS NOT NULL))
);
COMMENT ON TABLE clerk.roles IS 'Roles that members of organizations can have; one row a role';
COMMENT ON COLUMN clerk.roles.id IS 'role_...';
COMMENT ON COLUMN clerk.roles.key IS 'org:admin';
COMMENT ON COLUMN clerk.roles.name IS 'name';
COMMENT ON COLUMN clerk.roles.description IS 'description';
COMMENT ON COLUMN clerk.roles.is_creator_eligible IS 'whether the creator of an organization may have it';
COMMENT ON COLUMN clerk.roles.permissions IS 'keys of its permissions';
COMMENT ON COLUMN clerk.roles.created_at IS 'when it was created';
CREATE INDEX roles_key ON clerk.roles (key);
COMMENT ON INDEX clerk.roles_key IS 'roles by key';
CREATE INDEX roles_deleted ON clerk.roles (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON INDEX clerk.roles_deleted IS 'tombstones by age';
SELECT pg_catalog.pg_extension_config_dump('clerk.roles', '');

CREATE TABLE clerk.permissions (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL DEFAULT '',
    key text,
    name text,
    description text,
    type text,
    created_at timestamptz,
    updated_at timestamptz,
    event_at timestamptz,
    deleted_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    data jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(data) = 'object'),
    CONSTRAINT permissions_is_whole CHECK (deleted_at IS NOT NULL OR (key IS NOT NULL AND updated_at IS NOT NULL))
);
COMMENT ON TABLE clerk.permissions IS 'Permissions that roles give; one row a permission';
COMMENT ON COLUMN clerk.permissions.id IS 'perm_...';
COMMENT ON COLUMN clerk.permissions.key IS 'org:invoices:create';
COMMENT ON COLUMN clerk.permissions.name IS 'name';
COMMENT ON COLUMN clerk.permissions.description IS 'description';
COMMENT ON COLUMN clerk.permissions.type IS 'system or user';
COMMENT ON COLUMN clerk.permissions.created_at IS 'when it was created';
CREATE INDEX permissions_key ON clerk.permissions (key);
COMMENT ON INDEX clerk.permissions_key IS 'permissions by key';
CREATE INDEX permissions_deleted ON clerk.permissions (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON INDEX clerk.permissions_deleted IS 'tombstones by age';
SELECT pg_catalog.pg_extension_config_dump('clerk.permissions', '');
