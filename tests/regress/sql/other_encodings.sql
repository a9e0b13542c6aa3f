-- Databases in other encodings than UTF-8: claims come out in the database's own, texts of a query go in; what the
-- encoding cannot hold is an error where it is asked for, and only there.

SELECT current_database() AS home \gset
\set jwks `cat "$CLERK_TEST_KEYS/jwks.json"`
\set zoe `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_zoe","name":"Zoë Müller","escaped":"Zo\u00eb M\u00fcller","fea":"o:büro","o":{"id":"org_acme","slg":"müller","rol":"geschäftsführer","per":"öffnen","fpm":"1"}}'`
\set olga `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_olga","name":"Ольга","o":{"id":"org_acme","slg":"ольга","rol":"админ"}}'`
\set escaped `clerk-testing sign --key "$CLERK_TEST_KEYS" --lifetime 600 --claims '{"sub":"user_olga","name":"\u041e\u043b\u044c\u0433\u0430"}'`

CREATE DATABASE regression_latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE regression_sql_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C';
\set VERBOSITY terse

--
-- LATIN1 holds Zoë and Müller, in one byte a letter.
--
\c regression_latin1
SET client_encoding = UTF8;
SHOW server_encoding;
SET client_min_messages = warning;
CREATE EXTENSION clerk_sync;
RESET client_min_messages;
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false) WHERE item = 'instance';
SELECT * FROM clerk.add_signing_keys('https://clerk.example.com', :'jwks');
CREATE TABLE public.notes (owner text, org_name text, note text);
INSERT INTO public.notes VALUES ('user_zoe', 'müller', 'Zoës Notiz'), ('user_olga', 'acme', 'another''s');
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.notes USING (clerk_owns(owner) AND org_name = clerk_org_slug());
GRANT SELECT ON public.notes TO regress_app;
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'zoe';
SELECT clerk_user_id(), clerk_org_slug(), clerk_org_role();
SELECT clerk_claim('name') AS name, octet_length(clerk_claim('name')) AS bytes, clerk_claim('escaped') AS escaped,
    clerk_claim('name') = 'Zoë Müller' AS same, clerk_claims() ->> 'name' = 'Zoë Müller' AS same_in_jsonb;
SELECT clerk_has_role('geschäftsführer') AS role, clerk_has_role('geschaftsfuhrer') AS other_role,
    clerk_has_permission('org:büro:öffnen') AS permission, clerk_has_permission('org:buro:offnen') AS other_permission,
    clerk_has_feature('büro') AS feature, clerk_require_role('org:geschäftsführer') AS required;
SELECT note FROM public.notes;
-- The same through the header.
SELECT set_config('clerk_sync.token', '', true), count(*)
FROM set_config('request.headers', json_build_object('authorization', 'Bearer ' || :'zoe')::text, true);
SELECT clerk_user_id(), clerk_org_slug();
COMMIT;

-- What it has no letters for: every answer that needs none of them is given; the others are errors.
BEGIN;
SET LOCAL clerk_sync.token = :'olga';
SELECT clerk_user_id(), clerk_org_id(), clerk_has_role('admin'), clerk_has_role('müller'), clerk_owns('user_olga');
SAVEPOINT before;
SELECT clerk_org_slug();
ROLLBACK TO SAVEPOINT before;
SELECT count(*) FROM public.notes;
ROLLBACK TO SAVEPOINT before;
SELECT clerk_org_role();
ROLLBACK TO SAVEPOINT before;
\set VERBOSITY default
SELECT clerk_claim('name');
\set VERBOSITY terse
ROLLBACK TO SAVEPOINT before;
SELECT clerk_claims();
ROLLBACK TO SAVEPOINT before;
SELECT clerk_user_id();
SET LOCAL clerk_sync.token = :'escaped';
SELECT clerk_user_id();
SELECT clerk_claim('name');
ROLLBACK;

-- A token of letters that are not ASCII is no token.
BEGIN;
SET LOCAL clerk_sync.token = 'é.é.é';
\set VERBOSITY default
SELECT clerk_user_id();
\set VERBOSITY terse
ROLLBACK;
RESET ROLE;
SELECT ok, reason FROM clerk.inspect_token('é.é.é') WHERE "check" = 'verdict';
SELECT ok, reason, detail FROM clerk.inspect_token(:'zoe') WHERE "check" = 'verdict';

--
-- SQL_ASCII takes bytes as they come: those of the token, which are UTF-8.
--
\c regression_sql_ascii
SHOW server_encoding;
SET client_min_messages = warning;
CREATE EXTENSION clerk_sync;
RESET client_min_messages;
SELECT value FROM clerk.configure('pk_live_Y2xlcmsuZXhhbXBsZS5jb20k', fetch_keys => false) WHERE item = 'instance';
SELECT * FROM clerk.add_signing_keys('https://clerk.example.com', :'jwks');
SET ROLE regress_app;
BEGIN;
SET LOCAL clerk_sync.token = :'zoe';
SELECT clerk_user_id(), convert_to(clerk_claim('name'), 'SQL_ASCII') = '\x5a6fc3ab204dc3bc6c6c6572' AS name,
    clerk_org_slug() = 'müller' AS slug, clerk_has_role('geschäftsführer') AS role, clerk_claim('sub');
SET LOCAL clerk_sync.token = :'olga';
SELECT clerk_user_id(), clerk_claim('name') = 'Ольга' AS name, clerk_has_role('админ') AS role;
-- Bytes that are no UTF-8 are an error.
SELECT clerk_has_role(convert_from('\xe4e4', 'SQL_ASCII'));
ROLLBACK;

\c :home
DROP DATABASE regression_latin1;
DROP DATABASE regression_sql_ascii;
