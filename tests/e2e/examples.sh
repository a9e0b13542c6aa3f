#!/usr/bin/env bash
# examples/quickstart.sql runs as it is printed, the demo shows what it promises, and docs/testing.md is what happens.

# shellcheck source=lib/e2e.sh
source "$(dirname "$0")/lib/e2e.sh"

start_server examples
cp "$CLERK_TEST_KEYS/jwks.json" "$SCRATCH/jwks.json"
clerk-testing serve --jwks "$SCRATCH/jwks.json" --port-file "$SCRATCH/port" &
UNDO+=("kill $!")
wait_until 10 test -s "$SCRATCH/port"
# The example's configure() then asks this endpoint instead of Clerk.
sql "CREATE EXTENSION clerk_sync; SELECT FROM clerk.configure('$PUBLISHABLE_KEY', fetch_keys => false,
    jwks_url => 'http://127.0.0.1:$(cat "$SCRATCH/port")/.well-known/jwks.json')" >/dev/null

status=0
psql --no-psqlrc -qAt -v "publishable_key=$PUBLISHABLE_KEY" -f "$ROOT/examples/quickstart.sql" \
    -v "token=$(sign '{"sub":"user_alice","fea":"o:todos","o":{"id":"org_acme","slg":"acme","rol":"admin","per":"manage,read","fpm":"3"}}')" \
    >"$SCRATCH/quickstart" 2>&1 || status=$?
answer=$(cat "$SCRATCH/quickstart")
is "the quickstart runs to its end" "$status" 0
like "it fetches the keys" "$answer" '*signing_keys|fetched: ins_test*'
like "it says who is signed in" "$answer" '*user_alice|org_acme|org:admin|t*'
like "its row belongs to the person and the organization" "$answer" '*1|user_alice|org_acme|read the other examples*'
like "the token is explained" "$answer" '*verdict|t||accepted'
is "the quickstart's role is neither superuser nor exempt from row security" \
    "$(sql "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'app'")" f

status=0
CLERK_TEST_KEYS='' CLERK_FORGED_KEYS='' "$ROOT/scripts/demo.sh" >"$SCRATCH/demo" 2>&1 || status=$?
demo=$(cat "$SCRATCH/demo")
is "the demo runs to its end, refused where it must be" "$status" 0
like "alice sees her organization's documents" "$demo" '*5. Alice*Acme roadmap | user_alice | org_acme*Acme budget  | user_alice | org_acme*6. *'
like "bob sees his" "$demo" '*4. Bob*Globex prices | user_bob | org_globex*5. *'
like "a stranger sees nothing" "$demo" '*6. A stranger*?null?        |              0*7. *'
like "an expired token is refused with its reason" "$demo" '*8. An expired*token-expired*9. *'
like "a forged one too" "$demo" '*9. A forged*token-invalid-signature*10. *'
like "and is explained" "$demo" '*10. Why*signature        | f  | token-invalid-signature*verdict *'

# fences KIND FILE: what is between ```KIND and ``` in a document.
fences() { awk -v kind="\`\`\`$1" '$0 == "```" { inside = 0 } inside; $0 == kind { inside = 1; if (NR > 1) print "" }' "$2"; }
sql 'CREATE DATABASE testing'
sql "CREATE EXTENSION clerk_sync;
    CREATE TABLE documents (id integer PRIMARY KEY, title text, owner text DEFAULT clerk_user_id(), org text DEFAULT clerk_org_id());
    INSERT INTO documents VALUES (1, 'plan', 'user_alice', 'org_acme'), (2, 'budget', 'user_anna', 'org_acme'), (3, 'prices', 'user_bob', 'org_globex');
    ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
    CREATE POLICY owner_all ON documents USING (owner = clerk_user_id());
    CREATE POLICY org_reads ON documents FOR SELECT USING (org = clerk_org_id());
    GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO app;" -d testing
status=0
psql --no-psqlrc -q -d testing -v ON_ERROR_STOP=1 -f <(fences sql docs/testing.md) >"$SCRATCH/testing" 2>&1 || status=$?
is "the statements of docs/testing.md run to their end" "$status" 0
# Without the blanks that psql ends its lines with.
testing=$(sed 's/ *$//' "$SCRATCH/testing")
is "each of its expectations is met" "$(grep -c '^ ok - ' "$SCRATCH/testing") $(grep -c '^ not ok - ' "$SCRATCH/testing")" "3 0"
shown=0
while IFS= read -r -d '' block; do
    shown=$((shown + 1))
    if [[ $testing != *"$block"* ]]; then
        not_ok "docs/testing.md shows what happens" "$block" "$testing"
    fi
done < <(awk '$0 == "```" { if (inside) printf "%s%c", text, 0; inside = 0 } inside { text = text (text == "" ? "" : "\n") $0 }
    $0 == "```text" { inside = 1; text = "" }' docs/testing.md)
is "docs/testing.md shows four answers" "$shown" 4
finish
