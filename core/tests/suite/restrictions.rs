//! `aud` and `azp`: looked at where the instance restricts them, by Clerk's rules or stricter ones.

use clerk_core::token::verify;
use serde_json::{Value, json};

use crate::signer::{AUDIENCE, AUTHORIZED_PARTY, NOW, claims_with, sign, trust, trust_with};
use crate::vectors::code;

#[test]
fn an_audience_must_match_where_the_token_has_one() {
    let trust = trust_with(|instance| instance.audiences = vec!["x".into(), AUDIENCE.into()]);
    let failed = "token-verification-failed";
    let judged: [(Value, &str); 14] = [
        (json!(AUDIENCE), "ok"),
        (json!(["y", AUDIENCE]), "ok"),
        (json!(["", AUDIENCE]), "ok"),
        (json!(""), "ok"),
        (json!([]), "ok"),
        (json!(["", ""]), "ok"),
        (json!("y"), failed),
        (json!(["y"]), failed),
        (json!(["", "y"]), failed),
        (json!(format!("{AUDIENCE}/")), failed),
        (json!(AUDIENCE.to_uppercase()), failed),
        (json!(5), failed),
        (json!({"a": AUDIENCE}), failed),
        (json!([5, AUDIENCE]), failed),
    ];
    for (audience, expected) in judged {
        let token = sign(&claims_with(json!({ "aud": audience })));
        assert_eq!(code(&verify(&token, &trust, NOW)), expected, "{audience}");
    }
    let mut claims = claims_with(json!({}));
    assert_eq!(code(&verify(&sign(&claims), &trust, NOW)), "ok", "no aud");
    claims["aud"] = Value::Null;
    assert_eq!(
        code(&verify(&sign(&claims), &trust, NOW)),
        "ok",
        "aud is null"
    );
}

#[test]
fn an_audience_of_any_shape_passes_where_the_instance_restricts_none() {
    for audience in [json!("y"), json!(5), json!([5]), json!({})] {
        let token = sign(&claims_with(json!({ "aud": audience })));
        assert_eq!(code(&verify(&token, &trust(), NOW)), "ok", "{audience}");
    }
}

#[test]
fn an_authorized_party_must_be_there_and_match_exactly() {
    let trust = trust_with(|instance| {
        instance.authorized_parties = vec!["https://b.example.com".into(), AUTHORIZED_PARTY.into()];
    });
    let refused = "token-invalid-authorized-parties";
    let judged: [(Value, &str); 8] = [
        (json!(AUTHORIZED_PARTY), "ok"),
        (json!("https://b.example.com"), "ok"),
        (json!(format!("{AUTHORIZED_PARTY}/")), refused),
        (json!(AUTHORIZED_PARTY.to_uppercase()), refused),
        (json!(""), refused),
        (json!([AUTHORIZED_PARTY]), refused),
        (json!("https://app.example.com.evil.com"), refused),
        (Value::Null, refused),
    ];
    for (party, expected) in judged {
        let token = sign(&claims_with(json!({ "azp": party })));
        assert_eq!(code(&verify(&token, &trust, NOW)), expected, "{party}");
    }
}
