-- First nobody, then as few as needed.
REVOKE ALL ON ALL TABLES IN SCHEMA clerk FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA clerk FROM PUBLIC;

REVOKE ALL ON FUNCTION clerk_webhook(json) FROM PUBLIC;

-- Nor whoever the installing role's default privileges give something to.
DO $body$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT DISTINCT o.kind, o.name, a.grantee
        FROM pg_catalog.pg_extension AS e
            JOIN pg_catalog.pg_depend AS d
                ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
            CROSS JOIN LATERAL (
                SELECT 'SCHEMA' AS kind, n.oid::regnamespace::text AS name, n.nspowner AS owner, n.nspacl AS acl
                FROM pg_catalog.pg_namespace AS n WHERE d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
                UNION ALL
                SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, c.relowner, c.relacl
                FROM pg_catalog.pg_class AS c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
                UNION ALL
                SELECT 'ROUTINE', p.oid::regprocedure::text, p.proowner, p.proacl
                FROM pg_catalog.pg_proc AS p WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid
                UNION ALL
                SELECT 'TYPE', t.oid::regtype::text, t.typowner, t.typacl
                FROM pg_catalog.pg_type AS t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid
            ) AS o
            CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS a
        WHERE e.extname = 'clerk_sync' AND a.grantee <> o.owner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', given.kind, given.name,
            CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END);
    END LOOP;
END
$body$;

GRANT USAGE ON SCHEMA clerk TO clerk_admin;
-- The two ways to receive, and nothing else: no table and no other function is open to it.
GRANT USAGE ON SCHEMA clerk TO clerk_webhook;
GRANT EXECUTE ON FUNCTION clerk_webhook(json), clerk.receive_webhook(jsonb, text) TO clerk_webhook;
GRANT SELECT ON clerk.instances, clerk.signing_keys, clerk.policies, clerk.webhook_events, clerk.users,
    clerk.organizations, clerk.organization_memberships, clerk.organization_invitations, clerk.organization_domains,
    clerk.roles, clerk.permissions, clerk.sessions, clerk.subscriptions, clerk.public_profiles, clerk.private_profiles,
    clerk.sync_health, clerk.sync_runs, clerk.sync_findings, clerk.sync_progress
TO clerk_admin;
GRANT EXECUTE ON FUNCTION
    clerk.configure(
        text, text, text, text[], text[], interval, boolean, boolean, boolean, text, interval, interval, boolean),
    clerk.remove_instance(text),
    clerk.add_signing_keys(text, jsonb),
    clerk.remove_signing_key(text, text),
    clerk.refresh_signing_keys(text),
    clerk.inspect_token(text, timestamptz),
    clerk.set_secret(text, text, interval),
    clerk.remove_secret(text),
    clerk.replay(text, timestamptz, text, text),
    clerk._drain(integer),
    clerk._purge(integer),
    clerk.run_maintenance(),
    clerk.refetch(text, text, text),
    clerk.import_json(text, jsonb, text, timestamptz),
    clerk._is_at_work(text),
    clerk.explain_access(regclass, jsonb, text, text),
    clerk._assume_session(jsonb),
    clerk._execute_as_owner(regclass, text),
    clerk._read_as_owner(regclass, text, text),
    clerk._evaluate_clause(integer, text, text),
    clerk._explain_access(regclass, jsonb, text, text, text),
    clerk._find_row(regclass, text),
    clerk._settled_access(regclass, text, name)
TO clerk_admin;

GRANT EXECUTE ON PROCEDURE
    clerk.backfill(text[], boolean, text),
    clerk.reconcile(text[], text, boolean, double precision, text)
TO clerk_admin;

-- With the rights of the caller, who must own the table.
GRANT EXECUTE ON FUNCTION
    clerk.policy_sql(
        regclass, text, text, text, text, text, text, jsonb, jsonb, text, text, text, text, text, text, text, text[], text[],
        text[], boolean, boolean, text, text, text, boolean, text[], boolean, boolean),
    clerk.protect(
        regclass, text, text, text, text, text, text, jsonb, jsonb, text, text, text, text, text, text, text, text[], text[],
        text[], boolean, boolean, text, text, text, boolean, text[], boolean, boolean),
    clerk.unprotect(regclass, text),
    clerk._policy_sql(regclass, jsonb),
    clerk._protect(regclass, jsonb),
    clerk._list_policies(),
    clerk._refuse_change(),
    clerk._stamp_deletion()
TO clerk_admin;

-- The request functions tell a caller about the caller's own token and memberships only, so everybody may ask. Said
-- outright: a database may have revoked the default that gives functions to PUBLIC.
GRANT EXECUTE ON FUNCTION
    clerk_user_id(),
    clerk_org_id(),
    clerk_org_slug(),
    clerk_org_role(),
    clerk_session_id(),
    clerk_actor_id(),
    clerk_claims(),
    clerk_claim(VARIADIC text[]),
    clerk_has_role(text),
    clerk_has_permission(text),
    clerk_has_feature(text),
    clerk_has_plan(text),
    clerk_reverified(text, interval),
    clerk_reverified(text),
    clerk_require_user(),
    clerk_require_role(text),
    clerk_require_permission(text),
    clerk_owns(text),
    clerk_in_org(text),
    clerk_is_member(text),
    clerk_member_org_ids(),
    clerk_member_org_ids(text[]),
    clerk_has_role_in(text, text),
    clerk_ensure_user(),
    clerk_ensure_user_trigger()
TO PUBLIC;
