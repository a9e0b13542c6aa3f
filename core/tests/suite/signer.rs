//! Signs tokens with keys made for this run; no private key lives in the repository.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, signature::RsaSubjectPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_core::instance::{Instance, Trust};
use clerk_core::key_set::SigningKey;
use clerk_core::time::UnixMicros;
use serde_json::{Value, json};

/// 2026-01-01 00:00 UTC, the clock of Clerk's vectors.
pub const NOW_SECONDS: i64 = 1_767_225_600;
pub const NOW: UnixMicros = UnixMicros(NOW_SECONDS * 1_000_000);
pub const ISSUER: &str = "https://clerk.example.com";
pub const OTHER_ISSUER: &str = "https://clerk.example.org";
pub const AUTHORIZED_PARTY: &str = "https://app.example.com";
pub const AUDIENCE: &str = "https://api.example.com";
pub const KID: &str = "ins_madeForThisRun";
pub const USER: &str = "user_2tPgTestUserAAAAAAAAAAAAA1";
pub const SESSION: &str = "sess_2tPgTestSessAAAAAAAAAAAAA1";
pub const SECOND: i64 = 1_000_000;

/// The key of [`ISSUER`].
pub fn key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(generate)
}

/// A key that nobody trusts, unless a test says so.
pub fn other_key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(generate)
}

fn generate() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key")
}

/// `n` and `e` in base64url.
pub fn components(key: &RsaKeyPair) -> (String, String) {
    let public = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    (encode(&public.n), encode(&public.e))
}

pub fn signing_key(kid: &str, key: &RsaKeyPair) -> SigningKey {
    let (n, e) = components(key);
    SigningKey::from_components(kid, &n, &e).expect("a strong key")
}

/// An instance with Clerk's defaults and no restriction of azp or aud.
pub fn instance(issuer: &str, keys: Vec<SigningKey>) -> Instance {
    Instance {
        issuer: issuer.to_owned(),
        authorized_parties: Vec::new(),
        audiences: Vec::new(),
        clock_skew_micros: 5 * SECOND,
        allow_templates: false,
        allow_pending: false,
        keys,
    }
}

/// Trust in [`ISSUER`] with the key of this run, changed by the caller.
pub fn trust_with(change: impl FnOnce(&mut Instance)) -> Trust {
    let mut instance = instance(ISSUER, vec![signing_key(KID, key())]);
    change(&mut instance);
    Trust {
        instances: vec![instance],
    }
}

pub fn trust() -> Trust {
    trust_with(|_| {})
}

pub fn header() -> Value {
    json!({"alg": "RS256", "kid": KID, "typ": "JWT"})
}

/// The claims of a session that is valid at [`NOW`].
pub fn claims() -> Value {
    json!({
        "azp": AUTHORIZED_PARTY, "exp": NOW_SECONDS + 55, "iat": NOW_SECONDS - 5, "iss": ISSUER,
        "nbf": NOW_SECONDS - 15, "sid": SESSION, "sub": USER,
    })
}

/// A JSON object with members set or, where null stands for "not there", removed.
pub fn with(mut object: Value, changes: Value) -> Value {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    object
}

/// [`claims`] with changes.
pub fn claims_with(changes: Value) -> Value {
    with(claims(), changes)
}

/// A token of [`ISSUER`] with these claims.
pub fn sign(claims: &Value) -> String {
    sign_text(&header().to_string(), &claims.to_string())
}

pub fn sign_with_header(header: &Value, claims: &Value) -> String {
    sign_text(&header.to_string(), &claims.to_string())
}

/// Signs header and payload as they are written.
pub fn sign_text(header: &str, payload: &str) -> String {
    let signed = signed_part(header.as_bytes(), payload.as_bytes());
    rsa_token(&signed, key(), &RSA_PKCS1_SHA256)
}

/// The same with another key.
pub fn sign_by(key: &RsaKeyPair, header: &Value, claims: &Value) -> String {
    let signed = signed_part(header.to_string().as_bytes(), claims.to_string().as_bytes());
    rsa_token(&signed, key, &RSA_PKCS1_SHA256)
}

/// Signs with the trusted key by the algorithm's own rule.
pub fn sign_by_algorithm(algorithm: &str, claims: &Value) -> String {
    let header = with(header(), json!({ "alg": algorithm }));
    let signed = signed_part(header.to_string().as_bytes(), claims.to_string().as_bytes());
    match algorithm {
        "RS384" => rsa_token(&signed, key(), &RSA_PKCS1_SHA384),
        "RS512" => rsa_token(&signed, key(), &RSA_PKCS1_SHA512),
        "PS256" => rsa_token(&signed, key(), &RSA_PSS_SHA256),
        "ES256" => {
            let rng = SystemRandom::new();
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
            let signature = key.sign(&rng, signed.as_bytes()).expect("a signature");
            format!("{signed}.{}", encode(signature.as_ref()))
        }
        "HS256" => hmac_token(&signed),
        _ => panic!("no rule for {algorithm}"),
    }
}

/// A keyed hash with the public key as the secret, in the place of the signature.
pub fn hmac_token(signed: &str) -> String {
    let public: &RsaSubjectPublicKey = key().public_key();
    let public = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(public).expect("DER");
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, public.as_ref()),
        signed.as_bytes(),
    );
    format!("{signed}.{}", encode(tag.as_ref()))
}

/// Signs the first two parts of a token, whatever they are.
pub fn sign_parts(signed: &str) -> String {
    rsa_token(signed, key(), &RSA_PKCS1_SHA256)
}

pub fn signed_part(header: &[u8], payload: &[u8]) -> String {
    format!("{}.{}", encode(header), encode(payload))
}

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa_token(signed: &str, key: &RsaKeyPair, encoding: &'static dyn RsaEncoding) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        encoding,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    format!("{signed}.{}", encode(&signature))
}
