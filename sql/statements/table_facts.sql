-- What core's policy::facts::TableFacts knows of the table $1, as JSON.
SELECT pg_catalog.jsonb_build_object(
    'schema', n.nspname,
    'name', c.relname,
    'kind', c.relkind,
    'persistence', c.relpersistence,
    'is_partition', c.relispartition,
    'has_heirs', c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhparent = c.oid),
    'extension', (
        SELECT e.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
            AND d.refclassid = 'pg_catalog.pg_extension'::regclass),
    'owner', c.relowner::bigint,
    'is_owned', pg_catalog.pg_has_role(c.relowner, 'USAGE'),
    'row_security', c.relrowsecurity,
    'force_row_security', c.relforcerowsecurity,
    'columns', (
        SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', a.attname,
            'data_type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            -- Not NULL: without a length, char and bit would have one of 1.
            'base_type', pg_catalog.format_type(b.oid, -1),
            'whole_type', pg_catalog.format_type(b.oid, b.typmod),
            'is_domain', b.oid <> a.atttypid,
            'is_nondeterministic', NOT coalesce(l.collisdeterministic, true),
            'default', pg_catalog.pg_get_expr(f.adbin, f.adrelid),
            'is_generated', a.attgenerated <> '' OR a.attidentity <> '',
            'sequence', q.name,
            'sequence_users', coalesce(q.users, '[]')
        ) ORDER BY a.attnum), '[]')
        FROM pg_catalog.pg_attribute AS a
            LEFT JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
            LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
            CROSS JOIN LATERAL (
                -- What a domain stands on, however deep.
                WITH RECURSIVE base AS (
                    SELECT t.oid, t.typbasetype, t.typtype, t.typtypmod, a.atttypmod AS typmod
                    FROM pg_catalog.pg_type AS t WHERE t.oid = a.atttypid
                    UNION ALL
                    SELECT t.oid, t.typbasetype, t.typtype, t.typtypmod, base.typtypmod
                    FROM base JOIN pg_catalog.pg_type AS t ON t.oid = base.typbasetype
                    WHERE base.typtype = 'd'
                )
                SELECT base.oid, base.typmod FROM base WHERE base.typtype <> 'd'
            ) AS b
            LEFT JOIN LATERAL (
                -- By the catalogs: pg_get_serial_sequence() fails where the caller may not look into the schema.
                SELECT pg_catalog.format('%I.%I', v.nspname, s.relname) AS name, (
                    SELECT pg_catalog.jsonb_agg(CASE WHEN g.grantee = 0 THEN 'public'
                        ELSE pg_catalog.pg_get_userbyid(g.grantee)::text END)
                    FROM pg_catalog.aclexplode(s.relacl) AS g WHERE g.privilege_type = 'USAGE') AS users
                FROM pg_catalog.pg_depend AS d
                    JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
                    JOIN pg_catalog.pg_namespace AS v ON v.oid = s.relnamespace
                WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
                    AND d.refobjid = c.oid AND d.refobjsubid = a.attnum AND d.deptype = 'a'
                LIMIT 1
            ) AS q ON true
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'primary_key', (
        SELECT coalesce(pg_catalog.jsonb_agg(a.attname ORDER BY k.place), '[]')
        FROM pg_catalog.pg_index AS i
            CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
        WHERE i.indrelid = c.oid AND i.indisprimary AND k.place <= i.indnkeyatts),
    'unique_keys', (
        SELECT coalesce(pg_catalog.jsonb_agg(k.columns), '[]')
        FROM pg_catalog.pg_index AS i
            CROSS JOIN LATERAL (
                SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place) AS columns
                FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
                WHERE k.place <= i.indnkeyatts
            ) AS k
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
            AND i.indpred IS NULL AND i.indexprs IS NULL),
    'foreign_keys', (
        SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'schema', v.nspname,
            'table', r.relname,
            'columns', (
                SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place)
                FROM pg_catalog.unnest(f.conkey) WITH ORDINALITY AS k (number, place)
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number),
            'parent_columns', (
                SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place)
                FROM pg_catalog.unnest(f.confkey) WITH ORDINALITY AS k (number, place)
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum = k.number)
        )), '[]')
        FROM pg_catalog.pg_constraint AS f
            JOIN pg_catalog.pg_class AS r ON r.oid = f.confrelid
            JOIN pg_catalog.pg_namespace AS v ON v.oid = r.relnamespace
        WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.convalidated),
    'indexes', (
        SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', x.relname,
            'leading_column', a.attname,
            'columns', i.indnkeyatts,
            'comment', pg_catalog.left(pg_catalog.obj_description(x.oid, 'pg_class'), 1000)
        ) ORDER BY x.relname), '[]')
        FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND m.amname IN ('btree', 'hash')),
    'policies', (
        SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'oid', p.oid::bigint,
            'name', p.polname,
            'command', p.polcmd,
            'permissive', p.polpermissive,
            'roles', (SELECT pg_catalog.jsonb_agg(CASE WHEN r = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r)::text END)
                FROM pg_catalog.unnest(p.polroles) AS r),
            -- A note is never longer than that; whoever owns the table may write more, for others to read.
            'comment', (
                SELECT d.description FROM pg_catalog.pg_description AS d
                WHERE d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_policy'::regclass AND d.objsubid = 0
                    AND pg_catalog.octet_length(d.description) <= 131072)
        ) ORDER BY p.polname), '[]')
        FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid),
    'triggers', (
        SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', t.tgname,
            'guard', CASE WHEN s.nspname = 'clerk' AND f.proname IN ('_refuse_change', '_stamp_deletion') THEN f.proname END,
            -- The first argument; its end is a zero byte.
            'column', CASE WHEN s.nspname = 'clerk' AND t.tgnargs = 1 THEN pg_catalog.convert_from(
                pg_catalog.substr(t.tgargs, 1, pg_catalog.length(t.tgargs) - 1), 'UTF8') END,
            'is_enabled', t.tgenabled IN ('O', 'A'),
            -- ROW, BEFORE and UPDATE are the bits 1, 2 and 16.
            'is_before_update', t.tgtype = 19 AND t.tgattr::text = '',
            'condition', CASE WHEN s.nspname = 'clerk' THEN pg_catalog.substring(
                pg_catalog.pg_get_triggerdef(t.oid), ' WHEN [(](.*)[)] EXECUTE FUNCTION ') END
        ) ORDER BY t.tgname), '[]')
        FROM pg_catalog.pg_trigger AS t
            JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = f.pronamespace
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
    'grants', (
        SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'role', CASE WHEN g.grantee = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(g.grantee)::text END,
            'privilege', g.privilege_type
        )), '[]')
        FROM pg_catalog.aclexplode(c.relacl) AS g),
    'taken_names', (
        SELECT coalesce(pg_catalog.jsonb_agg(x.relname), '[]')
        FROM pg_catalog.pg_class AS x WHERE x.relnamespace = c.relnamespace AND x.relname ~ '_clerk_idx[0-9]*$'),
    'roles', (SELECT pg_catalog.jsonb_agg(r.rolname) FROM pg_catalog.pg_roles AS r),
    'function_schema', (
        SELECT s.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS s ON s.oid = e.extnamespace
        WHERE e.extname = 'clerk_sync')
)::text
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = $1
