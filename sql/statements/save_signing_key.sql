-- A key that an administrator added is not replaced by a fetched one.
WITH before AS (
    SELECT modulus, exponent, source FROM clerk.signing_keys WHERE issuer = $1 AND kid = $2
), saved AS (
    INSERT INTO clerk.signing_keys AS key (issuer, kid, algorithm, modulus, exponent, bits, source)
    VALUES ($1, $2, 'RS256', $3, $4, $5, $6)
    ON CONFLICT (issuer, kid) DO UPDATE SET
        modulus = excluded.modulus,
        exponent = excluded.exponent,
        bits = excluded.bits,
        source = excluded.source,
        created_at = pg_catalog.clock_timestamp()
    WHERE (key.source = 'fetched' OR excluded.source = 'added')
        AND (key.modulus, key.exponent, key.source)
            IS DISTINCT FROM (excluded.modulus, excluded.exponent, excluded.source)
)
SELECT CASE
    WHEN NOT EXISTS (SELECT FROM before) THEN 'added'
    WHEN EXISTS (SELECT FROM before WHERE modulus = $3 AND exponent = $4) THEN 'unchanged'
    WHEN EXISTS (SELECT FROM before WHERE source = 'added') AND $6 = 'fetched' THEN 'kept'
    ELSE 'replaced'
END
