-- The signed-in user's row, before the webhook: made from the verified session, completed by any event.

\set ada `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_ada"}'`
\set bob `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_bob"}'`
\set gone `clerk-testing sign --key "$CLERK_TEST_KEYS" --claims '{"sub":"user_gone"}'`
SELECT clerk.set_secret('webhook_secret', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');
CREATE TABLE public.note (id integer PRIMARY KEY, owner text NOT NULL DEFAULT clerk_user_id() REFERENCES clerk.users (id));
CREATE TRIGGER ensure_user BEFORE INSERT ON public.note FOR EACH ROW EXECUTE FUNCTION clerk_ensure_user_trigger();
GRANT SELECT, INSERT ON public.note TO regress_app;
SELECT testing.deliver('msg_1', testing.event('user.deleted', '{"id": "user_gone"}', 1767225600000));

-- A plain role, with no right on the table.
SET ROLE regress_app;
SELECT * FROM testing.outcome('SELECT clerk_ensure_user()');
SELECT result, code FROM testing.outcome_as(:'ada', 'SELECT clerk_ensure_user()');
SELECT result, code FROM testing.outcome_as(:'ada', 'SELECT clerk_ensure_user()');
SELECT * FROM testing.outcome_as(:'gone', 'SELECT clerk_ensure_user()');
SELECT result, code FROM testing.outcome_as('nonsense', 'SELECT clerk_ensure_user()');
-- By the trigger; nobody's insert is not its business.
SELECT result, code FROM testing.outcome_as(:'bob', 'INSERT INTO public.note VALUES (1) RETURNING owner');
SELECT result, code FROM testing.outcome_as(:'gone', 'INSERT INTO public.note VALUES (2) RETURNING owner');
SELECT result, code FROM testing.outcome('INSERT INTO public.note VALUES (3, ''user_ada'') RETURNING owner');
SELECT result, code FROM testing.outcome('SELECT clerk_ensure_user_trigger()');
RESET ROLE;
SET TimeZone = 'UTC';
SELECT id, instance_id, updated_at, event_at, deleted_at IS NOT NULL AS deleted, data FROM clerk.users ORDER BY id;
SELECT * FROM public.note ORDER BY id;
-- Any event outranks it; nothing takes it back.
SELECT testing.deliver('msg_2', testing.event('user.created', '{"id": "user_ada", "username": "ada", "updated_at": 1}', 1000));
SELECT result, code FROM testing.outcome_as(:'ada', 'SELECT clerk_ensure_user()');
SELECT id, username, updated_at FROM clerk.users WHERE id = 'user_ada';
-- It only reads where the row is there already.
BEGIN READ ONLY;
SELECT result, code FROM testing.outcome_as(:'ada', 'SELECT clerk_ensure_user()');
COMMIT;

DROP TABLE public.note;
DELETE FROM clerk.users;
DELETE FROM clerk.webhook_events;
SELECT clerk.remove_secret('webhook_secret');
RESET TimeZone;
