//! A token from a stranger: never a panic, never accepted, and explained as it is judged.
//!
//! The trusted key is public; its private half is not in this repository, so that no input can be a good
//! token.

#![no_main]

use std::sync::LazyLock;

use clerk_core::authorization_header::bearer_token;
use clerk_core::instance::{Instance, Trust};
use clerk_core::key_set::SigningKey;
use clerk_core::time::UnixMicros;
use clerk_core::token::{inspect, names_known_issuer, verify, verify_trusted_claims};
use libfuzzer_sys::fuzz_target;

/// 2026-01-01 00:00 UTC.
const NOW: UnixMicros = UnixMicros(1_767_225_600_000_000);
const MODULUS: &str = "n-b8VvNJV0-ZaukRO-ZL8FYnIzKMYy46CU8iJX9I8Il3fP1_i3ha_la4v5nz8yanROKzZI9iIm8MeO3eRaMbgAA6kTrieWfolQis2GQFKC0cOEVxHxuPeA2HcD4AyLp25qjko12LQMa3UozI6sfDqHqSryM0NBlPKUbyvBTNEZSnRG5aouO1VzSQ0lFH_hNmfMFxCb_QTk4KzMDf8qepiDzsW9XiMOG1V1tJ0ghHOmu6M9BYxl9v3CuItD4ie9ue3_nnNhfIV5XicT6Edet6E2Y8bmlApyJrHPgfm50DksOXchbQ03achtUlflFmt4ulFjoAfY6faOM3vMbAHcDGLw";

static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust {
    instances: vec![Instance {
        issuer: "https://clerk.example.com".to_owned(),
        authorized_parties: vec!["https://app.example.com".to_owned()],
        audiences: vec!["https://api.example.com".to_owned()],
        clock_skew_micros: 5_000_000,
        allow_templates: true,
        allow_pending: true,
        keys: vec![SigningKey::from_components("k", MODULUS, "AQAB").expect("a strong key")],
    }],
});

fuzz_target!(|text: &str| {
    let verdict = verify(text, &TRUST, NOW);
    let inspection = inspect(text, &TRUST, NOW);
    let failure = verdict.expect_err("nobody can sign");
    assert_eq!(inspection.verdict.expect_err("nobody can sign"), failure);
    let first = inspection.checks.iter().find_map(|check| check.reason);
    assert_eq!(first, Some(failure.reason));
    names_known_issuer(text, &TRUST);

    if let Some(token) = bearer_token(text) {
        assert!(text.contains(token));
    }
    // The same text as claims that a gateway verified.
    if let Ok(Some(session)) = verify_trusted_claims(text, &TRUST, NOW) {
        assert!(session.user_id().starts_with("user_"));
        assert!(session.recheck(NOW).is_ok());
        session.has_role(text);
        session.has_permission(text);
        session.has_feature(text);
        session.has_plan(text);
    }
});
