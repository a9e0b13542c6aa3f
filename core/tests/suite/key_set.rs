//! A JWKS from a stranger: what is kept, what is skipped, and what refuses the whole document.

use clerk_core::key_set::{KeySet, KeySetError, MAX_JWKS_BYTES, SigningKey};
use clerk_core::token::verify;
use serde_json::{Value, json};

use crate::signer::{KID, NOW, claims, components, encode, key, other_key, sign, trust_with, with};
use crate::vectors::{code, jwt};

#[test]
fn the_document_of_clerk_is_accepted() {
    let set = KeySet::parse(&jwt()["jwks"].to_string()).expect("a key set");
    assert_eq!(set.keys().len(), 1);
    assert!(set.skipped().is_empty());
    let key = &set.keys()[0];
    assert_eq!(key.kid(), "ins_2tPgClerkExtensionTestKey01");
    assert_eq!((key.bits(), key.exponent()), (2048, "AQAB"));
    assert_eq!(key.modulus(), jwt()["jwks"]["keys"][0]["n"]);
}

#[test]
fn a_parsed_key_verifies_tokens() {
    let set = parse(&[jwk()]).expect("a key set");
    let trust = trust_with(|instance| instance.keys = set.keys().to_vec());
    assert_eq!(code(&verify(&sign(&claims()), &trust, NOW)), "ok");
    let again = SigningKey::from_components(KID, set.keys()[0].modulus(), set.keys()[0].exponent());
    let trust = trust_with(|instance| instance.keys = vec![again.expect("a key")]);
    assert_eq!(code(&verify(&sign(&claims()), &trust, NOW)), "ok");
}

#[test]
fn use_and_alg_may_be_absent_and_unknown_members_do_not_matter() {
    for changes in [
        json!({"use": null, "alg": null}),
        json!({"x5c": ["MIIB"], "x5t": "abc", "x5u": "https://evil.example", "key_ops": ["verify"]}),
    ] {
        let set = parse(&[with(jwk(), changes.clone())]).expect("a key set");
        assert_eq!(set.keys().len(), 1, "{changes}");
    }
}

#[test]
fn an_entry_of_no_use_is_skipped_with_its_reason() {
    let cases = [
        (json!({"kty": "EC", "crv": "P-256"}), "not an RSA key"),
        (json!({"kty": "OKP"}), "not an RSA key"),
        (json!({"kty": "oct", "k": "c2VjcmV0"}), "not an RSA key"),
        (json!({"kty": "rsa"}), "not an RSA key"),
        (json!({"kty": null}), "not an RSA key"),
        (json!({"use": "enc"}), "not for signatures"),
        (json!({"use": 5}), "not for signatures"),
        (json!({"alg": "RS512"}), "not for RS256"),
        (json!({"alg": "PS256"}), "not for RS256"),
        (json!({"alg": "none"}), "not for RS256"),
        (json!({"kid": null}), "no usable key id"),
        (json!({"kid": ""}), "no usable key id"),
        (json!({"kid": 5}), "no usable key id"),
        (json!({"kid": "a\0b"}), "no usable key id"),
        (json!({"kid": "a\nb"}), "no usable key id"),
        (json!({"kid": "x".repeat(257)}), "no usable key id"),
    ];
    for (changes, why) in cases {
        let other = with(with(jwk(), json!({"kid": "other"})), changes.clone());
        let set = parse(&[other.clone(), jwk()]).expect("a key set");
        assert_eq!(set.keys().len(), 1, "{changes}");
        assert_eq!(set.skipped().len(), 1, "{changes}");
        assert_eq!(set.skipped()[0].why, why, "{changes}");
        assert_eq!(refusal(&[other]), KeySetError::NoUsableKey, "{changes}");
    }
}

#[test]
fn a_private_key_anywhere_refuses_the_document() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        for kind in ["RSA", "EC", "unknown"] {
            let mut leaked = with(jwk(), json!({"kid": "leaked", "kty": kind}));
            leaked[member] = json!("c2VjcmV0");
            let error = refusal(&[jwk(), leaked.clone()]);
            assert_eq!(error, KeySetError::PrivateKey, "{member} of {kind}");
            assert!(!error.to_string().contains("c2VjcmV0"));
            leaked[member] = Value::Null;
            assert_eq!(
                refusal(&[jwk(), leaked]),
                KeySetError::PrivateKey,
                "{member} is null"
            );
        }
    }
}

#[test]
fn a_weak_key_refuses_the_document() {
    let weak = || KeySetError::WeakKey("\"weak\"".into());
    for bits in [8, 512, 1024, 2040, 2047, 8193, 16384] {
        assert_eq!(
            refusal(&[jwk(), rsa("weak", &modulus(bits), &[1, 0, 1])]),
            weak(),
            "{bits}"
        );
    }
    for bits in [2048, 2049, 3072, 4096, 8192] {
        let set = parse(&[rsa("strong", &modulus(bits), &[1, 0, 1])]).expect("a key set");
        assert_eq!(set.keys()[0].bits(), bits, "{bits}");
    }
    let even = {
        let mut even = modulus(2048);
        even[255] = 2;
        even
    };
    assert_eq!(
        refusal(&[rsa("weak", &even, &[1, 0, 1])]),
        weak(),
        "an even modulus"
    );
    let exponents: [&[u8]; 8] = [
        &[1],
        &[3],
        &[17],
        &[0xff, 0xff],
        &[1, 0, 0],
        &[2, 0, 0, 0, 1],
        &[1, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0xff; 300],
    ];
    for exponent in exponents {
        assert_eq!(
            refusal(&[rsa("weak", &modulus(2048), exponent)]),
            weak(),
            "{exponent:?}"
        );
    }
    for exponent in [&[1, 0, 1][..], &[1, 0, 3], &[1, 0xff, 0xff, 0xff, 0xff]] {
        assert!(
            parse(&[rsa("strong", &modulus(2048), exponent)]).is_ok(),
            "{exponent:?}"
        );
    }
}

#[test]
fn a_malformed_number_refuses_the_document() {
    let (n, _) = components(key());
    let numbers = [
        json!(null),
        json!(""),
        json!(5),
        json!("AAAA"),
        json!("AQ=="),
        json!("A+/B"),
        json!("a b"),
        json!("A"),
        json!("AR"),
        json!(format!("{n}=")),
        json!(format!(" {n}")),
        json!(["AQAB"]),
    ];
    for number in numbers {
        for member in ["n", "e"] {
            let bad = with(jwk(), json!({"kid": "bad", member: number}));
            let error = refusal(&[jwk(), bad]);
            assert_eq!(
                error,
                KeySetError::MalformedKey("\"bad\"".into()),
                "{member} is {number}"
            );
        }
    }
}

#[test]
fn one_id_for_two_keys_refuses_the_document() {
    let twice = parse(&[jwk(), jwk()]).expect("the same key twice");
    assert_eq!(twice.keys().len(), 1);
    let (n, e) = components(other_key());
    let other = with(jwk(), json!({"n": n, "e": e}));
    let ambiguous = KeySetError::AmbiguousKid(format!("{KID:?}"));
    assert_eq!(refusal(&[jwk(), other.clone()]), ambiguous);
    let renamed = with(other, json!({"kid": "next"}));
    assert_eq!(parse(&[jwk(), renamed]).expect("two keys").keys().len(), 2);
}

#[test]
fn a_document_has_a_limit_of_bytes_and_entries() {
    let text = json!({"keys": [jwk()]}).to_string();
    let padded = |bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
    assert!(KeySet::parse(&padded(MAX_JWKS_BYTES)).is_ok());
    assert_eq!(
        KeySet::parse(&padded(MAX_JWKS_BYTES + 1)).unwrap_err(),
        KeySetError::TooLong
    );
    let others = |count: usize| vec![json!({"kty": "EC"}); count];
    assert_eq!(refusal(&others(65)), KeySetError::TooManyKeys);
    let mut full = others(63);
    full.push(jwk());
    assert_eq!(parse(&full).expect("64 entries").skipped().len(), 63);
}

#[test]
fn what_is_no_key_set_is_refused() {
    let not_a_set = [
        "",
        " ",
        "{",
        "null",
        "[]",
        "5",
        "\"keys\"",
        "{}",
        "{\"keys\":null}",
        "{\"keys\":{}}",
        "{\"keys\":[null]}",
        "{\"keys\":[[]]}",
        "{\"keys\":[5]}",
        "{\"Keys\":[]}",
        "\u{feff}{}",
        "<html></html>",
        "{\"errors\":[{\"code\":\"not_found\"}]}",
    ];
    for text in not_a_set {
        assert_eq!(
            KeySet::parse(text).unwrap_err(),
            KeySetError::NotAKeySet,
            "{text:?}"
        );
    }
    let single = KeySet::parse(&jwk().to_string()).unwrap_err();
    assert_eq!(single, KeySetError::NotAKeySet);
    assert!(single.to_string().contains("a list of keys"));
    assert_eq!(
        KeySet::parse("{\"keys\":[]}").unwrap_err(),
        KeySetError::NoUsableKey
    );
    let deep = format!("{{\"keys\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(KeySet::parse(&deep).unwrap_err(), KeySetError::NotAKeySet);
}

#[test]
fn a_hostile_key_id_does_not_reach_the_message_raw() {
    let kid = "x\u{202e}".repeat(128);
    assert!(kid.len() > 256, "and is skipped for its length");
    let kid = "\u{202e}\"".repeat(60);
    let bad = with(jwk(), json!({"kid": kid, "n": "!"}));
    let message = refusal(&[bad]).to_string();
    assert!(!message.contains('\u{202e}'), "{message}");
    assert!(message.len() < 1_200, "{}", message.len());
    let key = parse(&[jwk()]).expect("a key set");
    assert!(
        !format!("{key:?}").contains(key.keys()[0].modulus()),
        "nor the modulus in a debug text"
    );
}

#[test]
fn a_key_of_components_keeps_to_the_same_rules() {
    let (n, e) = components(key());
    let refused = |kid: &str, n: &str, e: &str| SigningKey::from_components(kid, n, e).unwrap_err();
    let malformed = |kid: &str| KeySetError::MalformedKey(format!("{kid:?}"));
    assert_eq!(refused("", &n, &e), malformed(""));
    assert_eq!(refused("k", "", &e), malformed("k"));
    assert_eq!(refused("k", &n, ""), malformed("k"));
    assert_eq!(refused("k", &n, "Aw"), KeySetError::WeakKey("\"k\"".into()));
    assert!(SigningKey::from_components("k", &n, &e).is_ok());
    let zero = encode(&[&[0][..], &decode(&n)].concat());
    assert_eq!(
        SigningKey::from_components("k", &zero, &e)
            .expect("a key")
            .bits(),
        2048
    );
}

#[test]
fn a_key_verifies_its_own_signatures_only() {
    let set = parse(&[jwk()]).expect("a key set");
    let token = sign(&claims());
    let (signed, signature) = token.rsplit_once('.').expect("parts");
    let signature = decode(signature);
    let key = &set.keys()[0];
    assert!(key.verify_rs256(signed.as_bytes(), &signature));
    assert!(!key.verify_rs256(&signed.as_bytes()[1..], &signature));
    assert!(!key.verify_rs256(signed.as_bytes(), &signature[1..]));
    assert!(!key.verify_rs256(signed.as_bytes(), &[]));
    assert!(!key.verify_rs256(signed.as_bytes(), &[&[0][..], &signature].concat()));
    assert!(!key.verify_rs256(signed.as_bytes(), &[0; 256]));
    for bit in 0..16 {
        let mut other = signature.clone();
        other[bit * 16] ^= 1;
        assert!(
            !key.verify_rs256(signed.as_bytes(), &other),
            "byte {}",
            bit * 16
        );
    }
}

fn jwk() -> Value {
    let (n, e) = components(key());
    json!({"use": "sig", "kty": "RSA", "kid": KID, "alg": "RS256", "n": n, "e": e})
}

fn rsa(kid: &str, modulus: &[u8], exponent: &[u8]) -> Value {
    json!({"use": "sig", "kty": "RSA", "kid": kid, "alg": "RS256", "n": encode(modulus),
        "e": encode(exponent)})
}

/// An odd number of so many bits; a public key does not tell whether it is a product of two primes.
fn modulus(bits: u32) -> Vec<u8> {
    let mut bytes = vec![0x5a; bits.div_ceil(8) as usize];
    let high = (bits - 1) % 8;
    bytes[0] = 1 << high;
    let last = bytes.len() - 1;
    bytes[last] |= 1;
    bytes
}

fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(&json!({ "keys": keys }).to_string())
}

fn refusal(keys: &[Value]) -> KeySetError {
    parse(keys).expect_err("a refusal")
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .expect("base64url")
}
