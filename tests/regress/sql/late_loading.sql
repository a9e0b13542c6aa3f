-- The library comes into a backend with the first call of one of its functions. What was set before counts as
-- if it had been there, and where that cannot be told, there is an error, never a session that is silently gone.

\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_alice"}' --lifetime 3600`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_bob"}' --lifetime 3600`
\set carol `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_carol"}' --lifetime 3600`

CREATE TABLE late_rows AS SELECT 'user_alice' AS owner, repeat('x', 500) AS filler FROM generate_series(1, 2000);
ALTER TABLE late_rows SET (parallel_workers = 2);
ANALYZE late_rows;
-- A function in a procedural language loads nothing before it runs, in a worker perhaps.
CREATE FUNCTION late_owner(owner text) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$ BEGIN RETURN owner = clerk_user_id(); END $$;

-- Values of savepoints that were set before the library came: each is this transaction's own.
\c
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SAVEPOINT one;
SET LOCAL clerk_sync.token = :'bob';
SAVEPOINT two;
SET LOCAL clerk_sync.token = :'carol';
SELECT clerk_user_id();
ROLLBACK TO two;
SELECT clerk_user_id();
ROLLBACK TO one;
SELECT clerk_user_id();
ROLLBACK;
SELECT clerk_user_id();

-- A value of the session under them stays what it is: left behind.
\c
SET clerk_sync.token = :'alice';
BEGIN;
SAVEPOINT one;
SET LOCAL clerk_sync.token = :'bob';
SELECT clerk_user_id();
ROLLBACK TO one;
SELECT clerk_user_id();
ROLLBACK;

-- SET and SET LOCAL over each other in one transaction.
\c
BEGIN;
SET clerk_sync.token = :'alice';
SET LOCAL clerk_sync.token = :'bob';
SELECT clerk_user_id();
COMMIT;
SELECT clerk_user_id();

-- First loaded while a parallel query runs, in the leader: the same session.
\c
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
BEGIN;
SELECT set_config('clerk_sync.token', :'alice', true) IS NULL AS unset;
SET LOCAL max_parallel_workers = 0;
SELECT count(*) FROM late_rows WHERE late_owner(owner);
SELECT clerk_user_id();
COMMIT;

-- First loaded in a worker: an error that says what to do. The leader is kept from being first.
\c
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
BEGIN;
SELECT set_config('clerk_sync.token', :'alice', true) IS NULL AS unset;
SELECT count(*) FROM late_rows WHERE late_owner(owner);
ROLLBACK;

-- The next one works, since a call in the leader has loaded it.
BEGIN;
SELECT set_config('clerk_sync.token', :'alice', true) IS NULL AS unset;
SELECT clerk_user_id();
SELECT count(*) FROM late_rows WHERE late_owner(owner);
COMMIT;

-- Loaded for the session from the start, it works at once.
ALTER DATABASE :"DBNAME" SET session_preload_libraries = 'clerk_sync';
\c
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
BEGIN;
SELECT set_config('clerk_sync.token', :'alice', true) IS NULL AS unset;
SELECT count(*) FROM late_rows WHERE late_owner(owner);
COMMIT;
ALTER DATABASE :"DBNAME" RESET session_preload_libraries;

DROP FUNCTION late_owner;
DROP TABLE late_rows;
