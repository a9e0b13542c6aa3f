-- The signed-in user's own row, before Clerk's webhook tells of it. With the rights of the functions' owner, as
-- clerk_is_member().

CREATE FUNCTION clerk_ensure_user() RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clerk_ensure_user';
COMMENT ON FUNCTION clerk_ensure_user() IS
    'the user id, whose row is in clerk.users from now on; error 42501 where nobody is signed in, or the user was deleted';

CREATE FUNCTION clerk_ensure_user_trigger() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clerk_ensure_user_trigger';
COMMENT ON FUNCTION clerk_ensure_user_trigger() IS
    'the same as a trigger BEFORE INSERT ... FOR EACH ROW on a table that references clerk.users; does nothing where nobody is signed in';
