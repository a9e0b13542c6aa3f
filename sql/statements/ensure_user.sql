-- A row of which nothing is known but the id $1. Any event of any instance outranks it.
INSERT INTO clerk.users (id, updated_at, event_at) VALUES ($1, clerk._time(0), clerk._time(0))
ON CONFLICT (id) DO NOTHING
