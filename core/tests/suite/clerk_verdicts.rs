//! Every token of the vectors under every profile of options: the verdict is Clerk's, or a stricter one
//! that [`STRICTER`] lists.

use std::collections::BTreeSet;

use clerk_core::authorization_header::bearer_token;
use clerk_core::instance::Trust;
use clerk_core::key_set::KeySet;
use clerk_core::token::{inspect, verify};
use serde_json::Value;

use crate::made_tokens::made_tokens;
use crate::signer::{
    AUDIENCE, AUTHORIZED_PARTY, ISSUER, KID, NOW, NOW_SECONDS, instance, key, signing_key,
};
use crate::stricter::STRICTER;
use crate::vectors::{cases, code, jwt, name};

/// Options of `verifyToken`. `jwtKey` gives Clerk the key and no issuer.
pub const PROFILES: [&str; 6] = [
    "jwtKey",
    "jwks",
    "jwks_azp",
    "jwks_azp_iss",
    "jwks_aud",
    "jwtKey_skew0",
];

/// A token and what Clerk's code said: a verdict a profile, and that of `authenticateRequest`.
pub struct Judged {
    pub name: String,
    pub token: String,
    pub verify_token: [String; 6],
    pub authenticate_request: String,
}

#[test]
fn every_verdict_is_clerks_or_listed_as_stricter() {
    let mut used = BTreeSet::new();
    let mut unlisted = Vec::new();
    let mut compared = 0;
    for judged in given_tokens().iter().chain(&made_tokens()) {
        for (profile, clerk) in PROFILES.iter().zip(&judged.verify_token) {
            compared += 1;
            let ours = code(&verify(&judged.token, &trust(profile), NOW));
            note(judged, profile, clerk, ours, &mut used, &mut unlisted);
        }
        let profile = "authenticate_request";
        let ours = authenticate_request(&judged.token);
        compared += 1;
        note(
            judged,
            profile,
            &judged.authenticate_request,
            ours,
            &mut used,
            &mut unlisted,
        );
    }
    assert_eq!(
        unlisted,
        Vec::<String>::new(),
        "differences that are not listed"
    );
    for (index, entry) in STRICTER.iter().enumerate() {
        for profile in entry.profiles {
            let is_used = used.contains(&(index, (*profile).to_owned()));
            assert!(
                is_used,
                "{} under {profile} is listed and makes no difference",
                entry.case
            );
        }
        assert_ne!(entry.ours, "ok", "{}: we may only be stricter", entry.case);
        assert!(!entry.why.is_empty());
    }
    assert_eq!(compared, 7 * (44 + 31));
}

#[test]
fn an_explanation_gives_the_same_verdict_as_verification() {
    for judged in given_tokens().iter().chain(&made_tokens()) {
        for profile in PROFILES {
            let verdict = code(&verify(&judged.token, &trust(profile), NOW));
            let inspection = inspect(&judged.token, &trust(profile), NOW);
            assert_eq!(
                code(&inspection.verdict),
                verdict,
                "{} under {profile}",
                judged.name
            );
            let first = inspection.checks.iter().find_map(|check| check.reason);
            let shown = first.map_or("ok", |reason| reason.code());
            assert_eq!(shown, verdict, "{} under {profile}", judged.name);
        }
    }
}

#[test]
fn a_template_token_is_accepted_where_the_instance_allows_it() {
    let tokens = given_tokens();
    let mut templates = tokens
        .iter()
        .filter(|judged| judged.name == "valid_jwt_template");
    let template = templates.next().expect("one is among the vectors");
    for (profile, clerk) in PROFILES.iter().zip(&template.verify_token) {
        let mut trust = trust(profile);
        trust.instances[0].allow_templates = true;
        assert_eq!(code(&verify(&template.token, &trust, NOW)), clerk);
    }
}

/// Records a difference, as one that is listed or not.
fn note(
    judged: &Judged,
    profile: &str,
    clerk: &str,
    ours: &str,
    used: &mut BTreeSet<(usize, String)>,
    unlisted: &mut Vec<String>,
) {
    if ours == clerk {
        return;
    }
    let listed = STRICTER.iter().position(|entry| {
        entry.case == judged.name
            && entry.profiles.contains(&profile)
            && entry.clerk == clerk
            && entry.ours == ours
    });
    match listed {
        Some(index) => {
            used.insert((index, profile.to_owned()));
        }
        None => unlisted.push(format!(
            "{} {profile}: Clerk {clerk}, ours {ours}",
            judged.name
        )),
    }
}

/// The token as the `Authorization` header brings it.
fn authenticate_request(token: &str) -> &'static str {
    let header = format!("Bearer {token}");
    match bearer_token(&header) {
        Some(token) => code(&verify(token, &trust("jwks_azp"), NOW)),
        // Clerk takes the scheme itself for a token then; we take it for no token. Both are signed out.
        None => "token-invalid",
    }
}

fn trust(profile: &str) -> Trust {
    let keys = KeySet::parse(&jwt()["jwks"].to_string()).expect("keys");
    let mut instance = instance(ISSUER, keys.keys().to_vec());
    instance.keys.push(signing_key(KID, key()));
    match profile {
        "jwks_azp" | "jwks_azp_iss" => {
            instance.authorized_parties = vec![AUTHORIZED_PARTY.to_owned()];
        }
        "jwks_aud" => instance.audiences = vec![AUDIENCE.to_owned()],
        "jwtKey_skew0" => instance.clock_skew_micros = 0,
        "jwks" | "jwtKey" => {}
        _ => panic!("unknown profile {profile}"),
    }
    Trust {
        instances: vec![instance],
    }
}

fn given_tokens() -> Vec<Judged> {
    let file = jwt();
    assert_eq!(file["issuer"], ISSUER);
    assert_eq!(file["authorized_party"], AUTHORIZED_PARTY);
    assert_eq!(file["fixed_clock"]["unix_seconds"], NOW_SECONDS);
    cases(&file, 44).iter().map(given_token).collect()
}

fn given_token(case: &Value) -> Judged {
    Judged {
        name: name(case).to_owned(),
        token: case["token"].as_str().expect("a token").to_owned(),
        verify_token: PROFILES.map(|profile| {
            let verdict = &case["verify_token"][profile];
            match (verdict["ok"].as_bool(), verdict["reason"].as_str()) {
                (Some(true), None) => "ok".to_owned(),
                (Some(false), Some(reason)) => reason.to_owned(),
                (Some(false), None) => "throws".to_owned(),
                _ => panic!("{}: no verdict under {profile}", name(case)),
            }
        }),
        authenticate_request: signed_in_reason(&case["authenticate_request"]),
    }
}

/// `authenticateRequest` has names of its own for the same facts.
fn signed_in_reason(verdict: &Value) -> String {
    match (verdict["status"].as_str(), verdict["reason"].as_str()) {
        (Some("signed-in"), _) => "ok".to_owned(),
        (Some("signed-out"), Some(reason)) => request_reason(reason).to_owned(),
        _ => panic!("no verdict in {verdict}"),
    }
}

pub fn request_reason(reason: &str) -> &str {
    match reason {
        "session-token-expired-refresh-non-eligible-no-refresh-cookie" => "token-expired",
        "session-token-nbf" => "token-not-active-yet",
        "session-token-iat-in-the-future" => "token-iat-in-the-future",
        "unexpected-error" => "throws",
        other => other,
    }
}
