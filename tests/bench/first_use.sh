#!/usr/bin/env bash
# The first use of a new token, in one backend over many distinct tokens: set_config('clerk_sync.token') and clerk_user_id(), less an
# equal loop over set_config of another setting; against the bare RS256 check of the same tokens by aws-lc with a key
# that is parsed once, the least that it can cost. In turn in every round, medians of the rounds.

# shellcheck source=lib/bench.sh
source "$(dirname "$0")/lib/bench.sh"

file=$(tokens_file)
trap 'rm -f "$file"' EXIT
make_tokens "$file"
cut -f 3 "$file" >"$file.tokens"
trap 'rm -f "$file" "$file.tokens"' EXIT

# loop SETTING [USE]: microseconds a token.
loop() {
    sql "DO \$\$
    DECLARE
        one text;
        started timestamptz := clock_timestamp();
    BEGIN
        FOR one IN SELECT token FROM tokens LOOP
            PERFORM set_config('$1', one, true);
            ${2:-}
        END LOOP;
        RAISE NOTICE '%', extract(epoch FROM clock_timestamp() - started) * 1e6 / (SELECT count(*) FROM tokens);
    END \$\$" 2>&1 | sed -n 's/.*NOTICE:  //p'
}

first_use=()
settings=()
prepared=()
from_der=()
from_components=()
for ((round = 0; round <= ROUNDS; round++)); do
    used=$(loop clerk_sync.token 'PERFORM clerk_user_id();')
    set=$(loop bench.token)
    read -r prepared_now from_der_now from_components_now < <("$BENCH_TOOL" bench-verify --key "$CLERK_TEST_KEYS" --rounds 1 \
        <"$file.tokens" | awk '{ print $2 }' | xargs)
    # Round 0 warms up and is not counted.
    [ "$round" -gt 0 ] || continue
    first_use+=("$(awk -v a="$used" -v b="$set" 'BEGIN { print a - b }')")
    settings+=("$set")
    prepared+=("$prepared_now")
    from_der+=("$from_der_now")
    from_components+=("$from_components_now")
done
of() { printf '%s\n' "$@" | median; }
echo "$TOKENS distinct tokens, medians of $ROUNDS rounds in turn, microseconds a token"
printf '%-62s %8.2f\n' 'first use, less set_config' "$(of "${first_use[@]}")" \
    'set_config of another setting' "$(of "${settings[@]}")" \
    'bare RS256 check by aws-lc, key parsed once' "$(of "${prepared[@]}")" \
    'the same, key parsed from DER each time' "$(of "${from_der[@]}")" \
    'the same, key built from its components each time' "$(of "${from_components[@]}")"
verdict 'first use: times the bare check, key parsed once' \
    "$(awk -v a="$(of "${first_use[@]}")" -v b="$(of "${prepared[@]}")" 'BEGIN { print a / b }')" at-most 3
