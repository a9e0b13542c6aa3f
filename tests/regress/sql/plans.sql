-- The planner sees through the functions: with an index on the column, the plan and the estimate are those of the
-- literal.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","o":{"id":"org_acme","rol":"admin"}}'`

-- Most rows belong to one user, few to alice: an estimate that does not know the value is far off.
CREATE TABLE public.events (id integer, owner text, org text);
INSERT INTO public.events
SELECT n, CASE WHEN n % 1000 = 0 THEN 'user_alice' WHEN n % 2 = 0 THEN 'user_everybody' ELSE 'user_' || n END,
    CASE WHEN n % 500 = 0 THEN 'org_acme' ELSE 'org_everybody' END
FROM generate_series(1, 20000) AS n;
CREATE INDEX ON public.events (owner);
CREATE INDEX ON public.events (org);
ALTER TABLE public.events SET (autovacuum_enabled = off);
ANALYZE public.events;
GRANT SELECT ON public.events TO regress_app;

-- The nodes of a plan with their estimates; not their costs, and without the conditions, in which the literal stands.
CREATE FUNCTION testing.shape(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
        CONTINUE WHEN line ~ '(Cond|Filter):';
        RETURN NEXT regexp_replace(line, 'cost=\S+ ', '');
    END LOOP;
END $$;

-- One kind of index scan is enough to read, on all versions of Postgres.
SET enable_bitmapscan = off;
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';

-- What it looks like; a call in the place of the literal.
EXPLAIN (COSTS OFF) SELECT * FROM public.events WHERE owner = 'user_alice';
EXPLAIN (COSTS OFF) SELECT * FROM public.events WHERE owner = clerk_user_id();
EXPLAIN (COSTS OFF) SELECT * FROM public.events WHERE clerk_owns(owner);
EXPLAIN (COSTS OFF) SELECT * FROM public.events WHERE clerk_in_org(org);

-- The same nodes with the same estimates of rows.
SELECT condition, (SELECT array_agg(line) FROM testing.shape('SELECT * FROM public.events WHERE ' || condition) AS line)
    = (SELECT array_agg(line) FROM testing.shape('SELECT * FROM public.events WHERE ' || literal) AS line) AS as_the_literal
FROM (VALUES
    ('owner = clerk_user_id()', 'owner = ''user_alice'''),
    ('clerk_owns(owner)', 'owner = ''user_alice'''),
    ('org = clerk_org_id()', 'org = ''org_acme'''),
    ('clerk_in_org(org)', 'org = ''org_acme'''),
    ('clerk_in_org(org) AND clerk_owns(owner)', 'org = ''org_acme'' AND owner = ''user_alice'''),
    ('clerk_owns(owner) ORDER BY id LIMIT 3', 'owner = ''user_alice'' ORDER BY id LIMIT 3'),
    -- The comparison can fail: a subquery hides the value from the planner.
    ('owner = (SELECT clerk_user_id())', 'owner = ''user_alice''')
) AS conditions (condition, literal);
COMMIT;

-- In a policy it is the same.
RESET ROLE;
ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON public.events USING (clerk_owns(owner));
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
EXPLAIN (COSTS OFF) SELECT * FROM public.events;
SELECT count(*) FROM public.events;
ROLLBACK;

-- Nobody: the planner knows that too, and there are no rows.
EXPLAIN (COSTS OFF) SELECT * FROM public.events;
SELECT count(*) FROM public.events;

RESET ROLE;
DROP TABLE public.events;
DROP FUNCTION testing.shape;
RESET enable_bitmapscan;
