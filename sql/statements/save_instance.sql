INSERT INTO clerk.instances AS instance (
    issuer, publishable_key, environment, frontend_api, jwks_url,
    authorized_parties, audiences, clock_skew, allow_templates, allow_pending,
    deletion, deletion_hold, event_retention, mirror_sessions
)
VALUES (
    $1, $2, $3, $4, coalesce($5, $11),
    coalesce($6, '{}'), coalesce($7, '{}'), coalesce($8, interval '5 seconds'),
    coalesce($9, false), coalesce($10, false),
    coalesce($12, 'erase'), coalesce($13, interval '30 days'), coalesce($14, interval '30 days'), coalesce($15, false)
)
ON CONFLICT (issuer) DO UPDATE SET
    publishable_key = excluded.publishable_key,
    environment = excluded.environment,
    frontend_api = excluded.frontend_api,
    jwks_url = coalesce($5, instance.jwks_url),
    authorized_parties = coalesce($6, instance.authorized_parties),
    audiences = coalesce($7, instance.audiences),
    clock_skew = coalesce($8, instance.clock_skew),
    allow_templates = coalesce($9, instance.allow_templates),
    allow_pending = coalesce($10, instance.allow_pending),
    deletion = coalesce($12, instance.deletion),
    deletion_hold = coalesce($13, instance.deletion_hold),
    event_retention = coalesce($14, instance.event_retention),
    mirror_sessions = coalesce($15, instance.mirror_sessions),
    updated_at = pg_catalog.clock_timestamp()
RETURNING xmax = 0
