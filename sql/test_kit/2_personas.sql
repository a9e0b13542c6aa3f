CREATE FUNCTION clerk_test._check_tester() RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF NOT pg_has_role(session_user, 'clerk_tester', 'MEMBER') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'only superusers and members of clerk_tester may act as somebody',
            DETAIL = format('The session was opened by %I.', session_user),
            HINT = format('For a role that runs tests only: GRANT clerk_tester TO %I.', session_user);
    END IF;
END
$body$;
COMMENT ON FUNCTION clerk_test._check_tester() IS 'internal: error 42501 where the session user may not test';

-- With the owner's rights, since the role of the moment has none; a role cannot be set from here.
CREATE FUNCTION clerk_test._assume(claims jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM clerk_test._check_tester();
    PERFORM clerk._assume_session(claims);
END
$body$;
COMMENT ON FUNCTION clerk_test._assume(jsonb) IS 'internal: puts claims into force for a tester; NULL is nobody';

-- asked, else the setting's role, else the usual one where it exists, else the present one.
CREATE FUNCTION clerk_test._take_role(asked text, setting text, usual text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    chosen text := coalesce(asked, nullif(current_setting(setting, true), ''),
        (SELECT r.rolname FROM pg_roles AS r WHERE r.rolname = usual));
BEGIN
    IF chosen IS NOT NULL AND chosen <> 'none' THEN
        PERFORM set_config('role', chosen, true);
    ELSIF (SELECT r.rolsuper OR r.rolbypassrls FROM pg_roles AS r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('role %I is above row security, so that a test would prove nothing', current_user),
            HINT = format('Give as_role, or name the role of requests once: SET %s = ''app''.', setting);
    END IF;
END
$body$;
COMMENT ON FUNCTION clerk_test._take_role(text, text, text) IS 'internal: SET LOCAL ROLE to the role of a persona';

CREATE FUNCTION clerk_test.act_as(
    user_id text,
    org_id text DEFAULT NULL,
    org_role text DEFAULT NULL,
    permissions text[] DEFAULT NULL,
    plan text DEFAULT NULL,
    features text[] DEFAULT NULL,
    factor_ages integer[] DEFAULT NULL,
    pending boolean DEFAULT false,
    actor_id text DEFAULT NULL,
    claims jsonb DEFAULT NULL,
    as_role text DEFAULT NULL
) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    -- Plans and features belong to the organization where there is one; u:x and o:x say it outright.
    scope text := CASE WHEN org_id IS NULL THEN 'u:' ELSE 'o:' END;
BEGIN
    PERFORM clerk_test._check_tester();
    IF user_id IS NULL OR user_id = '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'user_id must not be null or empty',
            HINT = 'clerk_test.act_as_anonymous() acts as nobody.';
    ELSIF org_id IS NULL AND (org_role IS NOT NULL OR permissions IS NOT NULL) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a role and permissions need an organization',
            HINT = 'Give org_id too: both are those of the active organization.';
    ELSIF claims IS NOT NULL AND jsonb_typeof(claims) <> 'object' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'claims must be a JSON object';
    END IF;
    -- The form of version 1, whose permissions are plain texts.
    PERFORM clerk_test._assume(jsonb_strip_nulls(jsonb_build_object(
        'sub', user_id,
        'sid', 'sess_test',
        'org_id', org_id,
        'org_role', CASE WHEN org_role LIKE 'org:%' THEN org_role ELSE 'org:' || org_role END,
        'org_permissions', to_jsonb(permissions),
        'pla', CASE WHEN plan ~ '^[ou]+:' THEN plan ELSE scope || plan END,
        'fea', (SELECT string_agg(CASE WHEN f.name ~ '^[ou]+:' THEN f.name ELSE scope || f.name END, ',' ORDER BY f.place)
            FROM unnest(features) WITH ORDINALITY AS f (name, place)),
        'fva', to_jsonb(factor_ages),
        'sts', CASE WHEN pending THEN 'pending' END,
        'act', CASE WHEN actor_id IS NOT NULL THEN jsonb_build_object('sub', actor_id) END
    )) || coalesce(claims, '{}'));
    PERFORM clerk_test._take_role(as_role, 'clerk_test.request_role', 'authenticated');
END
$body$;
COMMENT ON FUNCTION clerk_test.act_as(text, text, text, text[], text, text[], integer[], boolean, text, jsonb, text) IS
    'acts as a person until the transaction ends or is rolled back, without a token: the session, and the database role of requests';

CREATE FUNCTION clerk_test.act_as_anonymous(as_role text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM clerk_test._assume(NULL);
    PERFORM clerk_test._take_role(as_role, 'clerk_test.anonymous_role', 'anon');
END
$body$;
COMMENT ON FUNCTION clerk_test.act_as_anonymous(text) IS
    'acts as nobody, whatever token the transaction carries, in the role of requests without a token';

CREATE FUNCTION clerk_test.act_as_service(as_role text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    chosen text := coalesce(as_role, nullif(current_setting('clerk_test.service_role', true), ''),
        (SELECT r.rolname FROM pg_roles AS r WHERE r.rolname = 'service_role'));
BEGIN
    PERFORM clerk_test._assume(NULL);
    IF chosen IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'there is no role service_role',
            HINT = 'Give as_role, or name the role once: SET clerk_test.service_role = ''worker''.';
    END IF;
    PERFORM set_config('role', chosen, true);
END
$body$;
COMMENT ON FUNCTION clerk_test.act_as_service(text) IS 'acts as a server''s own role: nobody is signed in';

CREATE FUNCTION clerk_test.stop() RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM clerk_test._check_tester();
    PERFORM set_config('clerk_sync.token', '', true);
    PERFORM set_config('role', 'none', true);
END
$body$;
COMMENT ON FUNCTION clerk_test.stop() IS 'acts as nobody in particular again: no session, and the role that logged in';

-- Parsed here once: clerk_sync may live in any schema.
CREATE FUNCTION clerk_test.whoami() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.concat_ws(', ',
        COALESCE('user ' OPERATOR(pg_catalog.||) clerk_user_id(), 'nobody'),
        'organization ' OPERATOR(pg_catalog.||) clerk_org_id(),
        'role ' OPERATOR(pg_catalog.||) clerk_org_role(),
        'impersonated by ' OPERATOR(pg_catalog.||) clerk_actor_id(),
        'database role ' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(current_user));
COMMENT ON FUNCTION clerk_test.whoami() IS 'the persona of the moment in one line';
