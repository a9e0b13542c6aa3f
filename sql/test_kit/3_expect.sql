-- Without a search_path of its own: the statement is the caller's and finds what the caller's finds. So
-- everything in here is named in full.
CREATE FUNCTION clerk_test.expect(
    statement text,
    rows bigint DEFAULT NULL,
    error text DEFAULT NULL,
    refused boolean DEFAULT NULL,
    description text DEFAULT NULL
) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $body$
DECLARE
    expected text;
    got text;
    found_rows bigint;
    code text := '';
    is_met boolean;
BEGIN
    IF pg_catalog.num_nonnulls(rows, error, refused) OPERATOR(pg_catalog.<>) 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'exactly one of rows, error and refused must be given',
            HINT = 'rows => 3, error => ''23505'', or refused => true.';
    END IF;
    BEGIN
        EXECUTE statement;
        GET DIAGNOSTICS found_rows = ROW_COUNT;
        RAISE SQLSTATE 'CKEND';
    EXCEPTION
        -- What the statement did is undone; the count stays.
        WHEN SQLSTATE 'CKEND' THEN
            got := pg_catalog.format('%s rows', found_rows);
        WHEN OTHERS THEN
            code := SQLSTATE;
            got := pg_catalog.format('%s: %s', SQLSTATE, SQLERRM);
    END;
    CASE
        WHEN rows IS NOT NULL THEN
            expected := pg_catalog.format('%s rows', rows);
            is_met := COALESCE(found_rows OPERATOR(pg_catalog.=) rows, false) AND code OPERATOR(pg_catalog.=) '';
        WHEN error IS NOT NULL THEN
            expected := error;
            is_met := code OPERATOR(pg_catalog.=) error;
        WHEN refused THEN
            expected := '42501';
            is_met := code OPERATOR(pg_catalog.=) '42501';
        ELSE
            expected := 'no error';
            is_met := code OPERATOR(pg_catalog.=) '';
    END CASE;
    description := COALESCE(description, statement);
    RETURN CASE WHEN is_met THEN pg_catalog.format('ok - %s', description)
        ELSE pg_catalog.format('not ok - %s: got %s, expected %s', description, got, expected) END;
END
$body$;
COMMENT ON FUNCTION clerk_test.expect(text, bigint, text, boolean, text) IS
    'runs a statement as the persona of the moment, undoes it, and says ok or not ok: a number of rows, a SQLSTATE, or refused (42501)';
