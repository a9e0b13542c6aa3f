-- Partitioned tables: policies and guards hold for rows in every partition, and a row cannot be moved into another.

CREATE EXTENSION clerk_sync_test;
SET client_min_messages = warning;
SET clerk_test.request_role = 'regress_app';
INSERT INTO clerk.organization_memberships (id, organization_id, user_id, role) VALUES
    ('orgmem_p1', 'org_acme', 'user_alice', 'org:admin'), ('orgmem_p2', 'org_globex', 'user_alice', 'org:member');

CREATE TABLE public.reports (id integer, org_id text, user_id text, year integer, gone_at timestamptz) PARTITION BY LIST (org_id);
CREATE TABLE public.reports_acme PARTITION OF public.reports FOR VALUES IN ('org_acme') PARTITION BY LIST (year);
CREATE TABLE public.reports_acme_2026 PARTITION OF public.reports_acme FOR VALUES IN (2026);
CREATE TABLE public.reports_acme_2027 PARTITION OF public.reports_acme FOR VALUES IN (2027);
CREATE TABLE public.reports_globex PARTITION OF public.reports FOR VALUES IN ('org_globex');
INSERT INTO public.reports VALUES (1, 'org_acme', 'user_alice', 2026), (2, 'org_globex', 'user_bob', 2026);
SELECT change FROM clerk.protect('reports', 'member', owner_column => 'user_id', soft_delete => 'gone_at', to_roles => '{regress_app}', grants => true);
-- A partition that comes later has the guards too.
CREATE TABLE public.reports_rest PARTITION OF public.reports DEFAULT;

BEGIN;
SELECT clerk_test.act_as('user_alice');
-- What is alice's to change she may change, partitions crossed or not.
SELECT clerk_test.expect('UPDATE reports SET year = 2027 WHERE id = 1', rows => 1, description => 'a row changes its partition within the tenant');
SELECT clerk_test.expect('UPDATE reports SET gone_at = ''infinity'' WHERE id = 1', rows => 1, description => 'a row is deleted softly');
-- Tenant and author stay, though alice belongs to both organizations.
SELECT clerk_test.expect('UPDATE reports SET org_id = ''org_globex'' WHERE id = 1', refused => true, description => 'no row moves to another tenant');
SELECT clerk_test.expect('UPDATE reports SET org_id = ''org_acme'' WHERE id = 2', refused => true, description => 'nor back');
SELECT clerk_test.expect('UPDATE reports SET user_id = ''user_alice'' WHERE id = 2', refused => true, description => 'nobody takes over what another wrote');
SELECT clerk_test.expect('INSERT INTO reports VALUES (3, ''org_acme'', ''user_bob'', 2026)', refused => true, description => 'no author is forged');
SELECT clerk_test.expect('INSERT INTO reports VALUES (3, ''org_initech'', ''user_alice'', 2026)', refused => true, description => 'no tenant is forged');
SELECT clerk_test.expect('SELECT FROM reports_acme', refused => true, description => 'partitions are not reached by themselves');
-- Whatever time a deletion is given, it is now, in a partition of a partition too.
UPDATE reports SET gone_at = 'infinity' WHERE id = 1 RETURNING gone_at = now() AS stamped;
ROLLBACK;

-- The table's owner is above row security, and above the guards.
BEGIN;
UPDATE reports SET org_id = 'org_globex', user_id = 'user_bob' WHERE id = 1;
SELECT tableoid::regclass AS partition, id FROM reports ORDER BY id;
ROLLBACK;

SELECT status, count(*) FROM clerk.policies WHERE target = 'reports'::regclass GROUP BY status;
SELECT count(*) AS taken_back FROM clerk.unprotect('reports');
SELECT count(*) AS guards_left FROM pg_trigger WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('reports'));
DROP TABLE public.reports;
-- Inheritance of the old kind is refused: a parent's triggers do not fire for its heirs' rows.
CREATE TABLE public.papers (id integer, user_id text);
CREATE TABLE public.old_papers () INHERITS (public.papers);
SELECT * FROM testing.outcome('SELECT clerk.protect(''papers'', ''owner'')');
SELECT change FROM clerk.protect('old_papers', 'owner', commands => '{select}', set_defaults => false);
DROP TABLE public.papers CASCADE;
DELETE FROM clerk.organization_memberships;
DROP EXTENSION clerk_sync_test;
