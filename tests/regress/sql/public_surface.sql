-- Everything the extension brings into a database, and what everybody may do with it. A change here is a change
-- for the people who use it.

-- Its objects. The types of rows and arrays come with their tables.
SELECT object
FROM pg_depend, pg_describe_object(classid, objid, objsubid) AS object
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'clerk_sync')
    AND NOT (classid = 'pg_type'::regclass
        AND EXISTS (SELECT FROM pg_type WHERE oid = objid AND (typtype = 'c' OR typcategory = 'A')))
ORDER BY object;

-- What is the same for each function of a kind.
CREATE VIEW testing.functions AS
SELECT pg_proc.*, pg_proc.oid::regprocedure::text AS signature
FROM pg_proc
WHERE oid IN (
    SELECT objid FROM pg_depend
    WHERE classid = 'pg_proc'::regclass AND refclassid = 'pg_extension'::regclass AND deptype = 'e'
        AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'clerk_sync')
);

-- Functions: volatility (i, s, v), parallel safety (s, r, u), what they return and who but the owner may call them.
SELECT signature,
    pg_get_function_result(functions.oid) AS result,
    lanname AS language, provolatile AS v, proparallel AS p, proisstrict AS strict, prosecdef AS definer,
    proleakproof AS leakproof,
    (SELECT string_agg(CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, ', ')
     FROM aclexplode(proacl) WHERE grantee <> proowner) AS callers
FROM testing.functions AS functions JOIN pg_language ON pg_language.oid = prolang
ORDER BY pronamespace::regnamespace::text DESC, signature;

-- The names and defaults of parameters are used in calls.
SELECT proname, pg_get_function_arguments(oid) AS arguments
FROM testing.functions WHERE pronargs > 0 ORDER BY signature;

-- A function that runs with the owner's rights has a search_path of its own; one in SQL is parsed already. So
-- these are none.
SELECT signature FROM testing.functions
WHERE prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);
SELECT signature FROM testing.functions
WHERE prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql') AND prosqlbody IS NULL;
-- A request function with settings of its own could not be inlined and would be slow: none.
SELECT signature FROM testing.functions
WHERE pronamespace <> 'clerk'::regnamespace AND (proconfig IS NOT NULL OR prosecdef);

-- Each schema, table, view and function says what it is for: these are none.
SELECT pg_describe_object(classid, objid, objsubid) AS without_comment
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'clerk_sync')
    AND classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_namespace'::regclass)
    AND obj_description(objid, classid::regclass::name) IS NULL
ORDER BY 1;

-- Tables: columns, constraints, triggers, and the rights of others than the owner.
SELECT attrelid::regclass AS "table", attname AS "column", format_type(atttypid, atttypmod) AS type,
    attnotnull AS not_null, pg_get_expr(adbin, adrelid) AS "default"
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid IN ('clerk.instances'::regclass, 'clerk.signing_keys'::regclass, 'clerk.organization_memberships'::regclass,
        'clerk.users'::regclass, 'clerk.webhook_events'::regclass, 'clerk.secrets'::regclass) AND attnum > 0
ORDER BY attrelid::regclass::text, attnum;
SELECT conrelid::regclass AS "table", pg_get_constraintdef(oid) AS "constraint"
FROM pg_constraint WHERE connamespace = 'clerk'::regnamespace AND contype <> 'n'
ORDER BY 1, 2;
SELECT indexrelid::regclass AS index, pg_get_indexdef(indexrelid) AS definition
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE relnamespace = 'clerk'::regnamespace AND NOT indisunique ORDER BY indexrelid::regclass::text;
SELECT pg_get_triggerdef(oid) AS trigger, tgenabled AS enabled
FROM pg_trigger
WHERE tgrelid IN ('clerk.instances'::regclass, 'clerk.signing_keys'::regclass) AND NOT tgisinternal
ORDER BY 1;
SELECT oid::regclass AS "table", grantee::regrole, privilege_type
FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'clerk'::regnamespace AND grantee <> relowner
ORDER BY 1, 2, 3;
SELECT nspname, grantee::regrole, privilege_type
FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'clerk' AND grantee <> nspowner;

-- pg_dump takes the rows of these along.
SELECT unnest(extconfig)::regclass AS dumped FROM pg_extension WHERE extname = 'clerk_sync' ORDER BY 1;

-- Settings. All that decide trust belong to superusers; clerk_sync.token, which any role may set, is not shown.
SELECT clerk_user_id() IS NULL AS library_is_loaded;
SELECT name, vartype, context, boot_val, unit, enumvals FROM pg_settings
WHERE name LIKE 'clerk\_sync.%' ORDER BY name;

DROP VIEW testing.functions;
