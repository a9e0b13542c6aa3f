//! Sessions that nobody signed: for tests and explanations.

use clerk_core::claims::{Organization, Session};
use clerk_core::time::UnixMicros;
use clerk_core::token::{MAX_TOKEN_BYTES, assume_session, verify};
use serde_json::{Value, json};

use crate::signer::{NOW, claims_with, sign, trust, with};

#[test]
fn an_assumed_session_is_the_one_of_a_token_with_the_same_claims() {
    let version_1 = json!({"v": null, "org_id": "org_1", "org_slug": "one", "org_role": "org:admin",
        "org_permissions": ["org:docs:read"], "pla": "o:pro", "fea": "o:docs,u:beta", "fva": [1, -1],
        "act": {"sub": "user_admin"}});
    let version_2 = json!({"v": 2, "fea": "o:docs,u:beta", "pla": "u:plus", "fva": [3, 4],
        "o": {"id": "org_2", "slg": "two", "rol": "member", "per": "read,manage", "fpm": "3"}});
    for changes in [json!({}), version_1, version_2, json!({"sts": "pending"})] {
        let claims = claims_with(changes);
        let signed = verify(&sign(&claims), &trust(), NOW).expect("a session");
        let assumed = assume_session(&claims.to_string()).expect("a session");
        assert_eq!(traits(&assumed), traits(&signed), "{claims}");
        assert_eq!(assumed.claims_json(), claims.to_string());
    }
}

#[test]
fn an_assumed_session_needs_nothing_but_a_user() {
    let session = assume_session(r#"{"sub": "user_1"}"#).expect("a session");
    assert_eq!(session.user_id(), "user_1");
    assert!(session.signed_in());
    assert_eq!(session.issuer(), "");
    assert_eq!(session.session_id(), None);
    assert!(session.organization().is_none());
    let machine = assume_session(r#"{"sub": "mch_1"}"#).expect("a session of any subject");
    assert_eq!(machine.user_id(), "mch_1");
}

#[test]
fn an_assumed_session_never_expires() {
    let claims = json!({"sub": "user_1", "exp": 1, "nbf": 9_000_000_000_000_i64, "iat": "never"});
    let session = assume_session(&claims.to_string()).expect("a session");
    for now in [
        UnixMicros::MIN,
        UnixMicros(0),
        NOW,
        UnixMicros(i64::MAX - 1),
    ] {
        assert!(session.valid_from() <= now && now < session.valid_until());
        assert_eq!(session.recheck(now), Ok(()));
    }
}

#[test]
fn a_pending_assumed_session_counts_as_signed_out() {
    let session = assume_session(r#"{"sub": "user_1", "sts": "pending"}"#).expect("a session");
    assert!(!session.signed_in());
}

#[test]
fn claims_without_a_usable_user_are_no_session() {
    for sub in [
        json!(null),
        json!(""),
        json!(5),
        json!(["user_1"]),
        json!("user\u{0}1"),
        json!("{{user.id}}"),
    ] {
        let claims = with(json!({}), json!({ "sub": sub }));
        assert!(assume_session(&claims.to_string()).is_err(), "{claims}");
    }
    for text in [
        "",
        "{}",
        "null",
        "[]",
        "\"user_1\"",
        "{\"sub\": \"user_1\"",
        "x",
    ] {
        assert!(assume_session(text).is_err(), "{text}");
    }
}

#[test]
fn assumed_claims_are_as_long_as_a_token_at_most() {
    let claims = |len: usize| {
        let empty = json!({"sub": "user_1", "x": ""}).to_string();
        json!({"sub": "user_1", "x": "x".repeat(len - empty.len())}).to_string()
    };
    assert!(assume_session(&claims(MAX_TOKEN_BYTES)).is_ok());
    assert!(assume_session(&claims(MAX_TOKEN_BYTES + 1)).is_err());
}

/// What policies ask a session for.
fn traits(session: &Session) -> Value {
    let features = ["o:docs", "u:docs", "u:beta"].map(|feature| session.has_feature(feature));
    let plans = ["o:pro", "u:plus"].map(|plan| session.has_plan(plan));
    let presets = ["strict_mfa", "lax"].map(|preset| session.reverified_preset(preset));
    json!({
        "user": session.user_id(),
        "session": session.session_id(),
        "actor": session.actor_id(),
        "issuer": session.issuer(),
        "signed in": session.signed_in(),
        "organization": session.organization().map(Organization::id),
        "slug": session.organization().and_then(Organization::slug),
        "role": session.organization().and_then(Organization::role),
        "permissions": session.organization().map(Organization::permissions),
        "features": features,
        "plans": plans,
        "reverified": presets,
    })
}
