CREATE FUNCTION clerk_test._act_as_persona(persona jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    known constant text[] := '{user_id,org_id,org_role,permissions,plan,features,factor_ages,pending,actor_id,claims,as_role}';
    allowed text[] := CASE WHEN persona ? 'anonymous' THEN '{anonymous,as_role}'
        WHEN persona ? 'service' THEN '{service,as_role}' ELSE known END;
    unknown text := (SELECT string_agg(k.name, ', ' ORDER BY k.name)
        FROM jsonb_object_keys(persona) AS k (name) WHERE k.name <> ALL (allowed));
BEGIN
    IF unknown IS NOT NULL OR 'false' IN (persona -> 'anonymous', persona -> 'service') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the persona is not understood',
            DETAIL = format('Not known here: %s.', coalesce(unknown, 'false')),
            HINT = format('Give {"anonymous": true}, {"service": true}, or the arguments of clerk_test.act_as(): %s.',
                array_to_string(known, ', '));
    END IF;
    IF persona ? 'anonymous' THEN
        PERFORM clerk_test.act_as_anonymous(persona ->> 'as_role');
    ELSIF persona ? 'service' THEN
        PERFORM clerk_test.act_as_service(persona ->> 'as_role');
    ELSE
        PERFORM clerk_test.act_as(
            persona ->> 'user_id', persona ->> 'org_id', persona ->> 'org_role',
            (SELECT array_agg(v) FROM jsonb_array_elements_text(persona -> 'permissions') AS v),
            persona ->> 'plan',
            (SELECT array_agg(v) FROM jsonb_array_elements_text(persona -> 'features') AS v),
            (SELECT array_agg(v::integer) FROM jsonb_array_elements_text(persona -> 'factor_ages') AS v),
            coalesce((persona ->> 'pending')::boolean, false), persona ->> 'actor_id',
            persona -> 'claims', persona ->> 'as_role');
    END IF;
END
$body$;
COMMENT ON FUNCTION clerk_test._act_as_persona(jsonb) IS 'internal: acts as a persona of clerk_test.access_matrix()';

-- Each row is tried by itself: one that is refused says nothing of the others. request_path is the search_path
-- of policies' and triggers' functions: while it is in force, nothing here is looked up.
CREATE FUNCTION clerk_test._access_matrix(target regclass, personas jsonb, max_rows integer, request_path text)
    RETURNS TABLE (persona text, command text, visible bigint, changeable bigint, refused bigint, error text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    table_name text;
    table_kind "char";
    row_places tid[];
    row_tables oid[];
    row_texts text[];
    no_places constant tid[] := '{}';
    no_tables constant oid[] := '{}';
    no_texts constant text[] := '{}';
    total integer;
    traits jsonb;
    inserted text;
    statement text;
    reached bigint;
BEGIN
    PERFORM clerk_test._check_tester();
    SELECT format('%I.%I', n.nspname, c.relname), c.relkind INTO table_name, table_kind
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = target;
    IF table_kind IS NULL OR table_kind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'wrong_object_type',
            MESSAGE = 'target is not a table';
    ELSIF personas IS NULL OR jsonb_typeof(personas) <> 'object'
        OR EXISTS (SELECT FROM jsonb_each(personas) AS p WHERE jsonb_typeof(p.value) <> 'object') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'personas must be a JSON object of objects',
            HINT = '{"alice": {"user_id": "user_alice"}, "nobody": {"anonymous": true}}';
    ELSIF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'max_rows must be positive';
    ELSIF row_security_active(target) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('row security holds for role %I, which must see every row of %s', current_user, table_name),
            HINT = 'Call it as a superuser, as the table''s owner without FORCE, or after clerk_test.stop().';
    END IF;

    EXECUTE format('SELECT array_agg(s.place), array_agg(s.of), array_agg(s.content) FROM (SELECT t.ctid, t.tableoid, format(''%%s'', t.*) '
        'FROM %s AS t ORDER BY t.tableoid, t.ctid LIMIT $1::bigint + 1) AS s (place, of, content)', table_name)
        INTO row_places, row_tables, row_texts USING max_rows;
    total := coalesce(cardinality(row_places), 0);
    IF total > max_rows THEN
        RAISE NOTICE 'table % has more than % rows: only these are looked at', table_name, max_rows;
        total := max_rows;
    END IF;
    row_places := coalesce(row_places[:total], '{}');
    row_tables := coalesce(row_tables[:total], '{}');
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO inserted
    FROM pg_attribute AS a
    WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a';

    FOR persona, traits IN SELECT p.key, p.value FROM jsonb_each(personas) AS p LOOP
        FOREACH command IN ARRAY '{select,insert,update,delete}'::text[] LOOP
            visible := NULL;
            changeable := NULL;
            refused := NULL;
            error := NULL;
            BEGIN
                PERFORM clerk_test._act_as_persona(traits);
                statement := CASE command
                    WHEN 'select' THEN format('SELECT t.ctid FROM %s AS t JOIN ROWS FROM (unnest($1::oid[]), unnest($2::tid[])) '
                        'AS k (of, place) ON t.tableoid = k.of AND t.ctid = k.place', table_name)
                    WHEN 'insert' THEN CASE WHEN inserted IS NULL THEN format('INSERT INTO %s DEFAULT VALUES', table_name)
                        ELSE format('INSERT INTO %s (%s) SELECT %2$s FROM unnest($1::%1$s[]) AS r', table_name, inserted) END
                    -- Preferably a column that the persona may update.
                    WHEN 'update' THEN (
                        SELECT format('UPDATE %s AS t SET %I = t.%2$I WHERE t.tableoid = $1 AND t.ctid = $2', table_name, a.attname)
                        FROM pg_attribute AS a
                        WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
                            AND a.attgenerated = '' AND a.attidentity <> 'a'
                        ORDER BY has_column_privilege(target, a.attnum, 'UPDATE') DESC, a.attnum LIMIT 1)
                    ELSE format('DELETE FROM %s AS t WHERE t.tableoid = $1 AND t.ctid = $2', table_name) END;

                -- Privileges do not depend on rows: what fails without any fails with all.
                BEGIN
                    IF statement IS NULL THEN
                        RAISE EXCEPTION USING ERRCODE = 'generated_always', MESSAGE = 'no column can be updated';
                    ELSIF command = 'select' THEN
                        PERFORM set_config('search_path', request_path, true);
                        EXECUTE statement USING no_tables, no_places;
                    ELSIF command <> 'insert' THEN
                        PERFORM set_config('search_path', request_path, true);
                        EXECUTE statement USING no_tables[1], no_places[1];
                    ELSIF inserted IS NOT NULL THEN
                        PERFORM set_config('search_path', request_path, true);
                        EXECUTE statement USING no_texts;
                    END IF;
                    RAISE SQLSTATE 'CKEND';
                EXCEPTION
                    WHEN SQLSTATE 'CKEND' THEN
                        NULL;
                    WHEN OTHERS THEN
                        error := format('%s: %s', SQLSTATE, SQLERRM);
                        refused := total;
                END;

                IF error IS NULL AND command = 'select' THEN
                    BEGIN
                        PERFORM set_config('search_path', request_path, true);
                        EXECUTE statement USING row_tables, row_places;
                        GET DIAGNOSTICS visible = ROW_COUNT;
                        RAISE SQLSTATE 'CKEND';
                    EXCEPTION
                        WHEN SQLSTATE 'CKEND' THEN
                            refused := total - visible;
                        WHEN OTHERS THEN
                            error := format('%s: %s', SQLSTATE, SQLERRM);
                            refused := total;
                    END;
                ELSIF error IS NULL THEN
                    changeable := 0;
                    refused := 0;
                    FOR n IN 1..total LOOP
                        BEGIN
                            IF command = 'insert' THEN
                                PERFORM set_config('search_path', request_path, true);
                                EXECUTE statement USING row_texts[n:n];
                            ELSE
                                PERFORM set_config('search_path', request_path, true);
                                EXECUTE statement USING row_tables[n], row_places[n];
                            END IF;
                            GET DIAGNOSTICS reached = ROW_COUNT;
                            RAISE SQLSTATE 'CKEND';
                        EXCEPTION
                            WHEN SQLSTATE 'CKEND' THEN
                                IF reached > 0 THEN
                                    changeable := changeable + 1;
                                ELSE
                                    refused := refused + 1;
                                END IF;
                            WHEN insufficient_privilege THEN
                                refused := refused + 1;
                            -- Policies are asked before constraints: they have let it through.
                            WHEN integrity_constraint_violation THEN
                                changeable := changeable + 1;
                            -- A trigger's error, say: neither.
                            WHEN OTHERS THEN
                                error := coalesce(error, format('%s: %s', SQLSTATE, SQLERRM));
                        END;
                    END LOOP;
                END IF;
                RAISE SQLSTATE 'CKEND';
            EXCEPTION WHEN SQLSTATE 'CKEND' THEN
                -- Session and role are as before.
                NULL;
            END;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION clerk_test._access_matrix(regclass, jsonb, integer, text) IS
    'internal: see clerk_test.access_matrix()';

CREATE FUNCTION clerk_test.access_matrix(target regclass, personas jsonb, max_rows integer DEFAULT 1000)
    RETURNS TABLE (persona text, command text, visible bigint, changeable bigint, refused bigint, error text)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    BEGIN ATOMIC
        SELECT m.persona, m.command, m.visible, m.changeable, m.refused, m.error
        FROM clerk_test._access_matrix(target, personas, max_rows, pg_catalog.current_setting('search_path')) AS m;
    END;
COMMENT ON FUNCTION clerk_test.access_matrix(regclass, jsonb, integer) IS
    'for each persona and command, how many of a table''s rows are visible, changeable and refused; leaves no change';

-- First nobody, then everybody: see the head of this script.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA clerk_test FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA clerk_test TO PUBLIC;
