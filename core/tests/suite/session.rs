//! What a session tells of its claims, and what an error does not tell.

use std::collections::BTreeSet;

use clerk_core::claims::Session;
use clerk_core::instance::Trust;
use clerk_core::reason::Reason;
use clerk_core::token::{inspect, verify, verify_trusted_claims};
use serde_json::{Value, json};

use crate::signer::{
    ISSUER, NOW, NOW_SECONDS, SESSION, USER, claims_with, header, other_key, sign, sign_by,
    sign_with_header, trust, trust_with, with,
};
use crate::vectors::code;

#[test]
fn a_session_names_user_session_actor_and_issuer() {
    let session = read(json!({"act": {"iss": "https://x", "sub": "user_admin"}}));
    assert_eq!(session.user_id(), USER);
    assert_eq!(session.session_id(), Some(SESSION));
    assert_eq!(session.actor_id(), Some("user_admin"));
    assert_eq!(session.issuer(), ISSUER);
    assert!(session.signed_in());
    assert!(session.organization().is_none());
}

#[test]
fn a_claim_of_the_wrong_type_or_with_a_nul_counts_as_absent() {
    for bad in [
        json!(5),
        json!(""),
        json!(["org_1"]),
        json!({}),
        json!("a\0b"),
        json!(true),
    ] {
        let act = read(json!({"act": {"sub": bad}}));
        assert_eq!(act.actor_id(), None, "act.sub is {bad}");
        for version in [
            json!({"org_id": bad, "org_role": "admin"}),
            json!({"v": 2, "o": {"id": bad, "rol": "admin"}}),
        ] {
            assert!(read(version).organization().is_none(), "the id is {bad}");
        }
        for version in [
            json!({"org_id": "org_1", "org_role": bad, "org_slug": bad}),
            json!({"v": 2, "o": {"id": "org_1", "rol": bad, "slg": bad}}),
        ] {
            let session = read(version);
            let organization = session.organization().expect("an organization");
            assert_eq!(
                (organization.role(), organization.slug()),
                (None, None),
                "{bad}"
            );
        }
    }
    assert_eq!(read(json!({"act": "user_admin"})).actor_id(), None);
    for permissions in [json!("org:a:b"), json!({"0": "org:a:b"}), json!(5)] {
        let session = read(json!({"org_id": "org_1", "org_permissions": permissions}));
        assert!(
            session
                .organization()
                .expect("one")
                .permissions()
                .is_empty()
        );
    }
    let mixed = json!({"org_id": "org_1", "org_permissions": ["org:a:b", 5, null, "org:a:\0"]});
    assert_eq!(
        read(mixed).organization().expect("one").permissions(),
        ["org:a:b"]
    );
}

#[test]
fn a_shortcode_that_was_not_filled_in_names_nobody() {
    let claims = json!({"org_id": "{{org.id}}", "act": {"sub": "{{session.actor}}"}});
    let session = read(claims);
    assert!(session.organization().is_none());
    assert_eq!(session.actor_id(), None);
    let token = sign(&claims_with(json!({"sub": "user_{{user.id}}"})));
    assert_eq!(
        code(&verify(&token, &trust(), NOW)),
        "token-verification-failed"
    );
}

#[test]
fn version_2_is_the_number_and_hides_the_claims_of_version_1() {
    let both = |version: Value| {
        let session = read(json!({"v": version, "org_id": "org_one", "o": {"id": "org_two"}}));
        session
            .organization()
            .map(|organization| organization.id().to_owned())
    };
    assert_eq!(both(json!(2)).as_deref(), Some("org_two"));
    assert_eq!(both(json!(2.0)).as_deref(), Some("org_two"));
    for version in [
        json!("2"),
        json!(1),
        json!(3),
        json!(2.5),
        json!(true),
        json!([2]),
    ] {
        assert_eq!(
            both(version.clone()).as_deref(),
            Some("org_one"),
            "{version}"
        );
    }
    assert!(
        read(json!({"v": 2, "org_id": "org_one"}))
            .organization()
            .is_none()
    );
    assert!(
        read(json!({"v": 2, "o": "org_two", "org_id": "org_one"}))
            .organization()
            .is_none()
    );
}

#[test]
fn a_pending_session_counts_as_signed_out_unless_allowed() {
    let pending = json!({"sts": "pending"});
    let session = read(pending.clone());
    assert!(!session.signed_in());
    let allowed = trust_with(|instance| instance.allow_pending = true);
    let session = verify(&sign(&claims_with(pending)), &allowed, NOW).expect("a session");
    assert!(session.signed_in());
    for status in [json!("active"), json!("other"), json!(5), json!("Pending")] {
        assert!(read(json!({ "sts": status })).signed_in(), "{status}");
    }
}

#[test]
fn only_a_user_with_a_session_signs_in() {
    let judge = |changes: Value| judge_kind("cl_B7d4PD111AAA", changes, &trust());
    assert_eq!(judge(json!({})), "ok");
    for subject in [
        "mch_1", "User_1", "org_1", "user", "xuser_1", " user_1", "client_1",
    ] {
        assert_eq!(
            judge(json!({ "sub": subject })),
            "token-type-mismatch",
            "{subject}"
        );
    }
    for session in [json!(null), json!(""), json!(5), json!(["sess_1"])] {
        assert_eq!(
            judge(json!({ "sid": session })),
            "token-type-mismatch",
            "{session}"
        );
    }
    for subject in [json!(""), json!(null), json!("user_\0"), json!(["user_1"])] {
        assert_eq!(
            judge(json!({ "sub": subject })),
            "token-verification-failed",
            "{subject}"
        );
    }
}

#[test]
fn a_template_token_needs_leave_and_a_machine_token_never_gets_it() {
    let allowed = trust_with(|instance| instance.allow_templates = true);
    let (template, machine) = ("cl_B7d4PD222AAA", "cl_B7d4PD333AAA");
    let no_session = || json!({"sid": null});
    assert_eq!(
        judge_kind(template, no_session(), &trust()),
        "token-type-mismatch"
    );
    assert_eq!(
        judge_kind(template, json!({}), &trust()),
        "token-type-mismatch"
    );
    assert_eq!(judge_kind(template, no_session(), &allowed), "ok");
    assert_eq!(judge_kind(machine, json!({}), &allowed), "token-invalid");
    assert_eq!(
        judge_kind(template, json!({"sub": "mch_1"}), &allowed),
        "token-type-mismatch"
    );
    let token = sign_with_header(
        &with(header(), json!({"cat": template})),
        &claims_with(no_session()),
    );
    assert_eq!(
        verify(&token, &allowed, NOW)
            .expect("a session")
            .session_id(),
        None
    );
}

#[test]
fn neither_an_error_nor_a_debug_text_tells_anything_personal() {
    let secret = "Zz9Secret";
    let personal = json!({
        "sub": format!("user_{secret}"), "sid": format!("sess_{secret}"), "email": secret,
        "org_id": secret, "org_role": secret, "act": {"sub": secret}, "fea": secret,
    });
    let claims = |changes: Value| with(claims_with(personal.clone()), changes);
    let good = sign(&claims(json!({})));
    let session = verify(&good, &trust(), NOW).expect("a session");
    assert!(!format!("{session:?}").contains(secret));
    let signature = good.rsplit_once('.').expect("parts").1;
    let mut tokens = vec![
        sign_by(other_key(), &header(), &claims(json!({}))),
        sign_with_header(&with(header(), json!({"kid": "x"})), &claims(json!({}))),
        format!("{secret}.{secret}.{secret}"),
        format!("{good}.{secret}"),
        secret.to_owned(),
    ];
    for changes in [
        json!({"exp": secret}),
        json!({"exp": 1}),
        json!({"nbf": NOW_SECONDS + 99}),
        json!({"iat": NOW_SECONDS + 99}),
        json!({"aud": secret}),
        json!({"sub": format!("mch_{secret}")}),
        json!({"sub": [secret]}),
        json!({"sub": format!("user_{secret}\0")}),
        json!({"sid": [secret]}),
        json!({"iss": [secret]}),
    ] {
        tokens.push(sign(&claims(changes)));
    }
    let trust = trust_with(|instance| instance.audiences = vec!["x".into()]);
    for token in tokens {
        let inspection = inspect(&token, &trust, NOW);
        let failure = inspection.verdict.expect_err("a failure");
        let mut texts = vec![failure.to_string(), format!("{failure:?}")];
        texts.extend(inspection.checks.iter().map(|check| check.detail.clone()));
        for text in texts {
            assert!(!text.contains(secret), "{text}");
            assert!(!text.contains(signature), "{text}");
        }
    }
}

#[test]
fn an_echoed_value_is_short_and_without_control_characters() {
    let long = "x".repeat(5_000);
    let hostile = "\u{1b}[31m\r\nLOG:  forged\0\u{202e}\"";
    for value in [long.as_str(), hostile] {
        for claim in ["iss", "azp"] {
            let trust = trust_with(|instance| instance.authorized_parties = vec!["x".into()]);
            let token = sign(&claims_with(json!({ claim: value })));
            let failure = verify(&token, &trust, NOW).expect_err(claim);
            assert!(failure.detail.len() < 400, "{}", failure.detail.len());
            assert!(
                !failure.detail.chars().any(char::is_control),
                "{:?}",
                failure.detail
            );
            assert!(!failure.detail.contains('\u{202e}'));
        }
        for member in ["kid", "alg", "typ"] {
            let token = sign_with_header(
                &with(header(), json!({ member: value })),
                &claims_with(json!({})),
            );
            let failure = verify(&token, &trust(), NOW).expect_err(member);
            assert!(failure.detail.len() < 400, "{}", failure.detail.len());
            assert!(
                !failure.detail.chars().any(char::is_control),
                "{:?}",
                failure.detail
            );
        }
    }
}

#[test]
fn every_reason_has_its_own_code_and_a_hint() {
    let codes: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        assert!(reason.code().starts_with("token-") || reason.code().starts_with("jwk-"));
        assert!(reason.hint().ends_with('.'), "{reason:?}");
        assert!(!reason.hint().contains("  "), "{reason:?}");
    }
}

/// The session of these changes to valid claims, the same with and without a signature.
fn read(changes: Value) -> Session {
    let claims = claims_with(changes);
    let signed = verify(&sign(&claims), &trust(), NOW).expect("a session");
    let trusted = verify_trusted_claims(&claims.to_string(), &trust(), NOW)
        .expect("a session")
        .expect("of a known issuer");
    assert_eq!(signed.claims_json(), trusted.claims_json());
    assert_eq!(signed.organization(), trusted.organization());
    signed
}

fn judge_kind(category: &str, changes: Value, trust: &Trust) -> &'static str {
    let header = with(header(), json!({ "cat": category }));
    code(&verify(
        &sign_with_header(&header, &claims_with(changes)),
        trust,
        NOW,
    ))
}
