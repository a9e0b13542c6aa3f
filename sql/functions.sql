-- What requests and policies call. The C functions answer from the verified session of this backend;
-- STABLE: a statement that changes its own token has both tokens anyway. PARALLEL SAFE: a worker gets the
-- token from its leader and verifies it itself. A NULL argument is no right: false, never NULL.

CREATE FUNCTION clerk_user_id() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_user_id';
COMMENT ON FUNCTION clerk_user_id() IS 'user id (sub) of the verified session; NULL where nobody is signed in';

CREATE FUNCTION clerk_org_id() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_org_id';
COMMENT ON FUNCTION clerk_org_id() IS 'id of the session''s active organization, or NULL';

CREATE FUNCTION clerk_org_slug() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_org_slug';
COMMENT ON FUNCTION clerk_org_slug() IS 'slug of the active organization, or NULL';

CREATE FUNCTION clerk_org_role() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_org_role';
COMMENT ON FUNCTION clerk_org_role() IS 'role in the active organization, with prefix: org:admin; or NULL';

CREATE FUNCTION clerk_session_id() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_session_id';
COMMENT ON FUNCTION clerk_session_id() IS 'id of the Clerk session (sid), or NULL';

CREATE FUNCTION clerk_actor_id() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_actor_id';
COMMENT ON FUNCTION clerk_actor_id() IS 'user id of the impersonator (act.sub), or NULL';

CREATE FUNCTION clerk_claims() RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_claims';
COMMENT ON FUNCTION clerk_claims() IS 'all verified claims, or NULL';

CREATE FUNCTION clerk_claim(VARIADIC path text[]) RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_claim';
COMMENT ON FUNCTION clerk_claim(VARIADIC text[]) IS 'the claim at the path as text, like #>> on the claims; NULL where there is none';

CREATE FUNCTION clerk_has_role(role text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_has_role';
COMMENT ON FUNCTION clerk_has_role(text) IS 'whether the session has the role in its active organization; the prefix org: is optional';

CREATE FUNCTION clerk_has_permission(permission text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_has_permission';
COMMENT ON FUNCTION clerk_has_permission(text) IS 'whether the session has the permission org:feature:permission in its active organization';

CREATE FUNCTION clerk_has_feature(feature text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_has_feature';
COMMENT ON FUNCTION clerk_has_feature(text) IS 'whether the organization or user has the feature; o:x or u:x asks one of them';

CREATE FUNCTION clerk_has_plan(plan text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_has_plan';
COMMENT ON FUNCTION clerk_has_plan(text) IS 'whether the organization or user has the plan; o:x or u:x asks one of them';

CREATE FUNCTION clerk_reverified(level text, within interval) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_reverified';
COMMENT ON FUNCTION clerk_reverified(text, interval) IS 'whether first_factor, second_factor or multi_factor was verified less than the interval ago';

CREATE FUNCTION clerk_reverified(preset text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_reverified_preset';
COMMENT ON FUNCTION clerk_reverified(text) IS 'the same for a preset of Clerk: strict_mfa, strict, moderate, lax';

CREATE FUNCTION clerk_require_user() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_require_user';
COMMENT ON FUNCTION clerk_require_user() IS 'the user id; error 42501 where nobody is signed in';

CREATE FUNCTION clerk_require_role(role text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_require_role';
COMMENT ON FUNCTION clerk_require_role(text) IS 'true, or error 42501 without the role';

CREATE FUNCTION clerk_require_permission(permission text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'clerk_require_permission';
COMMENT ON FUNCTION clerk_require_permission(text) IS 'true, or error 42501 without the permission';

-- SQL bodies, parsed here once: the planner inlines them, so that an index on the column still serves.
CREATE FUNCTION clerk_owns(user_id text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN user_id OPERATOR(pg_catalog.=) clerk_user_id();
COMMENT ON FUNCTION clerk_owns(text) IS 'whether the id is the signed-in user''s; inlined into the query';

CREATE FUNCTION clerk_in_org(org_id text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN org_id OPERATOR(pg_catalog.=) clerk_org_id();
COMMENT ON FUNCTION clerk_in_org(text) IS 'whether the id is the active organization''s; inlined into the query';
