-- Roles, permissions, features, plans and reverification: Clerk's has(), asked in SQL. (Every case of Clerk's own
-- code is played in clerk_core's tests; these show that SQL asks the same question.)

\set v1 `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","v":null,"org_id":"org_acme","org_role":"org:admin","org_permissions":["org:posts:read","org:posts:write"],"fea":"o:posts,u:dashboard,uo:chat","pla":"u:pro,o:business","fva":[5,20]}'`
\set v2 `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","fea":"o:posts,u:dashboard,uo:chat","pla":"u:pro,o:business","fva":[5,20],"o":{"id":"org_acme","rol":"admin","per":"read,write","fpm":"3"}}'`
-- The two readings of fpm differ: a pure user feature stands before one of the organization. Both grant posts:read;
-- Clerk's JavaScript alone grants chat:read, its Python alone chat:write.
\set readings `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","fea":"o:posts,u:dashboard,o:chat","o":{"id":"org_acme","rol":"admin","per":"read,write","fpm":"1,1,2"}}'`
\set personal `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_alice","fea":"u:dashboard","pla":"u:pro"}'`

CREATE TABLE testing.questions (number serial, question text);
INSERT INTO testing.questions (question) VALUES
    ('clerk_has_role(''admin'')'), ('clerk_has_role(''org:admin'')'), ('clerk_has_role(''org:org:admin'')'),
    ('clerk_has_role(''Admin'')'), ('clerk_has_role(''member'')'), ('clerk_has_role('''')'), ('clerk_has_role(NULL)'),
    ('clerk_has_permission(''org:posts:read'')'), ('clerk_has_permission(''posts:write'')'),
    ('clerk_has_permission(''org:posts:delete'')'), ('clerk_has_permission(''org:sys_memberships:manage'')'),
    ('clerk_has_permission('''')'), ('clerk_has_permission(NULL)'),
    ('clerk_has_feature(''posts'')'), ('clerk_has_feature(''o:posts'')'), ('clerk_has_feature(''u:posts'')'),
    ('clerk_has_feature(''organization:posts'')'), ('clerk_has_feature(''x:posts'')'),
    ('clerk_has_feature(''u:chat'')'), ('clerk_has_feature(''dashboard'')'), ('clerk_has_feature(''o:'')'),
    ('clerk_has_feature(NULL)'),
    ('clerk_has_plan(''pro'')'), ('clerk_has_plan(''o:pro'')'), ('clerk_has_plan(''business'')'),
    ('clerk_has_plan(NULL)'),
    ('clerk_reverified(''strict'')'), ('clerk_reverified(''strict_mfa'')'), ('clerk_reverified(''moderate'')'),
    ('clerk_reverified(''lax'')'), ('clerk_reverified(''Strict'')'), ('clerk_reverified(NULL)'),
    ('clerk_reverified(''first_factor'', ''5 minutes'')'), ('clerk_reverified(''first_factor'', ''5 minutes 1 second'')'),
    ('clerk_reverified(''second_factor'', ''20 minutes'')'), ('clerk_reverified(''second_factor'', ''21 minutes'')'),
    ('clerk_reverified(''multi_factor'', ''20 minutes'')'), ('clerk_reverified(''multi_factor'', ''1 day'')'),
    ('clerk_reverified(''multi_factor'', ''1 month'')'), ('clerk_reverified(''first_factor'', ''0'')'),
    ('clerk_reverified(''first_factor'', ''-1 hour'')'), ('clerk_reverified(''third_factor'', ''1 day'')'),
    ('clerk_reverified(''first_factor'', NULL)'), ('clerk_reverified(NULL, ''1 day'')');
GRANT SELECT ON testing.questions TO regress_app;

SET ROLE regress_app;

-- Old and new tokens answer alike. Without a session or an organization the answer is false, never NULL.
SELECT question, v1.result AS v1, v2.result AS v2, personal.result AS personal, nobody.result AS nobody
FROM testing.questions,
    testing.outcome_as(:'v1', 'SELECT ' || question) AS v1,
    testing.outcome_as(:'v2', 'SELECT ' || question) AS v2,
    testing.outcome_as(:'personal', 'SELECT ' || question) AS personal,
    testing.outcome_as('', 'SELECT ' || question) AS nobody
ORDER BY number;

BEGIN;
SET LOCAL clerk_sync.token = :'readings';
SELECT clerk_has_permission('org:posts:read') AS both_grant, clerk_has_permission('org:chat:read') AS javascript,
    clerk_has_permission('org:chat:write') AS python;
COMMIT;

-- clerk_require_*: true or the user id, or 42501, with what is missing in the message.
SELECT statement, "as", outcome.*
FROM (VALUES ('v2', :'v2'), ('personal', :'personal'), ('nobody', '')) AS people ("as", token),
    unnest(ARRAY[
        'SELECT clerk_require_user()', 'SELECT clerk_require_role(''admin'')', 'SELECT clerk_require_role(NULL)',
        'SELECT clerk_require_permission(''org:posts:write'')'
    ]) WITH ORDINALITY AS statements (statement, number),
    testing.outcome_as(token, statement) AS outcome
ORDER BY number, "as" DESC;

-- They stop a statement before it writes.
BEGIN;
SET LOCAL clerk_sync.token = :'personal';
CREATE TEMP TABLE written AS SELECT 'row' AS what WHERE clerk_require_role('admin');
ROLLBACK;
\echo :LAST_ERROR_SQLSTATE

RESET ROLE;
DROP TABLE testing.questions;
