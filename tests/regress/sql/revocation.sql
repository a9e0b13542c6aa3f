-- clerk_sync.check_revocation: tokens of those who were banned or deleted, and of sessions that ended.

\set ada `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_ada","sid":"sess_ada"}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_bob","sid":"sess_bob"}'`
INSERT INTO clerk.users (id, updated_at, banned, deleted_at) VALUES
    ('user_ada', now(), NULL, NULL), ('user_bob', now(), false, NULL);
INSERT INTO clerk.sessions (id, user_id, status, updated_at) VALUES
    ('sess_ada', 'user_ada', 'active', now()), ('sess_bob', 'user_bob', 'active', now());
CREATE TABLE public.note (owner text);
INSERT INTO public.note SELECT 'user_' || name FROM unnest('{ada,bob}'::text[]) AS name, generate_series(1, 1000);
ALTER TABLE public.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.note USING (owner = clerk_user_id());
GRANT SELECT ON public.note TO regress_app;

-- Off: nobody asks.
UPDATE clerk.users SET banned = true WHERE id = 'user_ada';
SET ROLE regress_app;
SELECT * FROM testing.outcome_as(:'ada', 'SELECT count(*) FROM public.note');
SELECT code FROM testing.outcome('SET clerk_sync.check_revocation = on');
RESET ROLE;

SET clerk_sync.check_revocation = on;
SET ROLE regress_app;
SELECT * FROM testing.outcome_as(:'ada', 'SELECT count(*) FROM public.note');
SELECT * FROM testing.outcome_as(:'bob', 'SELECT count(*) FROM public.note');
SELECT * FROM testing.outcome('SELECT clerk_user_id()');
-- Under PostgREST.
SELECT code, detail FROM testing.outcome_of_request(json_build_object('authorization', 'Bearer ' || :'ada')::text, 'SELECT clerk_user_id()');
RESET ROLE;
-- Let in again, and out for other reasons; from the next statement on.
UPDATE clerk.users SET banned = false WHERE id = 'user_ada';
SELECT result, detail FROM testing.outcome_as(:'ada', 'SELECT clerk_user_id()');
UPDATE clerk.sessions SET status = 'revoked' WHERE id = 'sess_ada';
SELECT result, detail FROM testing.outcome_as(:'ada', 'SELECT clerk_user_id()');
UPDATE clerk.sessions SET status = 'active' WHERE id = 'sess_ada';
SELECT result, detail FROM testing.outcome_as(:'ada', 'SELECT clerk_user_id()');
UPDATE clerk.users SET deleted_at = now() WHERE id = 'user_ada';
SELECT result, detail FROM testing.outcome_as(:'ada', 'SELECT clerk_user_id()');
-- Whoever is not known is let in.
DELETE FROM clerk.users;
DELETE FROM clerk.sessions;
SELECT result, detail FROM testing.outcome_as(:'ada', 'SELECT clerk_user_id()');
-- In one transaction: what another statement did counts from the next one on.
BEGIN;
SELECT set_config('clerk_sync.token', :'ada', true) <> '' AS set;
SELECT clerk_user_id();
INSERT INTO clerk.users (id, updated_at, banned) VALUES ('user_ada', now(), true);
SELECT clerk_user_id();
ROLLBACK;
RESET clerk_sync.check_revocation;
DROP TABLE public.note;
