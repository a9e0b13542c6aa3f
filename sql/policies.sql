-- Policies from one line. The options of a template become one jsonb, which core/src/policy reads. All of it runs
-- with the rights of the caller, who must own the table.

CREATE FUNCTION clerk._policy_sql(target regclass, options jsonb) RETURNS SETOF text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'policy_sql_wrapper';
COMMENT ON FUNCTION clerk._policy_sql(regclass, jsonb) IS 'internal: clerk.policy_sql() with its options as JSON';

CREATE FUNCTION clerk._protect(target regclass, options jsonb) RETURNS TABLE (change text, statement text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'protect_wrapper';
COMMENT ON FUNCTION clerk._protect(regclass, jsonb) IS 'internal: clerk.protect() with its options as JSON';

CREATE FUNCTION clerk.policy_sql(
    target regclass,
    template text,
    owner_column text DEFAULT NULL,
    org_column text DEFAULT NULL,
    organization text DEFAULT NULL,
    role text DEFAULT NULL,
    permission text DEFAULT NULL,
    roles jsonb DEFAULT NULL,
    permissions jsonb DEFAULT NULL,
    plan text DEFAULT NULL,
    feature text DEFAULT NULL,
    reverification text DEFAULT NULL,
    via text DEFAULT NULL,
    predicate text DEFAULT NULL,
    and_where text DEFAULT NULL,
    or_where text DEFAULT NULL,
    commands text[] DEFAULT NULL,
    to_roles text[] DEFAULT NULL,
    read_to_roles text[] DEFAULT NULL,
    restrictive boolean DEFAULT NULL,
    force boolean DEFAULT NULL,
    prefix text DEFAULT NULL,
    soft_delete text DEFAULT NULL,
    indexes text DEFAULT NULL,
    set_defaults boolean DEFAULT NULL,
    immutable text[] DEFAULT NULL,
    grants boolean DEFAULT NULL,
    wrap boolean DEFAULT NULL
) RETURNS SETOF text
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT clerk._policy_sql(target, pg_catalog.jsonb_build_object(
        'template', template, 'owner_column', owner_column, 'org_column', org_column,
        'organization', organization, 'role', role, 'permission', permission, 'roles', roles,
        'permissions', permissions, 'plan', plan, 'feature', feature, 'reverification', reverification,
        'via', via, 'predicate', predicate, 'and_where', and_where, 'or_where', or_where,
        'commands', commands, 'to_roles', to_roles, 'read_to_roles', read_to_roles,
        'restrictive', restrictive, 'force', force, 'prefix', prefix, 'soft_delete', soft_delete,
        'indexes', indexes, 'set_defaults', set_defaults, 'immutable', immutable, 'grants', grants,
        'wrap', wrap
    ));
END;
COMMENT ON FUNCTION clerk.policy_sql(regclass, text, text, text, text, text, text, jsonb, jsonb, text, text, text, text, text, text, text, text[], text[], text[], boolean, boolean, text, text, text, boolean, text[], boolean, boolean) IS
    'the statements that protect a table by a template, a statement a row; run them in one transaction';

CREATE FUNCTION clerk.protect(
    target regclass,
    template text,
    owner_column text DEFAULT NULL,
    org_column text DEFAULT NULL,
    organization text DEFAULT NULL,
    role text DEFAULT NULL,
    permission text DEFAULT NULL,
    roles jsonb DEFAULT NULL,
    permissions jsonb DEFAULT NULL,
    plan text DEFAULT NULL,
    feature text DEFAULT NULL,
    reverification text DEFAULT NULL,
    via text DEFAULT NULL,
    predicate text DEFAULT NULL,
    and_where text DEFAULT NULL,
    or_where text DEFAULT NULL,
    commands text[] DEFAULT NULL,
    to_roles text[] DEFAULT NULL,
    read_to_roles text[] DEFAULT NULL,
    restrictive boolean DEFAULT NULL,
    force boolean DEFAULT NULL,
    prefix text DEFAULT NULL,
    soft_delete text DEFAULT NULL,
    indexes text DEFAULT NULL,
    set_defaults boolean DEFAULT NULL,
    immutable text[] DEFAULT NULL,
    grants boolean DEFAULT NULL,
    wrap boolean DEFAULT NULL
) RETURNS TABLE (change text, statement text)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT done.change, done.statement
    FROM clerk._protect(target, pg_catalog.jsonb_build_object(
        'template', template, 'owner_column', owner_column, 'org_column', org_column,
        'organization', organization, 'role', role, 'permission', permission, 'roles', roles,
        'permissions', permissions, 'plan', plan, 'feature', feature, 'reverification', reverification,
        'via', via, 'predicate', predicate, 'and_where', and_where, 'or_where', or_where,
        'commands', commands, 'to_roles', to_roles, 'read_to_roles', read_to_roles,
        'restrictive', restrictive, 'force', force, 'prefix', prefix, 'soft_delete', soft_delete,
        'indexes', indexes, 'set_defaults', set_defaults, 'immutable', immutable, 'grants', grants,
        'wrap', wrap
    )) AS done;
END;
COMMENT ON FUNCTION clerk.protect(regclass, text, text, text, text, text, text, jsonb, jsonb, text, text, text, text, text, text, text, text[], text[], text[], boolean, boolean, text, text, text, boolean, text[], boolean, boolean) IS
    'protects a table by a template: runs what is missing of clerk.policy_sql() and reports it, nothing where nothing is missing';

CREATE FUNCTION clerk.unprotect(target regclass, prefix text DEFAULT NULL)
    RETURNS TABLE (change text, statement text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'unprotect_wrapper';
COMMENT ON FUNCTION clerk.unprotect(regclass, text) IS
    'takes back what clerk.protect() made, of one prefix or of all; row security stays enabled, so that the table is closed, not open';

CREATE FUNCTION clerk._list_policies() RETURNS TABLE (
    target oid, policy text, prefix text, template text, specification text, status text, detail text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'list_policies_wrapper';
COMMENT ON FUNCTION clerk._list_policies() IS 'internal: the policies that were made here, each compared with its specification';

CREATE VIEW clerk.policies AS
SELECT made.target::regclass AS target,
    made.policy,
    policies.cmd AS command,
    policies.permissive = 'PERMISSIVE' AS permissive,
    policies.roles AS to_roles,
    policies.qual AS using_expression,
    policies.with_check AS check_expression,
    made.prefix,
    made.template,
    made.specification::jsonb AS specification,
    made.status,
    made.detail
FROM clerk._list_policies() AS made
    JOIN pg_catalog.pg_class AS tables ON tables.oid = made.target
    JOIN pg_catalog.pg_namespace AS schemas ON schemas.oid = tables.relnamespace
    LEFT JOIN pg_catalog.pg_policies AS policies
        ON policies.schemaname = schemas.nspname AND policies.tablename = tables.relname AND policies.policyname = made.policy;
COMMENT ON VIEW clerk.policies IS 'policies made by clerk.protect(), with the specification that made them and whether they still are what it makes';
COMMENT ON COLUMN clerk.policies.target IS 'the table';
COMMENT ON COLUMN clerk.policies.policy IS 'name of the policy';
COMMENT ON COLUMN clerk.policies.command IS 'SELECT, INSERT, UPDATE or DELETE; NULL where the policy is missing, as the next four';
COMMENT ON COLUMN clerk.policies.permissive IS 'permissive or restrictive';
COMMENT ON COLUMN clerk.policies.to_roles IS 'roles of the database that it is for';
COMMENT ON COLUMN clerk.policies.using_expression IS 'what must hold of a row that is there';
COMMENT ON COLUMN clerk.policies.check_expression IS 'what must hold of a row that is written';
COMMENT ON COLUMN clerk.policies.prefix IS 'name of its set: the policies made by one call of clerk.protect()';
COMMENT ON COLUMN clerk.policies.template IS 'template of the set';
COMMENT ON COLUMN clerk.policies.specification IS 'all options of the set, defaults filled in';
COMMENT ON COLUMN clerk.policies.status IS 'ok; missing: the policy was dropped; differs: it is another now; incomplete: a trigger, index or default of the set is gone; broken: the specification no longer holds for the table; unknown: it cannot be compared, for want of a privilege, say; disabled: row security is off';
COMMENT ON COLUMN clerk.policies.detail IS 'what is the matter; NULL where nothing is';

-- What policies cannot say, since they never see a row before and after a change at once. Roles that are above row
-- security are above these as well. A trigger on a partition is the partitioned table's, whose policies count.
CREATE FUNCTION clerk._refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF row_security_active(coalesce(pg_partition_root(TG_RELID), TG_RELID)) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('column %I of table %I.%I must not change', TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME),
            DETAIL = 'It says whose the row is.',
            HINT = 'Insert a new row in its place, or protect the table with immutable => ''{}''.';
    END IF;
    RETURN NEW;
END
$body$;
COMMENT ON FUNCTION clerk._refuse_change() IS 'internal: trigger that keeps a column as it is';

-- The time goes through a text with its zone: not every zone that a session may set can be read back.
CREATE FUNCTION clerk._stamp_deletion() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC'
AS $body$
BEGIN
    IF NOT row_security_active(coalesce(pg_partition_root(TG_RELID), TG_RELID)) THEN
        RETURN NEW;
    END IF;
    IF NOT to_jsonb(NEW) ? TG_ARGV[0] THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('column %I of table %I.%I is not there to be stamped', TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME),
            HINT = 'It was renamed: run clerk.protect() with its new name in soft_delete.';
    END IF;
    RETURN jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now()));
END
$body$;
COMMENT ON FUNCTION clerk._stamp_deletion() IS 'internal: trigger that gives a deletion the time of its transaction';
