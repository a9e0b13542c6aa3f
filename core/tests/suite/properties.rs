//! Properties of random and mutated input. The seed is fixed: a run can be repeated; the fuzz targets
//! in `fuzz/` look further.

mod generators;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use clerk_core::authorization_header::bearer_token;
use clerk_core::endpoint::{check_issuer, check_jwks_url};
use clerk_core::instance::Trust;
use clerk_core::key_set::KeySet;
use clerk_core::permissions::decode_permissions;
use clerk_core::publishable_key::PublishableKey;
use clerk_core::time::UnixMicros;
use clerk_core::token::{inspect, names_known_issuer, verify, verify_trusted_claims};
use generators::{
    any_text, changed, claim_members, feature, header_members, is_good_token, key_set_text, mask,
    mutated_token, option, strict_trust, unsigned_token,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::{Value, json};
use url::Url;

use crate::signer::{
    AUTHORIZED_PARTY, ISSUER, NOW, NOW_SECONDS, claims, claims_with, components, header, key,
    sign_with_header,
};

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 10_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0xC1E2_C5AF),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_text_is_a_token(text in any_text()) {
        prop_assert!(verify_both_ways(&text, strict_trust()).is_err());
        prop_assert!(!names_known_issuer(&text, strict_trust()));
    }

    #[test]
    fn no_mutated_token_passes(token in mutated_token()) {
        let accepted = verify_both_ways(&token, strict_trust()).is_ok();
        prop_assert_eq!(accepted, is_good_token(&token));
    }

    #[test]
    fn no_token_without_its_own_signature_passes(token in unsigned_token()) {
        let accepted = verify_both_ways(&token, strict_trust()).is_ok();
        prop_assert_eq!(accepted, is_good_token(&token));
    }

    #[test]
    fn any_texts_as_permissions_do_not_panic(features in ".{0,40}", per in ".{0,40}", fpm in ".{0,40}") {
        for permission in decode_permissions(&features, &per, &fpm) {
            prop_assert!(permission.starts_with("org:"));
        }
    }

    #[test]
    fn a_session_is_valid_exactly_within_its_times(
        exp in -200_i64..200, nbf in option(-200_i64..200), iat in option(-200_i64..200),
        // Whole seconds meet the boundaries themselves.
        offset in prop_oneof![
            (-200_i64..200).prop_map(|seconds| seconds * 1_000_000),
            -200_000_000_i64..200_000_000,
        ],
    ) {
        let time = |time: Option<i64>| time.map_or(Value::Null, |time| json!(NOW_SECONDS + time));
        let payload = claims_with(json!({
            "exp": NOW_SECONDS + exp, "nbf": time(nbf), "iat": time(iat),
        }));
        let now = UnixMicros(NOW.0 + offset);
        // Clerk's rule, in microseconds, with a skew of 5 s.
        let seconds = |time: i64| time * 1_000_000;
        let expected = seconds(exp) > offset - 5_000_000
            && nbf.is_none_or(|nbf| seconds(nbf) <= offset + 5_000_000)
            && iat.is_none_or(|iat| seconds(iat) <= offset + 5_000_000);
        let verdict = verify_trusted_claims(&payload.to_string(), strict_trust(), now);
        prop_assert_eq!(verdict.is_ok(), expected);
    }

    #[test]
    fn addresses_and_headers_never_panic(text in any_text(), host in "(https?:[/\\\\]{0,3})?[a-zA-Z0-9.$:/@_%-]{0,20}") {
        for text in [&text, &host] {
            if check_issuer(text).is_ok() {
                prop_assert!(text.starts_with("https://") || text.starts_with("http://"));
                // Whoever reads the text from the left finds the host that the parser finds.
                let url = Url::parse(text).expect("a URL");
                let after_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
                prop_assert!(after_scheme.starts_with(url.host_str().expect("a host")));
                prop_assert!(check_jwks_url(text).is_ok());
            }
            if let Some(token) = bearer_token(text) {
                prop_assert!(!token.contains(' ') && text.contains(token));
            }
            let encoded = base64_standard(text);
            for candidate in [text.clone(), format!("pk_live_{text}"), format!("pk_test_{encoded}")] {
                if let Ok(key) = PublishableKey::parse(&candidate) {
                    prop_assert!(check_issuer(&key.issuer()).is_ok(), "{}", key.issuer());
                    prop_assert!(check_jwks_url(&key.jwks_url()).is_ok());
                }
            }
        }
    }
}

#[test]
fn what_is_accepted_an_independent_reader_accepts_too() {
    let tokens = (
        changed(header(), header_members()),
        changed(claims(), claim_members()),
    );
    let accepted = run(tokens, |(head, payload)| {
        let token = sign_with_header(&head, &payload);
        let Ok((user_id, claims_json)) = verify_both_ways(&token, strict_trust()) else {
            return Ok(false);
        };
        let read: Value = read_independently(&token);
        prop_assert_eq!(
            &read,
            &serde_json::from_str::<Value>(&claims_json).expect("JSON")
        );
        prop_assert_eq!(read["sub"].as_str(), Some(user_id.as_str()));
        prop_assert_eq!(&read["iss"], ISSUER);
        prop_assert_eq!(&read["azp"], AUTHORIZED_PARTY);
        prop_assert!(user_id.starts_with("user_"));
        prop_assert!(read["sid"].is_string());
        let exp = read["exp"].as_f64().expect("exp").trunc() as i64;
        prop_assert!(exp > NOW_SECONDS - 5);
        Ok(true)
    });
    assert!(
        (1_000..9_000).contains(&accepted),
        "{accepted} were accepted"
    );
}

#[test]
fn claims_of_a_gateway_pass_only_with_user_and_session() {
    let texts = (changed(claims(), claim_members()), any_text());
    let accepted = run(texts, |(payload, noise)| {
        prop_assert!(!matches!(
            verify_trusted_claims(&noise, strict_trust(), NOW),
            Ok(Some(_))
        ));
        let verdict = verify_trusted_claims(&payload.to_string(), strict_trust(), NOW);
        let Ok(Some(session)) = verdict else {
            return Ok(false);
        };
        prop_assert_eq!(Some(session.user_id()), payload["sub"].as_str());
        prop_assert!(session.user_id().starts_with("user_"));
        prop_assert_eq!(&payload["iss"], ISSUER);
        prop_assert!(payload["sid"].as_str().is_some_and(|sid| !sid.is_empty()));
        prop_assert!(session.recheck(NOW).is_ok());
        prop_assert!(session.valid_from() <= NOW && NOW < session.valid_until());
        prop_assert_eq!(session.signed_in(), payload["sts"] != "pending");
        let in_organization = session.organization().is_some();
        for name in [
            "admin",
            "org:admin",
            "a:read",
            "posts",
            "o:posts",
            "u:posts",
        ] {
            prop_assert!(in_organization || !session.has_role(name));
            prop_assert!(in_organization || !session.has_permission(name));
            prop_assert!(session.signed_in() || !session.has_feature(name));
            prop_assert!(session.signed_in() || !session.has_plan(name));
        }
        Ok(true)
    });
    assert!(
        (1_000..9_000).contains(&accepted),
        "{accepted} were accepted"
    );
}

#[test]
fn a_permission_is_granted_only_where_every_reading_grants_it() {
    let names = select(vec!["read", "manage", "create", " read", "", "x:y"]);
    let claims = (vec(feature(), 0..6), vec(names, 0..5), vec(mask(), 0..7));
    let granting = run(claims, |(features, permissions, masks)| {
        let written: Vec<&str> = masks.iter().map(|(text, _)| text.as_str()).collect();
        let granted = decode_permissions(
            &features.join(","),
            &permissions.join(","),
            &written.join(","),
        );
        let [by_organization, by_position] = [true, false].map(|organizations_only| {
            read_masks(&features, &permissions, &masks, organizations_only)
        });
        for permission in &granted {
            prop_assert!(by_organization.contains(permission), "{permission}");
            prop_assert!(by_position.contains(permission), "{permission}");
        }
        let mut others_last = features
            .iter()
            .skip_while(|feature| is_of_organization(feature));
        if others_last.all(|feature| !is_of_organization(feature)) {
            prop_assert_eq!(&granted, &by_organization, "both readings are one");
        }
        Ok(!granted.is_empty())
    });
    assert!(
        (1_000..9_000).contains(&granting),
        "{granting} granted something"
    );
}

#[test]
fn a_hostile_key_set_yields_strong_keys_or_none() {
    let accepted = run(key_set_text(), |text| {
        let Ok(set) = KeySet::parse(&text) else {
            return Ok(false);
        };
        prop_assert!(!set.keys().is_empty());
        let kids: BTreeSet<&str> = set.keys().iter().map(|key| key.kid()).collect();
        prop_assert_eq!(kids.len(), set.keys().len());
        for key in set.keys() {
            prop_assert!((2048..=8192).contains(&key.bits()));
            prop_assert!(!key.kid().is_empty() && !key.kid().contains('\0'));
            prop_assert!(!key.verify_rs256(b"x", b"y"));
        }
        for member in ["\"d\":", "\"p\":", "\"qi\":", "\"oth\":"] {
            prop_assert!(!text.contains(member));
        }
        Ok(true)
    });
    assert!(
        (1_000..9_000).contains(&accepted),
        "{accepted} were accepted"
    );
}

/// Runs a property and counts the cases in which something was granted: with none it would say little.
fn run<S: Strategy>(
    strategy: S,
    property: impl Fn(S::Value) -> Result<bool, TestCaseError>,
) -> usize {
    let granted = Cell::new(0);
    let outcome = TestRunner::new(config()).run(&strategy, |input| {
        granted.set(granted.get() + usize::from(property(input)?));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    granted.get()
}

/// Verifies and explains; both must come to the same. Gives user and claims.
fn verify_both_ways(token: &str, trust: &Trust) -> Result<(String, String), String> {
    let shown = |verdict: Result<clerk_core::claims::Session, clerk_core::reason::Failure>| {
        verdict
            .map(|session| {
                (
                    session.user_id().to_owned(),
                    session.claims_json().to_owned(),
                )
            })
            .map_err(|failure| failure.to_string())
    };
    let verdict = verify(token, trust, NOW);
    let reason = verdict.as_ref().err().map(|failure| failure.reason);
    let verdict = shown(verdict);
    let inspection = inspect(token, trust, NOW);
    let first = inspection
        .checks
        .iter()
        .find(|check| check.ok == Some(false) && check.reason.is_some());
    assert_eq!(
        first.and_then(|check| check.reason),
        reason,
        "the first failed check is the verdict"
    );
    assert_eq!(
        shown(inspection.verdict),
        verdict,
        "an explanation agrees with verification"
    );
    verdict
}

/// What `jsonwebtoken` reads with the same key, its own checks of times left out.
fn read_independently(token: &str) -> Value {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    static KEY: OnceLock<DecodingKey> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        let (n, e) = components(key());
        DecodingKey::from_rsa_components(&n, &e).expect("a key")
    });
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    decode(token, key, &validation)
        .expect("the independent reader accepts it too")
        .claims
}

/// One reading of `fpm`, written for this test: by position among the organization's features, or
/// among all.
fn read_masks(
    features: &[String],
    permissions: &[&str],
    masks: &[(String, Option<u128>)],
    organizations_only: bool,
) -> Vec<String> {
    let is_there = |list: &str| !list.is_empty();
    let written: Vec<&str> = masks.iter().map(|(text, _)| text.as_str()).collect();
    if !is_there(&permissions.join(",")) || !is_there(&written.join(",")) {
        return Vec::new();
    }
    let mut granted = Vec::new();
    let mut position = 0;
    for feature in features {
        let (_, slug) = feature.split_once(':').expect("a scope");
        let of_organization = is_of_organization(feature);
        if of_organization {
            let mask = masks.get(position).and_then(|(_, mask)| *mask).unwrap_or(0);
            for (bit, permission) in permissions.iter().enumerate() {
                if mask >> bit & 1 == 1 {
                    granted.push(format!("org:{slug}:{}", permission.trim()));
                }
            }
        }
        if of_organization || !organizations_only {
            position += 1;
        }
    }
    granted
}

fn is_of_organization(feature: &str) -> bool {
    feature
        .split_once(':')
        .is_some_and(|(scope, _)| scope.contains('o'))
}

fn base64_standard(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
