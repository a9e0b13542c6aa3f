-- Only databases in UTF-8: tokens, claims and keys are, and what a database cannot hold it cannot protect.

\set SHOW_CONTEXT never

CREATE DATABASE regress_latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
CREATE DATABASE regress_ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
SELECT current_database() AS before \gset

\c regress_latin1
CREATE EXTENSION clerk_sync;
-- Nothing stays behind.
SELECT count(*) FROM pg_namespace WHERE nspname = 'clerk';
\c regress_ascii
CREATE EXTENSION clerk_sync;

\c :before
DROP DATABASE regress_latin1;
DROP DATABASE regress_ascii;
