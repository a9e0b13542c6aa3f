-- Writes the users in the array $1 (columns, as JSON), each of another id, with their data in the array $2, where they
-- are not older than what is stored. Gives the ids of those written.
INSERT INTO clerk.users AS stored (
    id, instance_id, external_id, username, first_name, last_name, primary_email_address,
    primary_email_address_verified, primary_phone_number, primary_phone_number_verified,
    primary_web3_wallet, image_url, has_image, locale, banned, locked, deprovisioned, password_enabled,
    two_factor_enabled, last_sign_in_at, last_active_at, legal_accepted_at, public_metadata,
    private_metadata, unsafe_metadata, created_at, updated_at, event_at, deleted_at, synced_at, data
)
SELECT
    new.id,
    new.instance_id,
    new.external_id,
    new.username,
    new.first_name,
    new.last_name,
    new.primary_email_address,
    new.primary_email_address_verified,
    new.primary_phone_number,
    new.primary_phone_number_verified,
    new.primary_web3_wallet,
    new.image_url,
    new.has_image,
    new.locale,
    new.banned,
    new.locked,
    new.deprovisioned,
    new.password_enabled,
    new.two_factor_enabled,
    clerk._time(new.last_sign_in_at),
    clerk._time(new.last_active_at),
    clerk._time(new.legal_accepted_at),
    new.public_metadata,
    new.private_metadata,
    new.unsafe_metadata,
    clerk._time(new.created_at),
    clerk._time(new.updated_at),
    clerk._time(new.event_at),
    NULL::timestamptz,
    pg_catalog.clock_timestamp(),
    read.data::jsonb
FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS read (columns, data)
CROSS JOIN LATERAL pg_catalog.jsonb_to_record(read.columns::jsonb) AS new (
    id text, instance_id text, external_id text, username text, first_name text, last_name text,
    primary_email_address text, primary_email_address_verified boolean, primary_phone_number text,
    primary_phone_number_verified boolean, primary_web3_wallet text, image_url text, has_image boolean,
    locale text, banned boolean, locked boolean, deprovisioned boolean, password_enabled boolean,
    two_factor_enabled boolean, last_sign_in_at bigint, last_active_at bigint, legal_accepted_at bigint,
    public_metadata jsonb, private_metadata jsonb, unsafe_metadata jsonb, created_at bigint, updated_at
    bigint, event_at bigint
)
ON CONFLICT (id) DO UPDATE SET
    instance_id = excluded.instance_id,
    external_id = excluded.external_id,
    username = excluded.username,
    first_name = excluded.first_name,
    last_name = excluded.last_name,
    primary_email_address = excluded.primary_email_address,
    primary_email_address_verified = excluded.primary_email_address_verified,
    primary_phone_number = excluded.primary_phone_number,
    primary_phone_number_verified = excluded.primary_phone_number_verified,
    primary_web3_wallet = excluded.primary_web3_wallet,
    image_url = excluded.image_url,
    has_image = excluded.has_image,
    locale = excluded.locale,
    banned = excluded.banned,
    locked = excluded.locked,
    deprovisioned = excluded.deprovisioned,
    password_enabled = excluded.password_enabled,
    two_factor_enabled = excluded.two_factor_enabled,
    last_sign_in_at = excluded.last_sign_in_at,
    last_active_at = excluded.last_active_at,
    legal_accepted_at = excluded.legal_accepted_at,
    public_metadata = excluded.public_metadata,
    private_metadata = excluded.private_metadata,
    unsafe_metadata = excluded.unsafe_metadata,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    event_at = excluded.event_at,
    synced_at = excluded.synced_at,
    data = excluded.data
WHERE stored.deleted_at IS NULL
    AND stored.instance_id IN ('', excluded.instance_id)
    AND (excluded.updated_at, excluded.event_at)
        >= (stored.updated_at, coalesce(stored.event_at, '-infinity'))
RETURNING id
