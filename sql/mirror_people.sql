-- What Clerk's webhooks leave here: users, their sessions and subscriptions. No foreign keys between these tables: anything
-- may come first, a deletion before its object too. Of a tombstone no more may be known than its id.

CREATE TABLE clerk.users (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL DEFAULT '',
    external_id text,
    username text,
    first_name text,
    last_name text,
    primary_email_address text,
    primary_email_address_verified boolean,
    primary_phone_number text,
    primary_phone_number_verified boolean,
    primary_web3_wallet text,
    image_url text,
    has_image boolean,
    locale text,
    banned boolean,
    locked boolean,
    deprovisioned boolean,
    password_enabled boolean,
    two_factor_enabled boolean,
    last_sign_in_at timestamptz,
    last_active_at timestamptz,
    legal_accepted_at timestamptz,
    public_metadata jsonb,
    private_metadata jsonb,
    unsafe_metadata jsonb,
    created_at timestamptz,
    updated_at timestamptz,
    event_at timestamptz,
    deleted_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    data jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(data) = 'object'),
    CONSTRAINT users_is_whole CHECK (deleted_at IS NOT NULL OR (updated_at IS NOT NULL))
);
COMMENT ON TABLE clerk.users IS 'Users, as Clerk sent them last; one row a user';
COMMENT ON COLUMN clerk.users.id IS 'user_...';
COMMENT ON COLUMN clerk.users.external_id IS 'the application''s own id of the user';
COMMENT ON COLUMN clerk.users.username IS 'user name';
COMMENT ON COLUMN clerk.users.first_name IS 'first name';
COMMENT ON COLUMN clerk.users.last_name IS 'last name';
COMMENT ON COLUMN clerk.users.primary_email_address IS 'the e-mail address that Clerk calls primary, never simply the first one';
COMMENT ON COLUMN clerk.users.primary_email_address_verified IS 'whether that address was verified';
COMMENT ON COLUMN clerk.users.primary_phone_number IS 'the primary phone number';
COMMENT ON COLUMN clerk.users.primary_phone_number_verified IS 'whether that number was verified';
COMMENT ON COLUMN clerk.users.primary_web3_wallet IS 'the primary wallet';
COMMENT ON COLUMN clerk.users.image_url IS 'address of the image';
COMMENT ON COLUMN clerk.users.has_image IS 'whether the image is the user''s own';
COMMENT ON COLUMN clerk.users.locale IS 'language, such as en-US';
COMMENT ON COLUMN clerk.users.banned IS 'banned by an administrator; NULL where Clerk did not say';
COMMENT ON COLUMN clerk.users.locked IS 'locked after too many failed attempts';
COMMENT ON COLUMN clerk.users.deprovisioned IS 'taken away by the directory of an enterprise';
COMMENT ON COLUMN clerk.users.password_enabled IS 'whether a password is set';
COMMENT ON COLUMN clerk.users.two_factor_enabled IS 'whether a second factor is set up';
COMMENT ON COLUMN clerk.users.last_sign_in_at IS 'last sign-in';
COMMENT ON COLUMN clerk.users.last_active_at IS 'last activity, to the day or so';
COMMENT ON COLUMN clerk.users.legal_accepted_at IS 'when the terms were accepted';
COMMENT ON COLUMN clerk.users.public_metadata IS 'metadata that the user can read';
COMMENT ON COLUMN clerk.users.private_metadata IS 'metadata for the backend alone';
COMMENT ON COLUMN clerk.users.unsafe_metadata IS 'metadata that the user can write: never a ground for a right';
COMMENT ON COLUMN clerk.users.created_at IS 'when the user was created';
CREATE INDEX users_email ON clerk.users (pg_catalog.lower(primary_email_address));
COMMENT ON INDEX clerk.users_email IS 'users by primary e-mail address';
CREATE INDEX users_external_id ON clerk.users (external_id);
COMMENT ON INDEX clerk.users_external_id IS 'users by the application''s own id';
CREATE INDEX users_username ON clerk.users (username);
COMMENT ON INDEX clerk.users_username IS 'users by user name';
CREATE INDEX users_deleted ON clerk.users (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON INDEX clerk.users_deleted IS 'tombstones by age';
SELECT pg_catalog.pg_extension_config_dump('clerk.users', '');

CREATE TABLE clerk.sessions (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL DEFAULT '',
    user_id text,
    client_id text,
    status text,
    actor jsonb,
    last_active_organization_id text,
    last_active_at timestamptz,
    expire_at timestamptz,
    abandon_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    event_at timestamptz,
    deleted_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    data jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(data) = 'object'),
    CONSTRAINT sessions_is_whole CHECK (deleted_at IS NOT NULL OR (user_id IS NOT NULL AND status IS NOT NULL AND updated_at IS NOT NULL))
);
COMMENT ON TABLE clerk.sessions IS 'Sessions of users, where the instance mirrors them; one row a session';
COMMENT ON COLUMN clerk.sessions.id IS 'sess_...';
COMMENT ON COLUMN clerk.sessions.user_id IS 'user_...';
COMMENT ON COLUMN clerk.sessions.client_id IS 'the browser or device';
COMMENT ON COLUMN clerk.sessions.status IS 'active, pending, revoked, ended, expired, removed, abandoned or replaced';
COMMENT ON COLUMN clerk.sessions.actor IS 'who acts as the user, with sub at least; NULL for the user';
COMMENT ON COLUMN clerk.sessions.last_active_organization_id IS 'the organization that was active last';
COMMENT ON COLUMN clerk.sessions.last_active_at IS 'last activity';
COMMENT ON COLUMN clerk.sessions.expire_at IS 'when it expires';
COMMENT ON COLUMN clerk.sessions.abandon_at IS 'when it is abandoned';
COMMENT ON COLUMN clerk.sessions.created_at IS 'when it began';
CREATE INDEX sessions_user ON clerk.sessions (user_id);
COMMENT ON INDEX clerk.sessions_user IS 'sessions of a user';
CREATE INDEX sessions_deleted ON clerk.sessions (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON INDEX clerk.sessions_deleted IS 'tombstones by age';
SELECT pg_catalog.pg_extension_config_dump('clerk.sessions', '');

CREATE TABLE clerk.subscriptions (
    id text PRIMARY KEY CHECK (id <> ''),
    instance_id text NOT NULL DEFAULT '',
    status text,
    payer_id text,
    user_id text,
    organization_id text,
    active_plans text[],
    items jsonb,
    active_at timestamptz,
    canceled_at timestamptz,
    ended_at timestamptz,
    past_due_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    event_at timestamptz,
    deleted_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    data jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(data) = 'object'),
    CONSTRAINT subscriptions_is_whole CHECK (deleted_at IS NOT NULL OR (status IS NOT NULL AND updated_at IS NOT NULL))
);
COMMENT ON TABLE clerk.subscriptions IS 'Subscriptions of users and organizations to plans; one row a subscription';
COMMENT ON COLUMN clerk.subscriptions.id IS 'csub_...';
COMMENT ON COLUMN clerk.subscriptions.status IS 'active, past_due, canceled, ended, abandoned or incomplete';
COMMENT ON COLUMN clerk.subscriptions.payer_id IS 'who pays';
COMMENT ON COLUMN clerk.subscriptions.user_id IS 'the user that the payer is';
COMMENT ON COLUMN clerk.subscriptions.organization_id IS 'the organization that the payer is';
COMMENT ON COLUMN clerk.subscriptions.active_plans IS 'slugs of the plans of items that are active';
COMMENT ON COLUMN clerk.subscriptions.items IS 'what is subscribed to: an array of objects with id, status, plan_id, plan_slug, is_free_trial, period_start, period_end';
COMMENT ON COLUMN clerk.subscriptions.active_at IS 'when it became active';
COMMENT ON COLUMN clerk.subscriptions.canceled_at IS 'when it was cancelled';
COMMENT ON COLUMN clerk.subscriptions.ended_at IS 'when it ended';
COMMENT ON COLUMN clerk.subscriptions.past_due_at IS 'since when payment is due';
COMMENT ON COLUMN clerk.subscriptions.created_at IS 'when it was made';
CREATE INDEX subscriptions_user ON clerk.subscriptions (user_id);
COMMENT ON INDEX clerk.subscriptions_user IS 'subscriptions of a user';
CREATE INDEX subscriptions_organization ON clerk.subscriptions (organization_id);
COMMENT ON INDEX clerk.subscriptions_organization IS 'subscriptions of an organization';
CREATE INDEX subscriptions_payer ON clerk.subscriptions (payer_id);
COMMENT ON INDEX clerk.subscriptions_payer IS 'subscriptions of a payer';
CREATE INDEX subscriptions_deleted ON clerk.subscriptions (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON INDEX clerk.subscriptions_deleted IS 'tombstones by age';
SELECT pg_catalog.pg_extension_config_dump('clerk.subscriptions', '');
