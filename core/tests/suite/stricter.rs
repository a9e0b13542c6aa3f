//! Where we differ from Clerk's verifier, each time by refusing. `docs/security.md` lists the same.

/// A token that Clerk's code takes differently.
pub struct Stricter {
    pub case: &'static str,
    /// Of `verdicts::PROFILES`, and `authenticate_request`.
    pub profiles: &'static [&'static str],
    pub clerk: &'static str,
    pub ours: &'static str,
    pub why: &'static str,
}

const ALL: &[&str] =
    &["jwtKey", "jwks", "jwks_azp", "jwks_azp_iss", "jwks_aud", "jwtKey_skew0", "authenticate_request"];
const VERIFY_TOKEN: &[&str] =
    &["jwtKey", "jwks", "jwks_azp", "jwks_azp_iss", "jwks_aud", "jwtKey_skew0"];
const WITHOUT_AZP: &[&str] = &["jwtKey", "jwks", "jwks_aud", "jwtKey_skew0"];
const WITHOUT_ISSUER: &[&str] =
    &["jwtKey", "jwks", "jwks_azp", "jwks_aud", "jwtKey_skew0", "authenticate_request"];

const ISSUER_FIRST: &str = "a key belongs to an issuer: the issuer is always checked, and first, because it finds the key";
const NO_USER: &str = "without a user there is no session";
const ONE_SESSION: &str = "only a user's session signs in: no machine's token, no JWT template's";
const ONE_KEY: &str = "a key is looked up by its id, also where it is pasted by hand";
const NOT_AN_OBJECT: &str = "Clerk's code throws a TypeError";
const TOO_LONG: &str = "a token has at most 16 KiB";
const CRITICAL: &str = "RFC 7515, 4.1.11: what is critical and not understood must be refused";

/// Every difference. A test fails where one is missing, and where one is no longer needed.
pub const STRICTER: &[Stricter] = &[
    Stricter { case: "wrong_iss", profiles: WITHOUT_ISSUER, clerk: "ok", ours: "token-invalid-issuer", why: ISSUER_FIRST },
    Stricter { case: "missing_iss", profiles: WITHOUT_ISSUER, clerk: "ok", ours: "token-invalid-issuer", why: ISSUER_FIRST },
];
