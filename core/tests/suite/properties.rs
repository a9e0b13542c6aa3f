//! Properties of random and mutated input. The seed is fixed: a run can be repeated; the fuzz targets
//! in `fuzz/` look further.

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
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::signer::{
    AUDIENCE, AUTHORIZED_PARTY, ISSUER, KID, NOW, NOW_SECONDS, OTHER_ISSUER, USER, claims,
    claims_with, components, encode, header, key, sign, sign_with_header, trust, trust_with,
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
    fn what_is_accepted_an_independent_reader_accepts_too(
        head in changed(header(), header_members()),
        payload in changed(claims(), claim_members()),
    ) {
        let token = sign_with_header(&head, &payload);
        if let Ok((user_id, claims_json)) = verify_both_ways(&token, strict_trust()) {
            let read: Value = read_independently(&token);
            prop_assert_eq!(&read, &serde_json::from_str::<Value>(&claims_json).expect("JSON"));
            prop_assert_eq!(read["sub"].as_str(), Some(user_id.as_str()));
            prop_assert_eq!(&read["iss"], ISSUER);
            prop_assert_eq!(&read["azp"], AUTHORIZED_PARTY);
            prop_assert!(user_id.starts_with("user_"));
            prop_assert!(read["sid"].is_string());
            let exp = read["exp"].as_f64().expect("exp").trunc() as i64;
            prop_assert!(exp > NOW_SECONDS - 5);
        }
    }

    #[test]
    fn claims_of_a_gateway_never_panic_and_pass_only_with_user_and_session(
        payload in changed(claims(), claim_members()),
        noise in any_text(),
    ) {
        prop_assert!(!matches!(verify_trusted_claims(&noise, strict_trust(), NOW), Ok(Some(_))));
        if let Ok(Some(session)) = verify_trusted_claims(&payload.to_string(), strict_trust(), NOW) {
            prop_assert_eq!(Some(session.user_id()), payload["sub"].as_str());
            prop_assert!(session.user_id().starts_with("user_"));
            prop_assert_eq!(&payload["iss"], ISSUER);
            prop_assert!(payload["sid"].as_str().is_some_and(|sid| !sid.is_empty()));
            prop_assert!(session.recheck(NOW).is_ok());
            prop_assert!(session.valid_from() <= NOW && NOW < session.valid_until());
            prop_assert_eq!(session.signed_in(), payload["sts"] != "pending");
            let in_organization = session.organization().is_some();
            let names = ["admin", "org:admin", "a:read", "posts", "o:posts", "u:posts"];
            for name in names {
                prop_assert!(in_organization || !session.has_role(name));
                prop_assert!(in_organization || !session.has_permission(name));
                prop_assert!(session.signed_in() || !session.has_feature(name));
                prop_assert!(session.signed_in() || !session.has_plan(name));
            }
        }
    }

    #[test]
    fn a_permission_is_granted_only_where_every_reading_grants_it(
        features in vec(feature(), 0..6),
        permissions in vec(select(vec!["read", "manage", "create", " read", "", "x:y"]), 0..5),
        masks in vec(mask(), 0..7),
    ) {
        let granted = decode_permissions(
            &features.join(","),
            &permissions.join(","),
            &masks.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(","),
        );
        let [by_organization, by_position] = [true, false]
            .map(|organizations_only| read_masks(&features, &permissions, &masks, organizations_only));
        for permission in &granted {
            prop_assert!(by_organization.contains(permission), "{permission}");
            prop_assert!(by_position.contains(permission), "{permission}");
        }
        let no_user_feature = features.iter().all(|feature| !feature.starts_with("u:"));
        let no_other_scope = features.iter().all(|feature| !feature.starts_with("x:"));
        if no_user_feature && no_other_scope {
            prop_assert_eq!(granted, by_organization, "both readings are one");
        }
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
        offset in -200_000_000_i64..200_000_000,
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
    fn a_hostile_key_set_yields_strong_keys_or_none(text in key_set_text()) {
        if let Ok(set) = KeySet::parse(&text) {
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
        }
    }

    #[test]
    fn addresses_and_headers_never_panic(text in any_text(), host in "[a-z0-9.$:/@_-]{0,20}") {
        for text in [&text, &host] {
            if check_issuer(text).is_ok() {
                prop_assert!(text.starts_with("https://") || text.starts_with("http://"));
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

/// Every restriction set.
fn strict_trust() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    TRUST.get_or_init(|| {
        trust_with(|instance| {
            instance.authorized_parties = vec![AUTHORIZED_PARTY.to_owned()];
            instance.audiences = vec![AUDIENCE.to_owned()];
        })
    })
}

/// Tokens to start from, with headers and payloads of several lengths.
fn good_tokens() -> &'static [String] {
    static TOKENS: OnceLock<Vec<String>> = OnceLock::new();
    TOKENS.get_or_init(|| {
        let tokens = vec![
            sign(&claims()),
            sign(&claims_with(json!({"sub": "user_other", "name": "Zoë"}))),
            sign(&claims_with(
                json!({"v": 2, "fea": "o:a", "o": {"id": "org_1", "per": "read", "fpm": "1"}}),
            )),
            sign_with_header(&json!({"alg": "RS256", "kid": KID}), &claims()),
        ];
        for token in &tokens {
            assert!(
                verify(token, strict_trust(), NOW).is_ok(),
                "the tokens are good"
            );
            assert!(verify(token, &trust(), NOW).is_ok(), "the tokens are good");
        }
        tokens
    })
}

/// One of the good tokens; padding at its end is no part of what is signed, and tolerated by Clerk.
fn is_good_token(token: &str) -> bool {
    good_tokens()
        .iter()
        .any(|good| good == token.trim_end_matches('='))
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,60}",
        "[A-Za-z0-9_=-]{0,20}(\\.[A-Za-z0-9_=-]{0,20}){0,4}",
        any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "(Bearer |https?://|pk_live_)?[a-z.:/@$ ]{0,20}",
    ]
}

/// One to three mutations of a good token.
fn mutated_token() -> impl Strategy<Value = String> {
    (
        0..4_usize,
        vec((0..9_u8, any::<Index>(), any::<Index>(), any::<u8>()), 1..4),
    )
        .prop_map(|(start, mutations)| {
            let mut token = good_tokens()[start].clone();
            for (kind, at, other, byte) in mutations {
                token = mutate(&token, kind, at, other, byte);
            }
            token
        })
}

fn mutate(token: &str, kind: u8, at: Index, other: Index, byte: u8) -> String {
    if token.is_empty() {
        return char::from(byte).to_string();
    }
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=";
    let mut bytes = token.as_bytes().to_vec();
    let place = at.index(bytes.len());
    match kind {
        0 => bytes[place] = alphabet[usize::from(byte) % alphabet.len()],
        1 => bytes[place] = byte % 128,
        2 => bytes.truncate(place),
        3 => drop(bytes.remove(place)),
        4 => bytes.insert(place, alphabet[usize::from(byte) % alphabet.len()]),
        5 => bytes.swap(place, other.index(token.len())),
        6 => bytes.extend(std::iter::repeat_n(b'=', usize::from(byte % 4))),
        // A part of another good token in the place of this one's.
        7 => {
            let donor = &good_tokens()[other.index(good_tokens().len())];
            let mut parts: Vec<&str> = token.split('.').collect();
            let part = at.index(parts.len());
            parts[part] = donor.split('.').nth(part).unwrap_or("");
            return parts.join(".");
        }
        // Two parts change places.
        _ => {
            let mut parts: Vec<&str> = token.split('.').collect();
            let (one, two) = (at.index(parts.len()), other.index(parts.len()));
            parts.swap(one, two);
            return parts.join(".");
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Any header and payload with a signature that is not theirs.
fn unsigned_token() -> impl Strategy<Value = String> {
    let signature = prop_oneof![
        (0..4_usize).prop_map(|at| good_tokens()[at]
            .rsplit_once('.')
            .expect("parts")
            .1
            .to_owned()),
        vec(any::<u8>(), 0..300).prop_map(|bytes| encode(&bytes)),
        vec(any::<u8>(), 256).prop_map(|bytes| encode(&bytes)),
    ];
    let head = changed(header(), header_members());
    let payload = changed(claims(), claim_members());
    (head, payload, signature).prop_map(|(head, payload, signature)| {
        let (head, payload) = (head.to_string(), payload.to_string());
        format!(
            "{}.{}.{signature}",
            encode(head.as_bytes()),
            encode(payload.as_bytes())
        )
    })
}

fn header_members() -> Vec<&'static str> {
    vec!["alg", "kid", "typ", "crit", "cat"]
}

fn claim_members() -> Vec<&'static str> {
    vec![
        "iss",
        "sub",
        "sid",
        "aud",
        "azp",
        "exp",
        "nbf",
        "iat",
        "v",
        "o",
        "fea",
        "pla",
        "fva",
        "sts",
        "act",
        "org_id",
        "org_role",
        "org_permissions",
        "role",
    ]
}

/// An object of which some members were changed or removed.
fn changed(object: Value, members: Vec<&'static str>) -> impl Strategy<Value = Value> {
    vec((select(members), option(json_value())), 0..4).prop_map(move |changes| {
        let mut object = object.clone();
        let map = object.as_object_mut().expect("an object");
        for (member, value) in changes {
            match value {
                Some(value) => drop(map.insert(member.to_owned(), value)),
                None => drop(map.remove(member)),
            }
        }
        object
    })
}

/// A value out of the words that mean something, or any other.
fn json_value() -> impl Strategy<Value = Value> {
    let words = vec![
        "",
        "RS256",
        "RS512",
        "HS256",
        "none",
        "JWT",
        "at+jwt",
        KID,
        ISSUER,
        OTHER_ISSUER,
        USER,
        AUDIENCE,
        AUTHORIZED_PARTY,
        "mch_1",
        "sess_1",
        "pending",
        "active",
        "org:admin",
        "a:read",
        "o:posts,u:posts",
        "posts",
        "cl_B7d4PD111AAA",
        "cl_B7d4PD222AAA",
        "cl_B7d4PD333AAA",
        "2",
        "user_a\0b",
        "org_1",
    ];
    let leaf = prop_oneof![
        4 => select(words).prop_map(|word| json!(word)),
        2 => (-400_i64..400).prop_map(|offset| json!(NOW_SECONDS + offset)),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => (-2_i64..100).prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(|truth| json!(truth)),
        1 => Just(Value::Null),
        1 => ".{0,8}".prop_map(|text| json!(text)),
    ];
    let members = select(vec!["id", "rol", "slg", "per", "fpm", "sub", "x"]);
    leaf.prop_recursive(2, 8, 3, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::Array),
            vec((members.clone(), inner), 0..4).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn option<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    proptest::option::weighted(0.8, strategy)
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

fn feature() -> impl Strategy<Value = String> {
    let scope = select(vec!["o", "o", "o", "u", "uo", "ou", "x"]);
    (scope, select(vec!["a", "b", "c", "d", "a:b"]))
        .prop_map(|(scope, slug)| format!("{scope}:{slug}"))
}

/// A mask as written, and its value where it is a number.
fn mask() -> impl Strategy<Value = (String, Option<u128>)> {
    prop_oneof![
        6 => (0_u128..32).prop_map(|mask| (mask.to_string(), Some(mask))),
        1 => any::<u128>().prop_map(|mask| (format!(" 00{mask} "), Some(mask))),
        1 => select(vec!["", "-1", "+1", "1.5", "0x1", "1e2", "a", "1 1"])
            .prop_map(|text| (text.to_owned(), None)),
    ]
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
        let (scope, slug) = feature.split_once(':').expect("a scope");
        let of_organization = scope.contains('o');
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

/// A JWKS with some members changed, or any text.
fn key_set_text() -> impl Strategy<Value = String> {
    let (n, e) = components(key());
    let good = json!({"use": "sig", "kty": "RSA", "kid": KID, "alg": "RS256", "n": n, "e": e});
    let short = n[..100].to_owned();
    let values = prop_oneof![
        select(vec![
            "", "RSA", "EC", "sig", "enc", "RS256", "AQAB", "Aw", "AAAA", "x", "a\0"
        ])
        .prop_map(|text| json!(text)),
        Just(json!(short)),
        ".{0,10}".prop_map(|text| json!(text)),
        any::<i32>().prop_map(|number| json!(number)),
        Just(Value::Null),
        vec(any::<u8>(), 250..270).prop_map(|bytes| json!(encode(&bytes))),
    ];
    let members = vec![
        "kty", "use", "alg", "kid", "n", "e", "d", "p", "qi", "oth", "k", "x5c",
    ];
    let entry = vec((select(members), values), 0..3).prop_map(move |changes| {
        let mut entry = good.clone();
        for (member, value) in changes {
            entry[member] = value;
        }
        entry
    });
    prop_oneof![
        9 => vec(entry, 0..4).prop_map(|keys| json!({ "keys": keys }).to_string()),
        1 => ".{0,80}",
    ]
}

fn base64_standard(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
