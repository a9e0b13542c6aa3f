//! The explanation of a token, check by check.

use clerk_core::token::inspect;
use serde_json::json;

use crate::signer::{
    NOW, claims, claims_with, header, other_key, sign, sign_by, sign_with_header, trust,
    trust_with, with,
};
use crate::vectors::code;

#[test]
fn an_explanation_shows_every_failure_in_the_order_of_the_checks() {
    let wrong = claims_with(json!({"sub": null, "exp": 1, "sid": null}));
    let head = with(header(), json!({"typ": "x", "alg": "none"}));
    let inspection = inspect(&sign_by(other_key(), &head, &wrong), &trust(), NOW);
    let rows: Vec<(&str, Option<bool>)> = inspection
        .checks
        .iter()
        .map(|check| (check.name, check.ok))
        .collect();
    let (passed, failed) = (Some(true), Some(false));
    assert_eq!(
        rows,
        [
            ("structure", passed),
            ("category", passed),
            ("key", passed),
            ("type", failed),
            ("algorithm", failed),
            ("signature", failed),
            ("subject", failed),
            ("audience", passed),
            ("authorized_party", passed),
            ("issuer", passed),
            ("expiry", failed),
            ("not_before", passed),
            ("issued_at", passed),
            ("kind", failed),
            ("status", passed),
        ]
    );
    assert_eq!(code(&inspection.verdict), "token-invalid");
}

#[test]
fn an_explanation_says_what_could_not_be_looked_at() {
    let unreadable = inspect("a.b", &trust(), NOW);
    assert_eq!(unreadable.checks[0].ok, Some(false));
    assert!(
        unreadable.checks[1..]
            .iter()
            .all(|check| check.ok.is_none())
    );
    let without_key = sign_with_header(&with(header(), json!({"kid": "x"})), &claims());
    let inspection = inspect(&without_key, &trust(), NOW);
    let signature = inspection
        .checks
        .iter()
        .find(|check| check.name == "signature");
    assert_eq!(signature.expect("a row").ok, None);
}

#[test]
fn an_explanation_marks_a_pending_session_without_refusing_it() {
    let token = sign(&claims_with(json!({"sts": "pending"})));
    let inspection = inspect(&token, &trust(), NOW);
    let status = inspection.checks.last().expect("a row");
    assert_eq!(
        (status.name, status.ok, status.reason),
        ("status", Some(false), None)
    );
    assert!(!inspection.verdict.expect("valid").signed_in());
    let allowed = trust_with(|instance| instance.allow_pending = true);
    let inspection = inspect(&token, &allowed, NOW);
    assert_eq!(inspection.checks.last().expect("a row").ok, Some(true));
    assert!(inspection.verdict.expect("valid").signed_in());
}
