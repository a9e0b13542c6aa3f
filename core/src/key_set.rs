//! Signing keys: a JWKS parsed with suspicion.

use std::fmt;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Map, Value};

use crate::base64url;
use crate::reason::quote;

/// The longest JWKS document accepted, in bytes. Clerk's has one key of some 400.
pub const MAX_JWKS_BYTES: usize = 64 * 1024;
/// The most entries looked at.
const MOST_KEYS: usize = 64;
const LONGEST_KID: usize = 256;
const MODULUS_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;
/// Public exponents: odd, at least 65537 as NIST SP 800-89 wants, at most 33 bits as RSA libraries do.
const EXPONENTS: std::ops::RangeInclusive<u64> = 65_537..=((1 << 33) - 1);
/// Members of a JWK that only a private key has (RFC 7518, 6.2.2 and 6.3.2).
const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// The usable keys of a JWKS.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<SigningKey>,
    skipped: Vec<SkippedKey>,
}

/// A public RSA key for RS256, parsed once.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    modulus: String,
    exponent: String,
    bits: u32,
    public_key: ParsedPublicKey,
}

/// An entry of a JWKS that is of no use here, and no danger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its key id, where it has one that can be shown.
    pub kid: Option<String>,
    /// Why it is left out.
    pub why: &'static str,
}

/// Why a key set or key is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Longer than [`MAX_JWKS_BYTES`].
    #[error("it is longer than {MAX_JWKS_BYTES} bytes")]
    TooLong,
    /// Not JSON, or not of the shape `{"keys": [...]}`.
    #[error("it is not a JSON object with a list of keys")]
    NotAKeySet,
    /// More entries than any issuer publishes.
    #[error("it has more than {MOST_KEYS} entries")]
    TooManyKeys,
    /// A private key: published by mistake, so that anybody can sign with it.
    #[error("it holds a private key; whoever published it must rotate that key")]
    PrivateKey,
    /// An RSA key that is too short, or has a weak exponent.
    #[error(
        "key {0} is weak: RSA of 2048 to 8192 bits with an odd exponent from 65537 is required"
    )]
    WeakKey(String),
    /// `n` or `e` is no base64url number.
    #[error("key {0} is malformed")]
    MalformedKey(String),
    /// Two different keys under one id.
    #[error("two different keys have the id {0}")]
    AmbiguousKid(String),
    /// Nothing in it can verify a token.
    #[error("it holds no RSA key for RS256 with a key id")]
    NoUsableKey,
}

impl KeySet {
    /// Parses a JWKS document.
    ///
    /// Keys of other types, uses or algorithms are skipped. A private or weak key, a malformed one or
    /// an ambiguous id refuses the whole document: it is not what Clerk publishes.
    ///
    /// # Errors
    /// Says why the document is refused.
    pub fn parse(json: &str) -> Result<Self, KeySetError> {
        if json.len() > MAX_JWKS_BYTES {
            return Err(KeySetError::TooLong);
        }
        let document: Value = serde_json::from_str(json).map_err(|_| KeySetError::NotAKeySet)?;
        let entries = document
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(KeySetError::NotAKeySet)?;
        if entries.len() > MOST_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut set = Self {
            keys: Vec::new(),
            skipped: Vec::new(),
        };
        for entry in entries {
            set.add(entry.as_object().ok_or(KeySetError::NotAKeySet)?)?;
        }
        if set.keys.is_empty() {
            return Err(KeySetError::NoUsableKey);
        }
        Ok(set)
    }

    /// The keys that can verify tokens.
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// The entries left out.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    fn add(&mut self, entry: &Map<String, Value>) -> Result<(), KeySetError> {
        if PRIVATE_MEMBERS
            .iter()
            .any(|member| entry.contains_key(*member))
        {
            return Err(KeySetError::PrivateKey);
        }
        let text = |member: &str| entry.get(member).and_then(Value::as_str);
        let kid = text("kid").filter(|kid| is_kid(kid));
        let why = if text("kty") != Some("RSA") {
            Some("not an RSA key")
        } else if entry.contains_key("use") && text("use") != Some("sig") {
            Some("not for signatures")
        } else if entry.contains_key("alg") && text("alg") != Some("RS256") {
            Some("not for RS256")
        } else if kid.is_none() {
            Some("no usable key id")
        } else {
            None
        };
        let (Some(kid), None) = (kid, why) else {
            let kid = kid.map(str::to_owned);
            self.skipped.push(SkippedKey {
                kid,
                why: why.unwrap_or("no usable key id"),
            });
            return Ok(());
        };
        let malformed = || KeySetError::MalformedKey(quote(kid));
        let (modulus, exponent) = (
            text("n").ok_or_else(malformed)?,
            text("e").ok_or_else(malformed)?,
        );
        let key = SigningKey::from_components(kid, modulus, exponent)?;
        match self.keys.iter().find(|known| known.kid == key.kid) {
            None => self.keys.push(key),
            Some(known) if known.modulus == key.modulus && known.exponent == key.exponent => {}
            Some(_) => return Err(KeySetError::AmbiguousKid(quote(kid))),
        }
        Ok(())
    }
}

impl SigningKey {
    /// Makes a key of its parts: `n` and `e` in base64url, as a JWK has them.
    ///
    /// # Errors
    /// The id, `n` or `e` is malformed, or the key is weak.
    pub fn from_components(kid: &str, n: &str, e: &str) -> Result<Self, KeySetError> {
        let malformed = || KeySetError::MalformedKey(quote(kid));
        if !is_kid(kid) {
            return Err(malformed());
        }
        let modulus = decode_positive(n).ok_or_else(malformed)?;
        let exponent = decode_positive(e).ok_or_else(malformed)?;
        let bits = bit_length(&modulus);
        let exponent_value = exponent.iter().try_fold(0_u64, |value, &byte| {
            value.checked_mul(256)?.checked_add(byte.into())
        });
        let is_strong = MODULUS_BITS.contains(&bits)
            && modulus.last().is_some_and(|byte| byte % 2 == 1)
            && exponent_value.is_some_and(|value| EXPONENTS.contains(&value) && value % 2 == 1);
        if !is_strong {
            return Err(KeySetError::WeakKey(quote(kid)));
        }
        let public_key = RsaPublicKeyComponents {
            n: &modulus,
            e: &exponent,
        }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| malformed())?;
        Ok(Self {
            kid: kid.to_owned(),
            modulus: n.to_owned(),
            exponent: e.to_owned(),
            bits,
            public_key,
        })
    }

    /// The key id that tokens name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// `n` in base64url.
    pub fn modulus(&self) -> &str {
        &self.modulus
    }

    /// `e` in base64url.
    pub fn exponent(&self) -> &str {
        &self.exponent
    }

    /// Length of the modulus.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Whether the bytes are this key's RSASSA-PKCS1-v1_5 signature with SHA-256 of the message.
    pub fn verify_rs256(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public_key.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("bits", &self.bits)
            .finish_non_exhaustive()
    }
}

fn is_kid(kid: &str) -> bool {
    !kid.is_empty() && kid.len() <= LONGEST_KID && !kid.chars().any(char::is_control)
}

/// Big-endian bytes without leading zeros; RFC 7518 forbids them, some writers add one.
fn decode_positive(text: &str) -> Option<Vec<u8>> {
    let bytes = base64url::decode_number(text)?;
    let start = bytes.iter().position(|&byte| byte != 0)?;
    Some(bytes[start..].to_vec())
}

fn bit_length(number: &[u8]) -> u32 {
    let Some(first) = number.first() else {
        return 0;
    };
    u32::try_from(number.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(8)
        - first.leading_zeros()
}
