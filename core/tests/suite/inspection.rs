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
    assert_eq!(not_looked_at(&without_key), ["signature"]);
    let of_nobody = sign(&claims_with(json!({"iss": "https://else.example"})));
    assert_eq!(
        not_looked_at(&of_nobody),
        ["signature", "audience", "authorized_party", "kind"]
    );
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

fn not_looked_at(token: &str) -> Vec<&'static str> {
    let checks = inspect(token, &trust(), NOW).checks;
    let skipped = checks.iter().filter(|check| check.ok.is_none());
    skipped.map(|check| check.name).collect()
}
