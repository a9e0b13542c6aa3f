//! Whose token it is, and claims that a gateway has verified.

use clerk_core::token::{MAX_TOKEN_BYTES, names_known_issuer, verify_trusted_claims};
use serde_json::{Value, json};

use crate::signer::{
    NOW, NOW_SECONDS, USER, claims, claims_with, header, other_key, sign, sign_by, trust,
    trust_with,
};

#[test]
fn a_token_is_ours_by_its_issuer_alone() {
    let trust = trust();
    assert!(names_known_issuer(&sign(&claims()), &trust));
    assert!(names_known_issuer(
        &sign_by(other_key(), &header(), &claims()),
        &trust
    ));
    assert!(names_known_issuer(
        &sign(&claims_with(json!({"exp": 1}))),
        &trust
    ));
    let supabase = claims_with(json!({"iss": "https://x.supabase.co/auth/v1"}));
    for other in [
        supabase,
        claims_with(json!({"iss": null})),
        claims_with(json!({"iss": 5})),
    ] {
        assert!(!names_known_issuer(&sign(&other), &trust), "{other}");
    }
    for text in [
        "",
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "sb_secret_1",
        "ak_1",
        "mt_1",
        "..",
        "=.=.=",
    ] {
        assert!(!names_known_issuer(text, &trust), "{text:?}");
    }
}

#[test]
fn a_token_that_is_too_long_is_still_ours() {
    let long = sign(&claims_with(json!({"blob": "x".repeat(MAX_TOKEN_BYTES)})));
    assert!(names_known_issuer(&long, &trust()));
    assert!(!names_known_issuer(
        &"x".repeat(MAX_TOKEN_BYTES + 1),
        &trust()
    ));
    assert!(!names_known_issuer(
        &".".repeat(MAX_TOKEN_BYTES + 1),
        &trust()
    ));
}

#[test]
fn claims_of_a_gateway_are_checked_but_for_their_signature() {
    let judged: [(Value, &str); 12] = [
        (claims(), USER),
        (
            claims_with(json!({"iss": "https://else.example"})),
            "nobody's",
        ),
        (claims_with(json!({"iss": null})), "nobody's"),
        (claims_with(json!({"iss": 5})), "nobody's"),
        (claims_with(json!({"exp": 1})), "token-expired"),
        (
            claims_with(json!({"exp": null})),
            "token-verification-failed",
        ),
        (
            claims_with(json!({"nbf": NOW_SECONDS + 6})),
            "token-not-active-yet",
        ),
        (
            claims_with(json!({"iat": NOW_SECONDS + 6})),
            "token-iat-in-the-future",
        ),
        (claims_with(json!({"sub": ""})), "token-verification-failed"),
        (claims_with(json!({"sub": "mch_1"})), "token-type-mismatch"),
        (claims_with(json!({"sid": null})), "token-type-mismatch"),
        (json!([]), "token-invalid"),
    ];
    for (claims, expected) in judged {
        let verdict = verify_trusted_claims(&claims.to_string(), &trust(), NOW);
        let shown = match &verdict {
            Ok(Some(session)) => session.user_id(),
            Ok(None) => "nobody's",
            Err(failure) => failure.reason.code(),
        };
        assert_eq!(shown, expected, "{claims}");
    }
    for text in ["", "{", "null", "5"] {
        assert!(
            verify_trusted_claims(text, &trust(), NOW).is_err(),
            "{text:?}"
        );
    }
}

#[test]
fn claims_of_a_gateway_keep_to_the_restrictions_of_the_instance() {
    let trust = trust_with(|instance| {
        instance.authorized_parties = vec!["https://other.example.com".to_owned()];
    });
    let verdict = verify_trusted_claims(&claims().to_string(), &trust, NOW);
    assert_eq!(
        verdict.expect_err("azp").reason.code(),
        "token-invalid-authorized-parties"
    );
}
