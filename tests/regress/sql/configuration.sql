-- What an administrator says once: clerk.configure(), what it answers, refuses and keeps. It takes no superuser.

\set forged_jwks `cat "$CLERK_FORGED_KEYS/jwks.json"`
\set alice `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice"}'`
\set hippo `clerk-testing sign --key "$CLERK_FORGED_KEYS" --kid ins_hippo --issuer https://happy-hippo-1.clerk.accounts.dev --lifetime 600 --claims '{"sub":"user_hippo"}'`
-- Publishable keys: of production, development, and one more; and what looks like them.
\set live pk_live_Y2xlcmsuZXhhbXBsZS5jb20k
\set test pk_test_aGFwcHktaGlwcG8tMS5jbGVyay5hY2NvdW50cy5kZXYk
\set other `printf 'pk_live_%s' "$(printf 'clerk.example.org$' | base64)"`
\pset null (null)

SET ROLE regress_admin;
BEGIN;

-- The publishable key alone is enough: host, issuer and address of the keys follow from it, and the report says so.
SELECT * FROM clerk.configure(:'test', fetch_keys => false);
SELECT issuer, publishable_key, environment, frontend_api, jwks_url, authorized_parties, audiences, clock_skew,
    allow_templates, allow_pending, keys_fetched_at, keys_error
FROM clerk.instances WHERE publishable_key = :'test' \gx

-- Every parameter.
SELECT * FROM clerk.configure(:'test', issuer => 'https://example.dev/__clerk',
    jwks_url => 'https://example.dev/__clerk/.well-known/jwks.json', authorized_parties => '{https://example.dev}',
    audiences => '{api,web}', clock_skew => '1 minute', allow_templates => true, allow_pending => true,
    fetch_keys => false);
SELECT issuer, jwks_url, authorized_parties, audiences, clock_skew, allow_templates, allow_pending
FROM clerk.instances WHERE publishable_key = :'test' \gx

-- A second call keeps what it does not name; '{}' and false take away.
SELECT value FROM clerk.configure(:'test', clock_skew => '0', fetch_keys => false) WHERE item IN ('instance', 'issuer');
SELECT issuer, jwks_url, authorized_parties, audiences, clock_skew, allow_templates, allow_pending
FROM clerk.instances WHERE publishable_key = :'test' \gx
SELECT value FROM clerk.configure(:'test', authorized_parties => '{}', audiences => '{}', allow_templates => false,
    allow_pending => false, fetch_keys => false) WHERE item = 'instance';
SELECT authorized_parties, audiences, clock_skew, allow_templates, allow_pending
FROM clerk.instances WHERE publishable_key = :'test' \gx
ROLLBACK;
SELECT issuer FROM clerk.instances;

-- What it refuses, and what it says.
SELECT call, result, code, hint
FROM unnest(ARRAY[
    'NULL', '''''', '''clerk.example.com''', '''pk_prod_Y2xlcmsuZXhhbXBsZS5jb20k''', '''pk_live_%%%''', '''pk_live_''',
    '''pk_live_Y2xlcmsuZXhhbXBsZS5jb20''', '''pk_live_Y2xlcmsuZXhhbXBsZS5jb20kJA==''', '''pk_live_bG9jYWxob3N0JA==''',
    ''' pk_live_Y2xlcmsuZXhhbXBsZS5jb20k''', '''pk_live_Y2xlcmsuZXhhbXBsZS5jb20k_x''', '''pk_live_ZXZpbC5jb20vcGF0aCQ=''',
    '''sk_live_0123456789abcdef''', ''' sk_test_0123456789abcdef''',
    ':key, issuer => ''''', ':key, issuer => ''clerk.example.com''', ':key, issuer => ''http://clerk.example.com''',
    ':key, issuer => ''https://clerk.example.com/''', ':key, issuer => ''https://u:p@clerk.example.com''',
    ':key, issuer => ''https://clerk.example.com?x''', ':key, issuer => ''https://clerk.example.com#x''',
    ':key, issuer => '' https://clerk.example.com''', ':key, issuer => ''ftp://clerk.example.com''',
    ':key, issuer => ''https://'' || repeat(''a'', 2048)',
    ':key, jwks_url => ''http://clerk.example.com/jwks.json''', ':key, jwks_url => ''file:///etc/passwd''',
    ':key, jwks_url => ''http://localhost.example.com/jwks.json''', ':key, jwks_url => ''https://u@clerk.example.com/''',
    ':key, jwks_url => ''''',
    ':key, authorized_parties => ''{https://a.example,NULL}''', ':key, authorized_parties => ''{""}''',
    ':key, audiences => ''{NULL}''', ':key, audiences => ''{api,""}''',
    ':key, clock_skew => ''-1 second''', ':key, clock_skew => ''5 minutes 1 second''', ':key, clock_skew => ''1 month''',
    ':key, issuer => ''https://clerk.example.com'''
]) WITH ORDINALITY AS calls (call, number),
    testing.outcome(format('SELECT clerk.configure(%s, fetch_keys => false)',
        replace(call, ':key', quote_literal(:'test')))) AS outcome
ORDER BY number;
-- The secret in a secret key is nowhere in the answer.
SELECT strpos(concat(result, detail, hint), '0123456789') AS place
FROM testing.outcome('SELECT clerk.configure(''sk_live_0123456789abcdef'')');
-- A refused call changed nothing.
SELECT issuer, jwks_url FROM clerk.instances;

-- What looks odd and is allowed: plain http to this very host, a longer skew, a query in the address of the keys.
SELECT call, code, result
FROM unnest(ARRAY['issuer => ''http://localhost:8080''', 'issuer => ''http://127.0.0.1''', 'issuer => ''http://[::1]:1''',
    'jwks_url => ''https://clerk.example.com/jwks?x=1''', 'clock_skew => ''5 minutes''']) AS call,
    testing.outcome(format('SELECT (clerk.configure(%L, %s, fetch_keys => false)).value', :'test', call));
SELECT clerk.remove_instance(issuer) FROM clerk.instances WHERE publishable_key = :'test';

-- Several instances side by side: each token is looked at by the rules and keys of its own issuer.
BEGIN;
SELECT count(*) AS rows FROM clerk.configure(:'test', fetch_keys => false);
SELECT outcome FROM clerk.add_signing_keys('https://happy-hippo-1.clerk.accounts.dev',
    jsonb_set(:'forged_jwks', '{keys,0,kid}', '"ins_hippo"'));

SELECT (testing.outcome_as(:'alice', 'SELECT clerk_user_id()')).result AS production,
    (testing.outcome_as(:'hippo', 'SELECT clerk_user_id()')).result AS development;
SELECT value FROM clerk.configure(:'test', authorized_parties => '{https://dev.example.com}', fetch_keys => false) WHERE item = 'instance';
SELECT (testing.outcome_as(:'alice', 'SELECT clerk_user_id()')).result AS production,
    (testing.outcome_as(:'hippo', 'SELECT clerk_user_id()')).detail AS development;

-- Another issuer for the same publishable key: the instance moves, and its keys with it.
SELECT value FROM clerk.configure(:'test', issuer => 'https://example.dev/__clerk', fetch_keys => false) WHERE item IN ('instance', 'issuer');
SELECT issuer, kid FROM clerk.signing_keys ORDER BY issuer, kid;
SELECT code, detail FROM testing.outcome_as(:'hippo', 'SELECT clerk_user_id()');

-- An issuer that another publishable key has is taken.
SELECT code, result, hint FROM testing.outcome(format('SELECT clerk.configure(%L, issuer => %L, fetch_keys => false)', :'other', 'https://clerk.example.com'));
SELECT clerk.remove_instance('https://example.dev/__clerk');
SELECT clerk.remove_instance('https://example.dev/__clerk');
SELECT issuer, kid FROM clerk.signing_keys ORDER BY issuer, kid;
ROLLBACK;

-- configure() rolls back with its transaction, and with its savepoint.
BEGIN;
SAVEPOINT one;
SELECT count(*) AS rows FROM clerk.configure(:'live', clock_skew => '1 minute', fetch_keys => false);
SELECT clock_skew FROM clerk.instances;
ROLLBACK TO one;
SELECT clock_skew FROM clerk.instances;
COMMIT;

-- Without an instance, a token is an error that says what to do, and no token is nobody.
BEGIN;
SELECT clerk.remove_instance('https://clerk.example.com');
SELECT clerk_user_id();
SELECT code, result, detail, hint FROM testing.outcome_as(:'alice', 'SELECT clerk_user_id()');
SELECT code, result, hint FROM testing.outcome('SELECT clerk.refresh_signing_keys()');
SELECT code, result, hint FROM testing.outcome('SELECT clerk.refresh_signing_keys(''https://clerk.example.com'')');
ROLLBACK;

-- Keys that cannot be fetched: a warning, a note beside the instance, and the keys that are there stay. Nothing listens
-- on port 1.
BEGIN;
SELECT item, value FROM clerk.configure(:'live', jwks_url => 'http://127.0.0.1:1/jwks.json')
WHERE item IN ('instance', 'signing_keys');
SELECT keys_fetched_at, keys_error FROM clerk.instances;
SELECT * FROM clerk.refresh_signing_keys();
SELECT issuer, kid FROM clerk.signing_keys;
SELECT result FROM testing.outcome_as(:'alice', 'SELECT clerk_user_id()');
ROLLBACK;

-- An interval whose parts cancel out is as long as it is.
BEGIN;
SELECT value FROM clerk.configure(:'live', clock_skew => '1 month -30 days 7 seconds', fetch_keys => false)
WHERE item = 'instance';
SELECT result FROM testing.outcome_as(:'alice', 'SELECT clerk_user_id()');
ROLLBACK;

-- A read-only transaction may look, and change nothing.
BEGIN READ ONLY;
SELECT count(*) FROM clerk.instances;
SELECT call, outcome.code FROM unnest(ARRAY[
    'item FROM clerk.configure(''pk_live_Y2xlcmsuZXhhbXBsZS5jb20k'', fetch_keys => false)',
    'clerk.remove_instance(''https://clerk.example.com'')',
    'kid FROM clerk.add_signing_keys(''https://clerk.example.com'', ''{}'')',
    'clerk.remove_signing_key(''https://clerk.example.com'', ''ins_test'')',
    'detail FROM clerk.refresh_signing_keys()'
]) WITH ORDINALITY AS calls (call, number), testing.outcome('SELECT ' || call) AS outcome ORDER BY number;
SELECT result FROM testing.outcome_as(:'alice', 'SELECT clerk_user_id()');
COMMIT;

-- The administrator writes through these functions alone.
SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user;
SELECT statement, outcome.code FROM unnest(ARRAY[
    'INSERT INTO clerk.instances SELECT * FROM clerk.instances', 'UPDATE clerk.instances SET allow_pending = true',
    'DELETE FROM clerk.signing_keys', 'TRUNCATE clerk.signing_keys', 'DROP TABLE clerk.signing_keys',
    'ALTER TABLE clerk.instances DISABLE TRIGGER ALL', 'CREATE TABLE clerk.mine ()',
    'DROP FUNCTION clerk.remove_instance(text)', 'SET clerk_sync.trust_request_claims = on',
    'SET clerk_sync.token_scope = session', 'SET clerk_sync.ca_file = ''/tmp/ca.pem'''
]) WITH ORDINALITY AS statements (statement, number), testing.outcome(statement) AS outcome ORDER BY number;
RESET ROLE;

-- An authorized party is an origin as browsers send it: with a slash at its end it would lock everybody out.
SELECT * FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', authorized_parties => '{https://app.example.com/}', fetch_keys => false);
SELECT * FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', authorized_parties => '{https://app.example.com,not an origin}', fetch_keys => false);
