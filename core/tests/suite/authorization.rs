//! `has()` of `@clerk/shared`, question by question.

use clerk_core::claims::Session;
use clerk_core::instance::Trust;
use clerk_core::token::{verify, verify_trusted_claims};
use serde_json::{Map, Value, json};

use crate::signer::{NOW, claims_with, sign, trust, trust_with};
use crate::vectors::{cases, has, name};

#[test]
fn every_case_of_has_gives_the_same_answer() {
    let file = has();
    for case in cases(&file, 93) {
        let expected = case["result"].as_bool().expect("a result");
        let claims = claims_of(&case["state"]);
        let session = verify_trusted_claims(&claims.to_string(), &trust(), NOW)
            .expect("a session")
            .expect("of a known issuer");
        let params = case["params"].as_object().expect("parameters");
        assert_eq!(ask(&session, params), expected, "{}", name(case));
    }
}

#[test]
fn a_signed_token_of_either_version_answers_the_same() {
    let file = has();
    let mut positive = 0;
    for case in cases(&file, 93) {
        let expected = case["result"].as_bool().expect("a result");
        let params = case["params"].as_object().expect("parameters");
        for claims in [
            claims_of(&case["state"]),
            version_2_claims_of(&case["state"]),
        ] {
            let session = verify(&sign(&claims), &trust(), NOW).expect("a session");
            assert_eq!(ask(&session, params), expected, "{} {claims}", name(case));
            positive += usize::from(expected);
        }
    }
    assert!(positive > 60, "{positive} answers are yes");
}

#[test]
fn a_pending_session_may_nothing() {
    let file = has();
    let allowed = trust_with(|instance| instance.allow_pending = true);
    for case in cases(&file, 93) {
        let mut claims = claims_of(&case["state"]);
        claims["sts"] = json!("pending");
        let params = case["params"].as_object().expect("parameters");
        let answer = |trust: &Trust| {
            let session = verify_trusted_claims(&claims.to_string(), trust, NOW);
            ask(
                &session.expect("a session").expect("of a known issuer"),
                params,
            )
        };
        assert!(!answer(&trust()), "{}", name(case));
        assert_eq!(answer(&allowed), case["result"] == true, "{}", name(case));
    }
}

#[test]
fn without_an_organization_there_is_no_role_and_no_permission() {
    let claims = json!({"org_role": "org:admin", "org_permissions": ["org:a:b"], "fea": "o:x"});
    let session = read(claims);
    assert!(!session.has_role("admin"));
    assert!(!session.has_permission("a:b"));
    assert!(session.has_feature("x"), "a feature is asked of both sides");
}

#[test]
fn a_prefix_counts_once_in_a_role_and_not_at_all_in_a_list_of_permissions() {
    let session = read(json!({"org_id": "org_1", "org_role": "admin",
        "org_permissions": ["org:a:b", "c:d", "org:org:e:f"]}));
    for role in ["admin", "org:admin", "org:org:org:admin"] {
        assert!(session.has_role(role), "{role}");
    }
    for role in [
        "",
        "org:",
        "Admin",
        "admin ",
        "ORG:admin",
        "org:adminx",
        "rg:admin",
        "org::admin",
    ] {
        assert!(!session.has_role(role), "{role:?}");
    }
    for permission in ["a:b", "org:a:b", "org:org:a:b"] {
        assert!(session.has_permission(permission), "{permission}");
    }
    for permission in [
        "",
        "org:",
        "c:d",
        "org:c:d",
        "e:f",
        "org:org:e:f",
        "a:B",
        "a:b ",
        "a",
    ] {
        assert!(!session.has_permission(permission), "{permission:?}");
    }
}

#[test]
fn a_feature_may_be_asked_of_either_side() {
    let session =
        read(json!({"fea": "o:posts, u:dashboard,uo:chat,x:lost,o:a:b,o:", "pla": "u:pro,o:gold"}));
    let yes = [
        "posts",
        "o:posts",
        "org:posts",
        "organization:posts",
        "o:posts:extra",
        "dashboard",
        "u:dashboard",
        "user:dashboard",
        "o:chat",
        "u:chat",
        "chat",
    ];
    for feature in yes {
        assert!(session.has_feature(feature), "{feature}");
    }
    let no = [
        "",
        ":",
        "o:",
        "u:",
        ":posts",
        "u:posts",
        "o:dashboard",
        "O:posts",
        "x:lost",
        "lost",
        "Posts",
        "posts ",
        " posts",
        "a",
        "a:b",
        "pro",
        "uo:chat",
        "posts,dashboard",
    ];
    for feature in no {
        assert!(!session.has_feature(feature), "{feature:?}");
    }
    assert!(session.has_plan("pro") && session.has_plan("u:pro") && session.has_plan("o:gold"));
    assert!(!session.has_plan("o:pro") && !session.has_plan("posts") && !session.has_plan(""));
}

#[test]
fn a_malformed_list_of_features_grants_none_of_them() {
    for list in [
        json!("posts,o:posts"),
        json!("o:posts,"),
        json!(["o:posts"]),
        json!(5),
        json!(""),
    ] {
        let session = read(json!({"fea": list, "pla": list}));
        assert!(!session.has_feature("posts"), "{list}");
        assert!(!session.has_plan("posts"), "{list}");
    }
}

#[test]
fn only_two_true_ages_count_as_verified_factors() {
    let ages = [
        json!(null),
        json!([]),
        json!([1]),
        json!([1, 2, 3]),
        json!(["1", "2"]),
        json!([-2, 5]),
        json!([5, -0.5]),
        json!([null, 1]),
        json!({"0": 1, "1": 1}),
        json!("1,1"),
        json!([[1], 1]),
    ];
    for fva in ages {
        let session = read(json!({ "fva": fva }));
        for level in ["first_factor", "second_factor", "multi_factor"] {
            assert!(!session.reverified(level, 1e9), "{fva} {level}");
        }
    }
    let session = read(json!({"fva": [0, 0]}));
    for minutes in [0.0, -0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        assert!(!session.reverified("first_factor", minutes), "{minutes}");
    }
    assert!(session.reverified("first_factor", 0.001));
    assert!(session.reverified("first_factor", f64::INFINITY));
    for preset in ["", "Strict", "strict ", "paranoid"] {
        assert!(!session.reverified_preset(preset), "{preset:?}");
    }
    for level in ["", "First_factor", "third_factor", "lax"] {
        assert!(!session.reverified(level, 10.0), "{level:?}");
    }
}

#[test]
fn every_level_decides_as_documented() {
    let judged: [([f64; 2], f64, [bool; 3]); 12] = [
        ([5.0, 8.0], 10.0, [true, true, true]),
        ([9.0, -1.0], 10.0, [true, true, true]),
        ([10.0, -1.0], 10.0, [false, false, false]),
        ([9.9, -1.0], 10.0, [true, true, true]),
        ([11.0, 5.0], 10.0, [false, true, false]),
        ([5.0, 10.0], 10.0, [true, false, false]),
        ([-1.0, 5.0], 10.0, [false, true, false]),
        ([-1.0, 11.0], 10.0, [false, false, false]),
        ([-1.0, -1.0], 10.0, [false, false, false]),
        ([59.0, 60.0], 60.0, [true, false, false]),
        ([60.0, 59.0], 60.0, [false, true, false]),
        ([1440.0, -1.0], 1440.0, [false, false, false]),
    ];
    for (fva, minutes, expected) in judged {
        let session = read(json!({ "fva": fva }));
        let levels = ["first_factor", "second_factor", "multi_factor"];
        let answers = levels.map(|level| session.reverified(level, minutes));
        assert_eq!(answers, expected, "{fva:?} within {minutes}");
    }
}

/// All that is asked, at least one thing, and every answer yes: what `has()` makes of its parts. A null
/// asks nothing.
fn ask(session: &Session, params: &Map<String, Value>) -> bool {
    let mut answers = Vec::new();
    for (question, value) in params {
        match (question.as_str(), value) {
            ("role", Value::String(role)) => answers.push(session.has_role(role)),
            ("permission", Value::String(text)) => answers.push(session.has_permission(text)),
            ("feature", Value::String(feature)) => answers.push(session.has_feature(feature)),
            ("plan", Value::String(plan)) => answers.push(session.has_plan(plan)),
            ("reverification", Value::String(preset)) => {
                answers.push(session.reverified_preset(preset));
            }
            ("reverification", Value::Object(rule)) => {
                let level = rule["level"].as_str().expect("a level");
                let minutes = rule["afterMinutes"].as_f64().expect("minutes");
                answers.push(session.reverified(level, minutes));
            }
            (_, Value::Null) | ("foo", _) => {}
            other => panic!("no such question: {other:?}"),
        }
    }
    !answers.is_empty() && answers.into_iter().all(|answer| answer)
}

/// A version 1 payload with the state of a case.
fn claims_of(state: &Value) -> Value {
    let claims = common_claims(state);
    crate::signer::with(
        claims,
        json!({
            "org_id": state["orgId"], "org_role": state["orgRole"],
            "org_permissions": state["orgPermissions"],
        }),
    )
}

/// The same state in version 2: each permission a feature and a bit of its own.
fn version_2_claims_of(state: &Value) -> Value {
    let permissions = texts(&state["orgPermissions"]);
    let split: Vec<(&str, &str)> = permissions
        .iter()
        .map(|permission| {
            let bare = permission.strip_prefix("org:").expect("the prefix");
            bare.split_once(':').expect("a feature")
        })
        .collect();
    let mut claims = common_claims(state);
    claims["v"] = json!(2);
    let role = state["orgRole"]
        .as_str()
        .map(|role| role.strip_prefix("org:").unwrap_or(role));
    let mut features: Vec<&str> = split.iter().map(|(feature, _)| *feature).collect();
    features.dedup();
    assert!(
        features.len() <= 1,
        "the states have one feature with permissions"
    );
    let names: Vec<&str> = split.iter().map(|(_, name)| *name).collect();
    let starts_with_feature = state["features"].as_str().is_some_and(|list| {
        features
            .first()
            .is_some_and(|feature| list.starts_with(&format!("o:{feature}")))
    });
    let mask = if starts_with_feature {
        (1_u32 << names.len()) - 1
    } else {
        0
    };
    claims["o"] = json!({"id": state["orgId"], "rol": role, "per": names.join(","),
        "fpm": mask.to_string()});
    claims
}

fn common_claims(state: &Value) -> Value {
    claims_with(json!({
        "sub": state["userId"], "fva": state["factorVerificationAge"], "fea": state["features"],
        "pla": state["plans"],
    }))
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

fn read(changes: Value) -> Session {
    let claims = claims_with(changes);
    verify_trusted_claims(&claims.to_string(), &trust(), NOW)
        .expect("a session")
        .expect("of a known issuer")
}
