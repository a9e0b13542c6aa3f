-- clerk_claims() is the token's payload as jsonb, and clerk_claim() is #>> on it, whatever the claim is.

\set token `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","meta":{"plan":"gold","tags":["a","b",{"c":null}],"empty":{},"none":null,"":"empty key","a.b":"dot","ok":true},"name":"Zoë ß \"quoted\"\n","array":[[1,2],[3]],"text":""}'`
\set nul `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","bad":"a\u0000b"}'`

-- An empty text and no claim are told apart.
\pset null (null)

SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'token';

-- The claims of this test; the times differ from run to run.
SELECT jsonb_pretty(clerk_claims() - '{exp,iat,nbf}'::text[]);

-- The same answer from both, also where there is none.
SELECT path, clerk_claim(VARIADIC path) AS claim,
    clerk_claim(VARIADIC path) IS NOT DISTINCT FROM clerk_claims() #>> path AS same
FROM (VALUES
    ('{sub}'::text[]), ('{meta,plan}'), ('{meta,tags}'), ('{meta,tags,0}'), ('{meta,tags,-1,c}'), ('{meta,tags,7}'),
    ('{meta,tags,x}'), ('{meta,empty}'), ('{meta,none}'), ('{meta,""}'), ('{meta,a.b}'), ('{meta,ok}'), ('{name}'),
    ('{array}'), ('{array,0,1}'), ('{text}'), ('{missing}'), ('{missing,deeper}'), ('{sub,deeper}'),
    ('{SUB}'), ('{meta,NULL}'), ('{NULL}')
) AS paths (path);

-- The empty path is the whole.
SELECT clerk_claim(VARIADIC '{}')::jsonb = clerk_claims() AS whole;

-- NULL instead of a path, or in it: there is no such claim.
SELECT clerk_claim(VARIADIC NULL), clerk_claim(NULL), clerk_claim('meta', NULL);

-- As the parts of a path one may write them one by one; a query asks for several claims, row by row.
SELECT clerk_claim('meta', 'tags', '1'), clerk_claim('meta', 'plan');
SELECT n, clerk_claim('array', n::text) FROM generate_series(0, 2) AS n;
SELECT clerk_claim(VARIADIC '{{meta,plan}}') AS two_dimensions;

-- Numbers keep the digits that they came with. (clerk-testing writes numbers as JavaScript does; so these claims
-- come from a gateway.)
RESET ROLE;
SET LOCAL clerk_sync.trust_request_claims = on;
SET LOCAL ROLE regress_app;
SET LOCAL clerk_sync.token = '';
SELECT set_config('request.jwt.claims', jsonb_build_object(
    'iss', 'https://clerk.example.com', 'sub', 'user_alice', 'sid', 'sess_1', 'exp', extract(epoch FROM now() + '1 min'),
    'big', 123456789012345678901234567890, 'exact', 1.10)::text, true) <> '' AS set;
SELECT clerk_claims() - '{iss,sub,sid,exp}'::text[] AS numbers, clerk_claim('big') AS big;

-- A text that jsonb cannot hold is no reason to sign anybody out, but the claims cannot be read.
SET LOCAL clerk_sync.token = :'nul';
SELECT clerk_user_id();
SELECT statement, code, result, detail, hint
FROM unnest('{SELECT clerk_claims(),"SELECT clerk_claim(''sub'')"}'::text[]) AS statement, testing.outcome(statement);
COMMIT;
