//! Where we differ from Clerk's verifier, each time by refusing. `docs/security.md` lists the same.

use crate::clerk_verdicts::PROFILES;

/// A token that Clerk's code takes differently.
pub struct Stricter {
    pub case: &'static str,
    /// Of `verdicts::PROFILES`, and `authenticate_request`.
    pub profiles: &'static [&'static str],
    pub clerk: &'static str,
    pub ours: &'static str,
    pub why: &'static str,
}

const VERIFY_TOKEN: &[&str] = &PROFILES;
const REQUEST: &[&str] = &["authenticate_request"];
const WITHOUT_JWKS: &[&str] = &["jwtKey", "jwtKey_skew0"];
const WITHOUT_AZP: &[&str] = &["jwtKey", "jwks", "jwks_aud", "jwtKey_skew0"];
const WITHOUT_ISSUER: &[&str] = &[
    "jwtKey",
    "jwks",
    "jwks_azp",
    "jwks_aud",
    "jwtKey_skew0",
    "authenticate_request",
];
const ALL: &[&str] = &[
    "jwtKey",
    "jwks",
    "jwks_azp",
    "jwks_azp_iss",
    "jwks_aud",
    "jwtKey_skew0",
    "authenticate_request",
];

const ISSUER_FIRST: &str =
    "the issuer is always checked, and before the key, because a key belongs to an issuer";
const ONE_KEY: &str = "a key is always looked up by its id, also one that was added by hand";
const NO_USER: &str = "a session without a user is none";
const ONLY_SESSIONS: &str =
    "only a user's session signs in: no machine token, and no template token unless allowed";
const NOT_AN_OBJECT: &str = "Clerk's code throws a TypeError, where we give a reason";
const TOO_LONG: &str = "a token has at most 16 KiB; a browser's cookie holds 4";
const CRITICAL: &str = "RFC 7515, 4.1.11: what is critical and not understood must be refused";
const OTHER_KIND: &str =
    "refused by both; we give verifyToken's reason, since no other kind of token is ever expected";

/// Every difference. A test fails where one is missing, and where one is no longer needed.
pub const STRICTER: &[Stricter] = &[
    Stricter {
        case: "wrong_iss",
        profiles: WITHOUT_ISSUER,
        clerk: "ok",
        ours: "token-invalid-issuer",
        why: ISSUER_FIRST,
    },
    Stricter {
        case: "missing_iss",
        profiles: WITHOUT_ISSUER,
        clerk: "ok",
        ours: "token-invalid-issuer",
        why: ISSUER_FIRST,
    },
    Stricter {
        case: "no_kid",
        profiles: WITHOUT_JWKS,
        clerk: "ok",
        ours: "jwk-kid-mismatch",
        why: ONE_KEY,
    },
    Stricter {
        case: "unknown_kid",
        profiles: WITHOUT_JWKS,
        clerk: "ok",
        ours: "jwk-kid-mismatch",
        why: ONE_KEY,
    },
    Stricter {
        case: "empty_sub",
        profiles: ALL,
        clerk: "ok",
        ours: "token-verification-failed",
        why: NO_USER,
    },
    Stricter {
        case: "valid_jwt_template",
        profiles: VERIFY_TOKEN,
        clerk: "ok",
        ours: "token-type-mismatch",
        why: ONLY_SESSIONS,
    },
    Stricter {
        case: "m2m_jwt_no_cat",
        profiles: WITHOUT_AZP,
        clerk: "ok",
        ours: "token-type-mismatch",
        why: ONLY_SESSIONS,
    },
    Stricter {
        case: "oversized_200k",
        profiles: ALL,
        clerk: "ok",
        ours: "token-invalid",
        why: TOO_LONG,
    },
    Stricter {
        case: "crit_header",
        profiles: ALL,
        clerk: "ok",
        ours: "token-invalid",
        why: CRITICAL,
    },
    Stricter {
        case: "payload_json_null",
        profiles: ALL,
        clerk: "throws",
        ours: "token-invalid",
        why: NOT_AN_OBJECT,
    },
    Stricter {
        case: "header_json_null",
        profiles: ALL,
        clerk: "throws",
        ours: "token-invalid",
        why: NOT_AN_OBJECT,
    },
    Stricter {
        case: "m2m_jwt",
        profiles: REQUEST,
        clerk: "token-type-mismatch",
        ours: "token-invalid",
        why: OTHER_KIND,
    },
    Stricter {
        case: "m2m_jwt_no_cat",
        profiles: REQUEST,
        clerk: "token-type-mismatch",
        ours: "token-invalid-authorized-parties",
        why: OTHER_KIND,
    },
    Stricter {
        case: "typ_at_jwt",
        profiles: REQUEST,
        clerk: "token-type-mismatch",
        ours: "token-invalid",
        why: OTHER_KIND,
    },
];
