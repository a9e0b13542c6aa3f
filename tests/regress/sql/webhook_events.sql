-- Events of Clerk, received and applied: what is in the tables afterwards.

SELECT clerk.set_secret('webhook_secret', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');

-- Every payload, in the order in which Clerk made them.
\set body `cat "$CLERK_VECTORS/webhook-payloads/role.created.json"`
SELECT testing.deliver('msg_role', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/permission.created.json"`
SELECT testing.deliver('msg_permission', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/user.created.json"`
SELECT testing.deliver('msg_user', :'body');
SELECT testing.deliver('msg_user', :'body') AS delivered_again;
\set body `cat "$CLERK_VECTORS/webhook-payloads/user.created.username-only.json"`
SELECT testing.deliver('msg_user_2', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/session.created.json"`
SELECT testing.deliver('msg_session', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/subscription.active.json"`
SELECT testing.deliver('msg_subscription', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/organization.created.json"`
SELECT testing.deliver('msg_org', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/organizationInvitation.created.json"`
SELECT testing.deliver('msg_invitation', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/organizationDomain.created.json"`
SELECT testing.deliver('msg_domain', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/organizationMembership.created.json"`
SELECT testing.deliver('msg_member', :'body');

SET TimeZone = 'UTC';
SELECT field, content FROM clerk.users AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) ORDER BY o.id, field;
SELECT field, content FROM clerk.organizations AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) ORDER BY o.id, field;
SELECT field, content FROM clerk.organization_memberships AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) ORDER BY o.id, field;
SELECT field, content FROM clerk.organization_invitations AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) ORDER BY o.id, field;
SELECT field, content FROM clerk.organization_domains AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) ORDER BY o.id, field;
SELECT field, content FROM clerk.roles AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) ORDER BY o.id, field;
SELECT field, content FROM clerk.permissions AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) ORDER BY o.id, field;
SELECT field, content FROM clerk.subscriptions AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) ORDER BY o.id, field;
SELECT 'users' AS in, id, data ->> 'object' AS object FROM clerk.users UNION ALL
SELECT 'invitations', id, data ->> 'url' FROM clerk.organization_invitations;
-- Sessions are left out unless the instance mirrors them.
SELECT count(*) FROM clerk.sessions;
SELECT id, type, kind, object_id, event_at, status, attempts, next_attempt_at, applied_at IS NOT NULL AS applied, last_error,
    length(body) > 100 AS body
FROM clerk.webhook_events ORDER BY received_at;

-- Later and earlier states: what is older changes nothing, the same version counts again.
\set body `cat "$CLERK_VECTORS/webhook-payloads/user.updated.json"`
SELECT testing.deliver('msg_user_3', :'body');
SELECT testing.deliver('msg_user_4', :'body') AS same_version;
\set body `cat "$CLERK_VECTORS/webhook-payloads/user.created.json"`
SELECT testing.deliver('msg_user_5', :'body') AS older;
\set body `cat "$CLERK_VECTORS/webhook-payloads/organization.updated.json"`
SELECT testing.deliver('msg_org_2', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/organizationMembership.updated.json"`
SELECT testing.deliver('msg_member_2', :'body');
SELECT id, updated_at, event_at FROM clerk.users ORDER BY id;
SELECT organization_id, user_id, role, updated_at, event_at FROM clerk.organization_memberships;

-- The policy functions see it at once; and the removal of a member.
\set ada `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_2tPgTestUserAAAAAAAAAAAAA1"}'`
SELECT result FROM testing.outcome_as(:'ada', 'SELECT clerk_is_member(''org_2tPgTestOrgAAAAAAAAAAAAAA1'')');
\set body `cat "$CLERK_VECTORS/webhook-payloads/organizationMembership.deleted.json"`
SELECT testing.deliver('msg_member_3', :'body');
SELECT result FROM testing.outcome_as(:'ada', 'SELECT clerk_is_member(''org_2tPgTestOrgAAAAAAAAAAAAAA1'')');
\set body `cat "$CLERK_VECTORS/webhook-payloads/organizationMembership.updated.json"`
SELECT testing.deliver('msg_member_4', :'body') AS too_late;

-- Profiles: everybody's public one, one's own private one, live ones only.
SELECT * FROM clerk.public_profiles ORDER BY id;
SELECT result FROM testing.outcome_as(:'ada', 'SELECT primary_email_address FROM clerk.private_profiles');
SELECT count(*) FROM clerk.private_profiles;

-- Deletions are final and take personal data along, bodies of events too.
\set body `cat "$CLERK_VECTORS/webhook-payloads/user.deleted.json"`
SELECT testing.deliver('msg_user_6', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/user.updated.json"`
SELECT testing.deliver('msg_user_7', :'body') AS too_late;
\set body `cat "$CLERK_VECTORS/webhook-payloads/organization.deleted.json"`
SELECT testing.deliver('msg_org_3', :'body');
SELECT field, content FROM clerk.users AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) WHERE deleted_at IS NOT NULL ORDER BY o.id, field;
SELECT id, name, deleted_at, data FROM clerk.organizations;
SELECT count(*) FROM clerk.public_profiles;
SELECT id, status, body IS NULL AS erased FROM clerk.webhook_events
WHERE object_id ~ 'AAAA1$' ORDER BY received_at;
-- What belonged to them is gone with them, and its personal data.
SELECT id, deleted_at, email_address, role_name, data FROM clerk.organization_invitations;
SELECT id, deleted_at, name, data FROM clerk.organization_domains;
SELECT id, deleted_at, status, data FROM clerk.subscriptions;

-- A deletion before its object; a membership of somebody who is gone is born dead.
SELECT testing.deliver('msg_10', testing.event('user.deleted', '{"id": "user_early", "deleted": true}', 1767225600000));
SELECT testing.deliver('msg_11', testing.event('user.created',
    '{"id": "user_early", "object": "user", "username": "early", "updated_at": 1767225500000}', 1767225600000));
SELECT testing.deliver('msg_12', testing.event('organizationMembership.created', '{"id": "orgmem_dead", "role": "admin",
    "organization": {"id": "org_x"}, "public_user_data": {"user_id": "user_early"}, "permissions": [],
    "created_at": 1767225700000, "updated_at": 1767225700000}', 1767225700000));
-- Old instances' roles have no prefix.
SELECT testing.deliver('msg_13', testing.event('organizationMembership.created', '{"id": "orgmem_old", "role": "admin",
    "organization": {"id": "org_x"}, "public_user_data": {"user_id": "user_x"}, "permissions": [],
    "created_at": 1767225700000, "updated_at": 1767225700000}', 1767225700000));
SELECT id, role, deleted_at, data = '{}' AS erased FROM clerk.organization_memberships WHERE organization_id = 'org_x' ORDER BY id;
-- The deletion of an organization is that of its memberships.
SELECT testing.deliver('msg_14', testing.event('organization.deleted', '{"id": "org_x", "deleted": true}', 1767225800000));
SELECT id, deleted_at FROM clerk.organization_memberships WHERE organization_id = 'org_x' ORDER BY id;

-- Of what is not mirrored, not known or names nothing, the event is kept.
SELECT testing.deliver('msg_20', testing.event('email.created', '{"id": "ema_1"}', 1767225600000));
SELECT testing.deliver('msg_21', testing.event('comet.sighted', 'null', 1767225600000));
SELECT testing.deliver('msg_22', testing.event('user.deleted', '{"deleted": true}', 1767225600000));
SELECT id, type, kind, status FROM clerk.webhook_events WHERE id IN ('msg_20', 'msg_21', 'msg_22') ORDER BY id;

-- Sessions, where the instance mirrors them: without the copy of the user.
BEGIN;
UPDATE clerk.instances SET mirror_sessions = true;
\set body `cat "$CLERK_VECTORS/webhook-payloads/session.created.json" | sed "s/ins_2tPgClerkExtensionTestKey01/ins_test/; s/user_2tPg[0-9A-Za-z]*/user_signed_in/g"`
SELECT testing.deliver('msg_30', :'body');
\set body `cat "$CLERK_VECTORS/webhook-payloads/session.revoked.json" | sed "s/ins_2tPgClerkExtensionTestKey01/ins_test/; s/user_2tPg[0-9A-Za-z]*/user_signed_in/g"`
SELECT testing.deliver('msg_31', :'body');
SELECT field, content FROM clerk.sessions AS o, jsonb_each_text(to_jsonb(o) - 'data' - 'synced_at') AS f (field, content) ORDER BY o.id, field;
SELECT data ? 'user' AS user, data ->> 'object' AS object FROM clerk.sessions;
-- With the user it is gone, and one that comes late is born dead.
SELECT testing.deliver('msg_34', testing.event('user.deleted', jsonb_build_object('id', user_id), 1767225700000)) FROM clerk.sessions;
SELECT testing.deliver('msg_35', testing.event('session.created', jsonb_build_object('id', 'sess_late', 'object', 'session', 'status', 'active',
    'user_id', user_id, 'client_id', 'client_1', 'updated_at', 1767225700000), 1767225700000)) FROM clerk.sessions;
SELECT id, deleted_at, status, client_id, actor, data FROM clerk.sessions ORDER BY id;
SELECT id, status, body IS NULL AS erased FROM clerk.webhook_events WHERE id BETWEEN 'msg_30' AND 'msg_35' ORDER BY id;
-- A deletion keeps the data where the instance says so.
UPDATE clerk.instances SET deletion = 'keep';
SELECT testing.deliver('msg_32', testing.event('user.created',
    '{"id": "user_kept", "object": "user", "username": "kept", "updated_at": 1767225500000}', 1767225600000));
SELECT testing.deliver('msg_33', testing.event('user.deleted', '{"id": "user_kept", "deleted": true}', 1767225700000));
SELECT username, deleted_at FROM clerk.users WHERE id = 'user_kept';
SELECT id, body IS NULL AS erased FROM clerk.webhook_events WHERE object_id = 'user_kept' ORDER BY id;
ROLLBACK;

RESET TimeZone;
DELETE FROM clerk.webhook_events;
DELETE FROM clerk.users;
DELETE FROM clerk.organizations;
DELETE FROM clerk.organization_memberships;
DELETE FROM clerk.organization_invitations;
DELETE FROM clerk.organization_domains;
DELETE FROM clerk.roles;
DELETE FROM clerk.permissions;
DELETE FROM clerk.subscriptions;
SELECT clerk.remove_secret('webhook_secret');
