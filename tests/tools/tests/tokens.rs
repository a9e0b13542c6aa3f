//! Tokens are judged by jsonwebtoken, which shares no code with what made them but the RSA itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_testing::key::TestKey;
use clerk_testing::token::{DEFAULT_ISSUER, Recipe, batch, identifier};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::LazyLock;

const AT: i64 = 1_767_225_600;

static KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::generate(2048).unwrap());

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn verified(token: &str, algorithm: Algorithm, jwk: &Value) -> Value {
    let mut rules = Validation::new(algorithm);
    rules.validate_exp = false;
    let key =
        DecodingKey::from_rsa_components(jwk["n"].as_str().unwrap(), jwk["e"].as_str().unwrap());
    decode::<Value>(token, &key.unwrap(), &rules)
        .unwrap()
        .claims
}

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[test]
fn a_default_token_has_clerks_shape_and_verifies() {
    let token = Recipe::new("ins_test", AT).sign(&KEY).unwrap();
    let header = decode_header(&token).unwrap();
    assert_eq!(header.alg, Algorithm::RS256);
    assert_eq!(header.kid.as_deref(), Some("ins_test"));
    assert_eq!(header.typ.as_deref(), Some("JWT"));
    let claims = verified(&token, Algorithm::RS256, &KEY.jwk("ins_test"));
    let expected = json!({
        "azp": "https://app.example.com", "iss": DEFAULT_ISSUER, "iat": AT, "nbf": AT - 10, "exp": AT + 60,
        "sid": "sess_200000000000000000000000000", "sub": "user_200000000000000000000000000", "v": 2,
    });
    assert_eq!(claims, expected);
}

#[test]
fn a_key_survives_the_disk() {
    let directory = scratch("key");
    let _ = std::fs::remove_dir_all(&directory);
    // Twice: a second run writes over the first.
    for _ in 0..2 {
        TestKey::generate(2048)
            .unwrap()
            .save(&directory, "ins_disk")
            .unwrap();
    }
    let mode = std::fs::metadata(directory.join("private.pem"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let (key, kid) = TestKey::load(&directory).unwrap();
    assert_eq!(kid, "ins_disk");
    let set: Value =
        serde_json::from_str(&std::fs::read_to_string(directory.join("jwks.json")).unwrap())
            .unwrap();
    assert_eq!(set["keys"][0]["e"], "AQAB");
    verified(
        &Recipe::new(&kid, AT).sign(&key).unwrap(),
        Algorithm::RS256,
        &set["keys"][0],
    );
}

#[test]
fn claims_and_header_are_laid_over_the_defaults() {
    let mut recipe = Recipe::new("ins_test", AT);
    recipe.claims = object(json!({"azp": null, "sub": "user_x", "o": {"id": "org_x"}}));
    recipe.header = object(json!({"typ": null, "cat": "cl_B7d4PD111AAA"}));
    let token = recipe.sign(&KEY).unwrap();
    assert_eq!(
        part(&token, 0),
        json!({"alg": "RS256", "kid": "ins_test", "cat": "cl_B7d4PD111AAA"})
    );
    let claims = part(&token, 1);
    assert_eq!(claims.get("azp"), None);
    assert_eq!(claims["sub"], "user_x");
    assert_eq!(claims["o"]["id"], "org_x");
}

#[test]
fn the_header_chooses_the_signature() {
    let jwk = KEY.jwk("ins_test");
    let signed = |alg: &str| {
        let mut recipe = Recipe::new("ins_test", AT);
        recipe.header = object(json!({"alg": alg}));
        recipe.sign(&KEY).unwrap()
    };
    verified(&signed("RS384"), Algorithm::RS384, &jwk);
    verified(&signed("RS512"), Algorithm::RS512, &jwk);
    verified(&signed("PS256"), Algorithm::PS256, &jwk);
    assert!(signed("none").ends_with('.'));

    let mut rules = Validation::new(Algorithm::HS256);
    rules.validate_exp = false;
    let public = KEY.public_pem().unwrap();
    decode::<Value>(
        &signed("HS256"),
        &DecodingKey::from_secret(public.as_bytes()),
        &rules,
    )
    .unwrap();
    // The PEM is a real one.
    DecodingKey::from_rsa_pem(public.as_bytes()).unwrap();
}

#[test]
fn a_batch_is_in_order_distinct_and_valid() {
    let jwk = KEY.jwk("ins_test");
    let mut rows = Vec::new();
    batch(
        &Recipe::new("ins_test", AT),
        &KEY,
        1000,
        7,
        |number, user, token| {
            rows.push((number, user.to_owned(), token.to_owned()));
            Ok(())
        },
    )
    .unwrap();
    assert!(rows.iter().map(|row| row.0).eq(1..=1000));
    assert_eq!(
        rows.iter().map(|row| &row.1).collect::<BTreeSet<_>>().len(),
        7
    );
    assert_eq!(
        rows.iter().map(|row| &row.2).collect::<BTreeSet<_>>().len(),
        1000
    );
    for (_, user, token) in rows.iter().step_by(97) {
        assert_eq!(verified(token, Algorithm::RS256, &jwk)["sub"], *user);
    }
}

#[test]
fn a_batch_without_users_is_refused() {
    assert!(batch(&Recipe::new("k", AT), &KEY, 1, 0, |_, _, _| Ok(())).is_err());
}

#[test]
fn identifiers_have_clerks_length_and_differ() {
    assert_eq!(identifier("user", 61), "user_20000000000000000000000000z");
    assert_eq!(identifier("user", 62), "user_200000000000000000000000010");
    assert_eq!(identifier("org", u64::MAX).len(), "org_".len() + 27);
}
