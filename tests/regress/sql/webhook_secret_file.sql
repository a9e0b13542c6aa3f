-- The signing secrets of a file that a superuser's setting names: beside those of clerk.set_secret(), and as soon as it changes.

CREATE FUNCTION testing.receive(id text, secret text) RETURNS text LANGUAGE sql AS $body$
    SELECT concat_ws(' ', status, outcome)
    FROM (VALUES (testing.event('email.created', '{}', 1767225600000))) AS e (body),
        clerk.receive_webhook(testing.headers(id, body, secret), body)
$body$;
CREATE PROCEDURE testing.write(path text, content text) LANGUAGE plpgsql AS $body$
BEGIN
    EXECUTE format('COPY (SELECT unnest(string_to_array(%L, E''\n''))) TO %L', content, path);
    -- The time of a change is counted in ticks of the kernel.
    PERFORM pg_sleep(0.05);
END
$body$;
SELECT current_setting('data_directory') || '/webhook_secret' AS path \gset

-- Relative to the data directory. One secret; a rotation; one again.
CALL testing.write(:'path', 'whsec_AAAA');
SET clerk_sync.webhook_secret_file = 'webhook_secret';
SELECT testing.receive('msg_1', 'whsec_AAAA') AS in_the_file, testing.receive('msg_2', 'whsec_BBBB') AS another;
CALL testing.write(:'path', E'# the endpoint\nwhsec_BBBB\nwhsec_AAAA');
SELECT testing.receive('msg_3', 'whsec_AAAA') AS old, testing.receive('msg_4', 'whsec_BBBB') AS new;
CALL testing.write(:'path', 'whsec_BBBB');
SELECT testing.receive('msg_5', 'whsec_AAAA') AS old, testing.receive('msg_6', 'whsec_BBBB') AS new;

-- Beside the table's.
SELECT clerk.set_secret('webhook_secret', 'whsec_CCCC');
SELECT testing.receive('msg_7', 'whsec_BBBB') AS in_the_file, testing.receive('msg_8', 'whsec_CCCC') AS in_the_table;
SELECT clerk.remove_secret('webhook_secret');

-- What cannot be used counts for nothing; it is told once, and without a word of the content.
CALL testing.write(:'path', 'not a secret');
SELECT testing.receive('msg_9', 'whsec_BBBB');
SELECT testing.receive('msg_9', 'whsec_BBBB');
CALL testing.write(:'path', E'whsec_AAAA\nwhsec_BBBB\nwhsec_CCCC');
SELECT testing.receive('msg_9', 'whsec_BBBB');
CALL testing.write(:'path', repeat('x', 5000));
SELECT testing.receive('msg_9', 'whsec_BBBB');
SET clerk_sync.webhook_secret_file = 'no_such_file';
SELECT testing.receive('msg_9', 'whsec_BBBB');
SET clerk_sync.webhook_secret_file = 'base';
SELECT testing.receive('msg_9', 'whsec_BBBB');
RESET clerk_sync.webhook_secret_file;
SELECT testing.receive('msg_9', 'whsec_BBBB');

-- A superuser's alone, to set and to see.
SET ROLE regress_app;
SELECT result, code FROM testing.outcome($$SET clerk_sync.webhook_secret_file = 'webhook_secret'$$);
SELECT code FROM testing.outcome($$SHOW clerk_sync.webhook_secret_file$$);
RESET ROLE;
SELECT count(*) FROM clerk.webhook_events;
DELETE FROM clerk.webhook_events;
