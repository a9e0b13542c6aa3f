//! Random and mutated input.

use std::sync::OnceLock;

use clerk_core::instance::Trust;
use clerk_core::token::verify;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::signer::{
    AUDIENCE, AUTHORIZED_PARTY, ISSUER, KID, NOW, NOW_SECONDS, OTHER_ISSUER, USER, claims,
    claims_with, components, encode, header, key, sign, sign_with_header, trust, trust_with,
};

/// Every restriction set.
pub fn strict_trust() -> &'static Trust {
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
pub fn is_good_token(token: &str) -> bool {
    good_tokens()
        .iter()
        .any(|good| good == token.trim_end_matches('='))
}

pub fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,60}",
        "[A-Za-z0-9_=-]{0,20}(\\.[A-Za-z0-9_=-]{0,20}){0,4}",
        any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "(Bearer |https?://|pk_live_)?[a-z.:/@$ ]{0,20}",
    ]
}

/// One to three mutations of a good token.
pub fn mutated_token() -> impl Strategy<Value = String> {
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
pub fn unsigned_token() -> impl Strategy<Value = String> {
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

pub fn header_members() -> Vec<&'static str> {
    vec!["alg", "kid", "typ", "crit", "cat"]
}

pub fn claim_members() -> Vec<&'static str> {
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
pub fn changed(object: Value, members: Vec<&'static str>) -> impl Strategy<Value = Value> {
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
        "PS256",
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
        4 => select(words.clone()).prop_map(|word| json!(word)),
        2 => (-400_i64..400).prop_map(|offset| json!(NOW_SECONDS + offset)),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => (-2_i64..100).prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(|truth| json!(truth)),
        1 => Just(Value::Null),
        1 => ".{0,8}".prop_map(|text| json!(text)),
    ];
    let members = select(vec!["id", "rol", "slg", "per", "fpm", "sub", "x"]);
    let any = leaf.prop_recursive(2, 8, 3, move |inner| {
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
    });
    prop_oneof![any, select(words).prop_map(|word| json!(word))]
}

pub fn option<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    proptest::option::weighted(0.8, strategy)
}

pub fn feature() -> impl Strategy<Value = String> {
    let scope = select(vec!["o", "o", "o", "u", "uo", "ou", "x"]);
    (scope, select(vec!["a", "b", "c", "d", "a:b"]))
        .prop_map(|(scope, slug)| format!("{scope}:{slug}"))
}

/// A mask as written, and its value where it is a number.
pub fn mask() -> impl Strategy<Value = (String, Option<u128>)> {
    prop_oneof![
        6 => (0_u128..32).prop_map(|mask| (mask.to_string(), Some(mask))),
        1 => any::<u128>().prop_map(|mask| (format!(" 00{mask} "), Some(mask))),
        1 => select(vec!["", "-1", "+1", "1.5", "0x1", "1e2", "a", "1 1"])
            .prop_map(|text| (text.to_owned(), None)),
    ]
}

/// A JWKS with some members changed, or any text.
pub fn key_set_text() -> impl Strategy<Value = String> {
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
