-- The tables behind the configuration, written without its functions: by a superuser, by pg_restore, by replication.

\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\pset null (null)

-- Every change is heard at once by this session, also with triggers off for replication.
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
SET LOCAL session_replication_role = replica;
UPDATE clerk.instances SET authorized_parties = '{https://other.example.com}';
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
ROLLBACK;
BEGIN;
SET LOCAL clerk_sync.token = :'alice';
SELECT clerk_user_id();
TRUNCATE clerk.signing_keys;
SELECT code, detail FROM testing.outcome('SELECT clerk_user_id()');
ROLLBACK;
-- What is no instance and no key cannot be stored.
SELECT statement, code FROM unnest(ARRAY[
    'UPDATE clerk.instances SET clock_skew = ''1 hour''', 'UPDATE clerk.instances SET authorized_parties = ''{NULL}''',
    'UPDATE clerk.instances SET issuer = ''''', 'UPDATE clerk.signing_keys SET algorithm = ''HS256''',
    'UPDATE clerk.signing_keys SET bits = 1024', 'UPDATE clerk.signing_keys SET issuer = ''https://nobody.example''',
    'INSERT INTO clerk.signing_keys SELECT * FROM clerk.signing_keys'
]) AS statement, testing.outcome(statement || ' RETURNING 1');
-- A stored row that is no key verifies nothing, and harms no other.
BEGIN;
INSERT INTO clerk.signing_keys VALUES ('https://clerk.example.com', 'broken', 'RS256', '!', 'AQAB', 2048, 'added');
SELECT result FROM testing.outcome_as(:'alice', 'SELECT clerk_user_id()');
ROLLBACK;
