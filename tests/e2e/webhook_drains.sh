#!/usr/bin/env bash
# Two drains at once, whose batches hold the same users in opposite orders and fail, so that both go one by one: they never
# wait for each other long, no attempt of a sound event is lost, and all are applied.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server drains shared_preload_libraries=clerk_sync
set_up
sql "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$
    BEGIN
        PERFORM pg_sleep(0.001);
        IF NEW.first_name = 'Poison' THEN RAISE 'no'; END IF;
        RETURN NEW;
    END \$\$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION refuse();
    INSERT INTO clerk.webhook_events (id, instance_id, type, event_at, status, next_attempt_at, received_at, body)
    SELECT 'msg_' || n, 'ins_test', 'user.updated', now(), 'received', now() - interval '1 hour' + n * interval '1 ms', now(),
        json_build_object('object', 'event', 'type', 'user.updated', 'instance_id', 'ins_test', 'timestamp', 1767225600000 + n,
            'data', json_build_object('object', 'user', 'id', 'user_' || lpad((CASE WHEN n <= 500 THEN n ELSE 1001 - n END)::text, 4, '0'),
                'first_name', CASE WHEN n IN (1, 501) THEN 'Poison' ELSE 'Name ' || n END, 'updated_at', 1767225600000 + n))
    FROM generate_series(1, 1000) AS n"
drain() {
    local turn
    for ((turn = 0; turn < 20; turn++)); do
        sql "SELECT clerk._drain(500); UPDATE clerk.webhook_events SET next_attempt_at = now() WHERE status = 'received'" >/dev/null
    done
}
since=$(microseconds)
drain &
drain
wait
taken=$((($(microseconds) - since) / 1000000))
holds "two drains get by each other ($taken s)" [ "$taken" -le 60 ]
is "what is sound is applied, without an attempt lost, and what is poisoned has failed alone" \
    "$(sql "SELECT status, attempts, count(*) FROM clerk.webhook_events WHERE status <> 'stale' GROUP BY 1, 2 ORDER BY 1, 2" | sed 's/^applied|0|.*/applied/')" \
    $'applied\nfailed|1|2'
is "each user is as the last sound event says" \
    "$(sql "SELECT count(*), count(*) FILTER (WHERE first_name = 'Name ' || (1001 - right(id, 4)::integer)) FROM clerk.users")" '500|499'
finish
