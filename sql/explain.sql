-- Which policies let a person through, and which do not.

-- Nobody signed these claims. clerk_admin may assume them: whoever adds signing keys can sign any.
CREATE FUNCTION clerk._assume_session(claims jsonb) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'clerk_assume_session';
COMMENT ON FUNCTION clerk._assume_session(jsonb) IS
    'internal: puts claims into force until the transaction ends, without a token; NULL is explicitly nobody';

CREATE FUNCTION clerk._execute_as_owner(target regclass, statement text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT AS 'MODULE_PATHNAME', 'execute_as_owner_wrapper';
COMMENT ON FUNCTION clerk._execute_as_owner(regclass, text) IS
    'internal: runs a statement with the rights of the table''s owner, which the caller must have, and no others';

CREATE FUNCTION clerk._read_as_owner(target regclass, statement text, row_key text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'read_as_owner_wrapper';
COMMENT ON FUNCTION clerk._read_as_owner(regclass, text, text) IS
    'internal: reads a row as text with the rights of the table''s owner, which the caller must have; FORCE ROW LEVEL SECURITY does not hold';

CREATE FUNCTION clerk._evaluate_clause(place integer, found_row text, request_path text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT AS 'MODULE_PATHNAME', 'evaluate_clause_wrapper';
COMMENT ON FUNCTION clerk._evaluate_clause(integer, text, text) IS
    'internal: calls pg_temp.clerk_explain_N for a row in a restricted operation, on the path of requests';

-- The row as text, which the row's type reads back. A key's type from elsewhere than pg_catalog may have
-- operators that the fixed search_path does not find: such keys are compared as text. Texts by format(), which
-- calls the output functions of types: a cast may be the owner's.
CREATE FUNCTION clerk._find_row(target regclass, row_key text) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    table_name text;
    conditions text;
    key_columns integer;
    found_row text;
BEGIN
    SELECT format('%I.%I', n.nspname, c.relname) INTO table_name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = target;

    SELECT count(*), string_agg(
        CASE WHEN y.typnamespace = 'pg_catalog'::regnamespace
            THEN format('t.%I = (%s)::%s', a.attname, v.value, format_type(a.atttypid, NULL))
            ELSE format('format(''%%s'', t.%I) = %s', a.attname, v.value) END,
        ' AND ' ORDER BY k.place)
    INTO key_columns, conditions
    FROM pg_index AS i
        CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        JOIN pg_type AS y ON y.oid = a.atttypid
        CROSS JOIN LATERAL (SELECT CASE WHEN i.indnkeyatts = 1 THEN '$1'
            ELSE format('($1::jsonb ->> %L)', a.attname) END) AS v (value)
    WHERE i.indrelid = target AND i.indisprimary AND k.place <= i.indnkeyatts;
    IF key_columns = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('table %s has no primary key', table_name),
            HINT = 'Add one, or leave row_key out to see which policies there are.';
    END IF;
    IF key_columns > 1 AND (row_key IS NULL OR jsonb_typeof(row_key::jsonb) <> 'object') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'row_key of a composite primary key must be a JSON object',
            HINT = 'Name each column of the key: {"order_id": 1, "line": 2}.';
    END IF;

    found_row := clerk._read_as_owner(target,
        format('SELECT format(''%%s'', t.*) FROM %s AS t WHERE %s', table_name, conditions), row_key);
    IF found_row IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'no_data_found',
            MESSAGE = format('table %s has no row with this key', table_name),
            HINT = 'row_key is the primary key''s value as text, or a JSON object for a composite key.';
    END IF;
    RETURN found_row;
END
$body$;
COMMENT ON FUNCTION clerk._find_row(regclass, text) IS 'internal: the row with a primary key, as the text of its type';

-- Where neither policies nor privileges need to be weighed, what decides. privilege: SELECT, INSERT and so on.
CREATE FUNCTION clerk._settled_access(
    target regclass, privilege text, asked_role name, OUT allowed boolean, OUT because text
)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    relation record;
    is_above boolean;
BEGIN
    SELECT c.relowner, c.relrowsecurity, c.relforcerowsecurity, n.oid AS schema, n.nspname,
        format('%I.%I', n.nspname, c.relname) AS name
    INTO relation
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = target;
    SELECT r.rolsuper OR r.rolbypassrls INTO is_above FROM pg_roles AS r WHERE r.rolname = asked_role;

    IF NOT has_schema_privilege(asked_role, relation.schema, 'USAGE') THEN
        allowed := false;
        because := format('role %I lacks a privilege: GRANT USAGE ON SCHEMA %I TO %1$I', asked_role, relation.nspname);
    ELSIF NOT (CASE privilege WHEN 'DELETE' THEN has_table_privilege(asked_role, target, privilege)
        ELSE has_any_column_privilege(asked_role, target, privilege) END) THEN
        allowed := false;
        because := format('role %I lacks a privilege: GRANT %s ON %s TO %1$I', asked_role, privilege, relation.name);
    ELSIF NOT relation.relrowsecurity THEN
        allowed := true;
        because := 'row security is off for this table: every row is open to whoever has the privilege';
    ELSIF is_above THEN
        allowed := true;
        because := format('role %I is a superuser or has BYPASSRLS: policies are not asked', asked_role);
    ELSIF pg_has_role(asked_role, relation.relowner, 'USAGE') AND NOT relation.relforcerowsecurity THEN
        allowed := true;
        because := format('role %I owns the table, and FORCE ROW LEVEL SECURITY is not set: policies are not asked',
            asked_role);
    END IF;
END
$body$;
COMMENT ON FUNCTION clerk._settled_access(regclass, text, name) IS
    'internal: what decides about access where policies do not; NULL where they do';

-- The work of clerk.explain_access. request_path: the search_path that the functions in policies are called
-- with.
CREATE FUNCTION clerk._explain_access(
    target regclass, as_claims jsonb, row_key text, as_role text, request_path text
)
    RETURNS TABLE (
        command text, policy text, kind text, applies boolean, expression text, result boolean, reason text
    )
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    relation record;
    asked_role name;
    is_above boolean;
    found_row text;
    clauses jsonb[];
    evaluator text;
    results boolean[];
    failures text[];
    clause jsonb;
    place integer;
    permissive integer;
    failed text;
    refused text;
    allowing text;
    row_is_visible boolean;
    why_hidden text;
BEGIN
    SELECT c.relkind, c.relname, c.relowner, format('%I.%I', n.nspname, c.relname) AS name INTO relation
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = target;
    IF relation.relkind IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = 'target is no table';
    ELSIF NOT pg_has_role(current_user, relation.relowner, 'USAGE') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('must be owner of table %s', relation.name);
    ELSIF relation.relkind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'wrong_object_type',
            MESSAGE = format('%s is not a table', relation.name),
            HINT = 'Only tables have policies; ask for the table under a view.';
    END IF;
    asked_role := coalesce(as_role, (
        SELECT r.rolname FROM pg_roles AS r
        WHERE r.rolname = CASE WHEN as_claims IS NULL THEN 'anon' ELSE 'authenticated' END
    ), current_user);
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = asked_role) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('role "%s" does not exist', asked_role);
    END IF;
    IF row_key IS NOT NULL THEN
        found_row := clerk._find_row(target, row_key);
    END IF;

    -- Without a WITH CHECK its USING counts, as in Postgres; a policy with neither says nothing to a command.
    SELECT coalesce(array_agg(jsonb_build_object(
            'command', c.name, 'clause', c.clause, 'policy', p.polname, 'permissive', p.polpermissive,
            'expression', e.text,
            'applies', EXISTS (SELECT FROM unnest(p.polroles) AS r (role)
                WHERE CASE r.role WHEN 0 THEN true ELSE pg_has_role(asked_role, r.role, 'USAGE') END),
            'roles', (SELECT string_agg(quote_ident(pg_get_userbyid(r.role)), ', ') FROM unnest(p.polroles) AS r (role)))
        ORDER BY c.place, p.polpermissive DESC, p.polname), '{}')
    INTO clauses
    FROM (VALUES (1, 'SELECT', 'USING', 'r'), (2, 'INSERT', 'WITH CHECK', 'a'), (3, 'UPDATE', 'USING', 'w'),
            (4, 'UPDATE', 'WITH CHECK', 'w'), (5, 'DELETE', 'USING', 'd')) AS c (place, name, clause, code)
        JOIN pg_policy AS p ON p.polrelid = target AND p.polcmd IN (c.code::"char", '*')
        CROSS JOIN LATERAL (SELECT pg_get_expr(CASE c.clause WHEN 'USING' THEN p.polqual
            ELSE coalesce(p.polwithcheck, p.polqual) END, p.polrelid)) AS e (text)
    WHERE e.text IS NOT NULL;

    -- Each expression becomes a function that belongs to the asked role and runs with its rights. So sub-queries
    -- see what that role sees, and nothing in them can set another role: not even where a superuser asks. It is
    -- parsed with the rights of the table's owner, as the policy was.
    is_above := (SELECT r.rolsuper OR r.rolbypassrls FROM pg_roles AS r WHERE r.rolname = asked_role);
    IF found_row IS NOT NULL AND NOT is_above THEN
        BEGIN
            PERFORM clerk._assume_session(as_claims);
            FOR place IN 1..cardinality(clauses) LOOP
                CONTINUE WHEN NOT (clauses[place] ->> 'applies')::boolean;
                BEGIN
                    evaluator := format('pg_temp.clerk_explain_%s', place);
                    PERFORM clerk._execute_as_owner(target, format('CREATE FUNCTION %s(text) RETURNS boolean LANGUAGE sql SECURITY DEFINER '
                        'RETURN (SELECT (%s) FROM unnest(ARRAY[$1::%s]) AS %I)',
                        evaluator, clauses[place] ->> 'expression', relation.name, relation.relname));
                    EXECUTE format('GRANT EXECUTE ON FUNCTION %s(text) TO PUBLIC', evaluator);
                    IF asked_role <> pg_get_userbyid(relation.relowner) THEN
                        EXECUTE format('ALTER FUNCTION %s(text) OWNER TO %I', evaluator, asked_role);
                    END IF;
                    results[place] := clerk._evaluate_clause(place, found_row, request_path);
                EXCEPTION WHEN OTHERS THEN
                    failures[place] := format('error %s: %s', SQLSTATE, SQLERRM);
                END;
            END LOOP;
            RAISE SQLSTATE 'CKEND';
        EXCEPTION WHEN SQLSTATE 'CKEND' THEN
            -- Functions and session are gone; the variables keep what they were given.
            NULL;
        END;
    END IF;

    FOREACH command IN ARRAY '{SELECT,INSERT,UPDATE,DELETE}'::text[] LOOP
        refused := NULL;
        failed := NULL;
        allowing := NULL;
        FOR place IN 1..cardinality(clauses) LOOP
            clause := clauses[place];
            CONTINUE WHEN clause ->> 'command' <> command;
            policy := clause ->> 'policy';
            kind := CASE WHEN (clause ->> 'permissive')::boolean THEN 'permissive' ELSE 'restrictive' END;
            applies := (clause ->> 'applies')::boolean;
            expression := format('%s (%s)', clause ->> 'clause', clause ->> 'expression');
            result := results[place];
            reason := CASE
                WHEN NOT applies THEN format('for %s, which role %I is not', clause ->> 'roles', asked_role)
                WHEN found_row IS NULL THEN 'give a row_key'
                WHEN is_above THEN format('not evaluated: role %I is above row security', asked_role)
                WHEN failures[place] IS NOT NULL THEN failures[place]
                WHEN result IS NULL THEN 'the expression is NULL, which counts as false'
                WHEN result THEN 'the expression is true for this row'
                ELSE 'the expression is false for this row' END;
            IF applies AND failures[place] IS NOT NULL THEN
                failed := coalesce(failed, format('policy %I ends in %s', policy, failures[place]));
            ELSIF applies AND kind = 'restrictive' AND found_row IS NOT NULL AND result IS NOT TRUE THEN
                refused := coalesce(refused, format('restrictive policy %I is %s', policy,
                    coalesce(result::text, 'NULL, which counts as false')));
            END IF;
            RETURN NEXT;
        END LOOP;

        -- Each clause needs a permissive policy of its own.
        FOR expression, permissive, policy IN
            SELECT v.clause, count(*) FILTER (WHERE c.item IS NOT NULL),
                min(c.item ->> 'policy') FILTER (WHERE results[c.place])
            FROM unnest(CASE command WHEN 'INSERT' THEN '{WITH CHECK}' WHEN 'UPDATE' THEN '{USING,WITH CHECK}'
                    ELSE '{USING}' END::text[]) AS v (clause)
                LEFT JOIN unnest(clauses) WITH ORDINALITY AS c (item, place)
                    ON c.item ->> 'command' = command AND c.item ->> 'clause' = v.clause
                    AND (c.item ->> 'permissive')::boolean AND (c.item ->> 'applies')::boolean
            GROUP BY v.clause ORDER BY v.clause
        LOOP
            IF permissive = 0 THEN
                refused := format('no permissive policy for %s and role %I', command, asked_role);
                EXIT;
            ELSIF policy IS NULL THEN
                refused := coalesce(refused, format(CASE permissive WHEN 1 THEN 'the only permissive policy is not true%2$s'
                    ELSE 'none of %s permissive policies is true%s' END, permissive,
                    CASE command WHEN 'UPDATE' THEN format(' (%s)', expression) ELSE '' END));
            ELSE
                allowing := coalesce(allowing, format('allowed by %I', policy));
            END IF;
        END LOOP;

        policy := NULL;
        kind := 'verdict';
        applies := NULL;
        expression := NULL;
        SELECT s.allowed, s.because INTO result, reason FROM clerk._settled_access(target, command, asked_role) AS s;
        IF result AND as_role IS NULL AND asked_role = current_user THEN
            reason := reason || '; name the role of requests by as_role';
        END IF;
        IF reason IS NULL THEN
            IF refused LIKE 'no permissive%' THEN
                result := false;
                reason := refused;
            ELSIF found_row IS NULL THEN
                result := NULL;
                reason := 'give a row_key';
            ELSIF failed IS NOT NULL THEN
                result := NULL;
                reason := failed;
            ELSE
                result := refused IS NULL;
                reason := coalesce(refused, allowing);
            END IF;
        END IF;
        IF command = 'SELECT' THEN
            row_is_visible := result;
            why_hidden := reason;
        ELSIF command <> 'INSERT' AND result AND row_is_visible IS NOT TRUE AND found_row IS NOT NULL THEN
            result := CASE WHEN row_is_visible IS NULL THEN NULL ELSE false END;
            reason := format('a WHERE clause reads the row, and SELECT does not: %s', why_hidden);
        END IF;
        RETURN NEXT;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION clerk._explain_access(regclass, jsonb, text, text, text) IS 'internal: see clerk.explain_access()';

CREATE FUNCTION clerk.explain_access(
    target regclass, as_claims jsonb, row_key text DEFAULT NULL, as_role text DEFAULT NULL
)
    RETURNS TABLE (
        command text, policy text, kind text, applies boolean, expression text, result boolean, reason text
    )
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    BEGIN ATOMIC
        SELECT e.command, e.policy, e.kind, e.applies, e.expression, e.result, e.reason
        FROM clerk._explain_access(target, as_claims, row_key, as_role, pg_catalog.current_setting('search_path')) AS e;
    END;
COMMENT ON FUNCTION clerk.explain_access(regclass, jsonb, text, text) IS
    'which policies of a table let a person with these claims (NULL: nobody) through to a row, and why not; as_role: authenticated, for nobody anon, unless given; for the table''s owner';
