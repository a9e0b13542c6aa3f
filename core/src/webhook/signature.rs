//! Svix's signature: HMAC-SHA256 over id, time and the exact text of the body.
//!
//! The strict reading of Svix's rule, as its own Rust library has it: padded base64, decimal
//! timestamps, nothing ignored at the end. npm's `svix` accepts more; Clerk never sends it.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::time::UnixMicros;

/// How far, in seconds, `svix-timestamp` may lie from now, both ends included. Svix's constant.
pub const TOLERANCE_SECONDS: i64 = 300;

/// What a secret may begin with, as Clerk's dashboard shows it.
const SECRET_PREFIX: &str = "whsec_";
/// The one version of signature that a shared secret makes.
const VERSION: &str = "v1";
/// Length of HMAC-SHA256 in padded base64.
const SIGNATURE_BYTES: usize = 44;
/// Svix's own names and those of the Standard Webhooks specification; a set is taken whole.
const HEADER_SETS: [[&str; 3]; 2] = [
    ["svix-id", "svix-timestamp", "svix-signature"],
    ["webhook-id", "webhook-timestamp", "webhook-signature"],
];

/// The signing secret of an endpoint. Its bytes are wiped when it is dropped, and never shown.
pub struct Secret {
    bytes: Zeroizing<Vec<u8>>,
}

/// Why a text is no signing secret.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Begins with `sk_`.
    #[error("this is a secret key of the Backend API, not the signing secret of an endpoint")]
    SecretKey,
    /// Nothing behind the prefix.
    #[error("the signing secret is empty")]
    Empty,
    /// What follows the prefix is not padded standard base64.
    #[error("the signing secret is not padded standard base64 after its prefix")]
    Base64,
    /// A file holds more secrets than are in force at a time.
    #[error("there are more than two signing secrets")]
    TooMany,
}

/// The three headers of a delivery, as received.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Headers<'a> {
    /// Unique for a message and the same for every attempt: what duplicates are known by.
    pub id: &'a str,
    /// Unix seconds of this attempt, in decimal. Never an order of events: it is new for each attempt.
    pub timestamp: &'a str,
    /// `version,signature` items, separated by spaces.
    pub signature: &'a str,
}

/// A verified delivery.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// The message's id.
    pub id: &'a str,
    /// When this attempt was made, in Unix seconds.
    pub sent_at: i64,
    /// Which of the given secrets signed it, from 0.
    pub secret: usize,
}

/// Why a delivery is refused. No message holds a secret, a signature or anything of the body.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The endpoint has no secret that is in force.
    #[error("no signing secret is in force")]
    NoSecret,
    /// A header is absent or empty.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// A header comes more than once, with different values.
    #[error("the header {0} comes more than once")]
    RepeatedHeader(&'static str),
    /// A header is not a text.
    #[error("the header {0} is not a text")]
    MalformedHeader(&'static str),
    /// Not 1 to 12 decimal digits.
    #[error("the timestamp of the delivery is not a number of seconds")]
    MalformedTimestamp,
    /// Sent more than [`TOLERANCE_SECONDS`] ago.
    #[error("the delivery was sent {seconds} s ago; up to {TOLERANCE_SECONDS} s is tolerated")]
    TooOld {
        /// Its age.
        seconds: i64,
    },
    /// Sent more than [`TOLERANCE_SECONDS`] in the future.
    #[error(
        "the delivery was sent {seconds} s in the future; up to {TOLERANCE_SECONDS} s is tolerated"
    )]
    TooNew {
        /// How far in the future.
        seconds: i64,
    },
    /// No item of the signature header is a `v1` signature of a secret in force.
    #[error("no signature matches")]
    NoMatch,
}

impl Secret {
    /// Reads a secret: an optional `whsec_`, then padded standard base64 of one byte or more.
    ///
    /// # Errors
    /// The text is no such secret. The error does not hold it.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        if encoded.is_empty() {
            return Err(SecretError::Empty);
        }
        if encoded.starts_with("sk_") {
            return Err(SecretError::SecretKey);
        }
        // Room for all from the start: a buffer that grows leaves its bytes behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len()));
        STANDARD
            .decode_vec(encoded, &mut bytes)
            .map_err(|_| SecretError::Base64)?;
        Ok(Self { bytes })
    }

    /// Reads the secrets of a file: the one in force, and in a second line, during a rotation, the one before. White
    /// space around them, empty lines and lines that begin with `#` are left out.
    ///
    /// # Errors
    /// There is no secret, more than two, or a line that is none.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, SecretError> {
        let secrets = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(Self::parse)
            .collect::<Result<Vec<_>, _>>()?;
        match secrets.len() {
            0 => Err(SecretError::Empty),
            1 | 2 => Ok(secrets),
            _ => Err(SecretError::TooMany),
        }
    }

    /// The item of a signature header for a message: `v1,` and base64. What Svix does when it sends.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let mut item = format!("{VERSION},");
        STANDARD.encode_string(self.authenticate(id, timestamp, body), &mut item);
        item
    }

    fn authenticate(&self, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.bytes));
        context.update(id.as_bytes());
        context.update(b".");
        context.update(timestamp.as_bytes());
        context.update(b".");
        context.update(body);
        context.sign()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Secret").finish_non_exhaustive()
    }
}

impl<'a> Headers<'a> {
    /// Picks the headers of a delivery from names and values; names in any case.
    ///
    /// The `svix-*` set where it is whole, or else the `webhook-*` set; they are never mixed. An empty
    /// value counts as none.
    ///
    /// # Errors
    /// A header is missing, or ambiguous.
    pub fn from_pairs(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, SignatureError> {
        let mut sets = [[None; 3]; 2];
        for (name, value) in pairs {
            for (found, known) in sets.iter_mut().zip(HEADER_SETS) {
                for (found, known) in found.iter_mut().zip(known) {
                    if !value.is_empty() && name.eq_ignore_ascii_case(known) {
                        match *found {
                            Some(other) if other != value => {
                                return Err(SignatureError::RepeatedHeader(known));
                            }
                            _ => *found = Some(value),
                        }
                    }
                }
            }
        }
        for set in sets {
            if let [Some(id), Some(timestamp), Some(signature)] = set {
                return Ok(Self {
                    id,
                    timestamp,
                    signature,
                });
            }
        }
        // Speak of the set that the sender meant.
        let uses_other_names =
            sets[0].iter().all(Option::is_none) && sets[1].iter().any(Option::is_some);
        let meant = usize::from(uses_other_names);
        let missing = sets[meant].iter().position(Option::is_none);
        Err(SignatureError::MissingHeader(
            HEADER_SETS[meant][missing.unwrap_or(0)],
        ))
    }

    /// The same from a JSON object of names and values, as PostgREST's `request.headers` is one. Members
    /// that are no headers of a delivery may hold anything.
    ///
    /// # Errors
    /// A header is missing, ambiguous or not a text.
    pub fn from_object(object: &'a Map<String, Value>) -> Result<Self, SignatureError> {
        let mut pairs = Vec::with_capacity(3);
        for (name, value) in object {
            let known = HEADER_SETS
                .as_flattened()
                .iter()
                .find(|known| name.eq_ignore_ascii_case(known));
            match (known, value) {
                (Some(_), Value::String(value)) => pairs.push((name.as_str(), value.as_str())),
                (Some(_), Value::Null) | (None, _) => {}
                (Some(known), _) => return Err(SignatureError::MalformedHeader(known)),
            }
        }
        Self::from_pairs(pairs)
    }
}

/// Verifies a delivery with the secrets that are in force: during a rotation the new one and the old.
///
/// The body is the text as it was received, byte by byte; `now` is compared by whole seconds. Signatures
/// are compared in constant time. What can be refused without a look at the body is refused first.
///
/// # Errors
/// Says why the delivery is refused.
pub fn verify<'a, 's>(
    secrets: impl IntoIterator<Item = &'s Secret>,
    headers: &Headers<'a>,
    body: &[u8],
    now: UnixMicros,
) -> Result<Delivery<'a>, SignatureError> {
    let mut secrets = secrets.into_iter().enumerate().peekable();
    if secrets.peek().is_none() {
        return Err(SignatureError::NoSecret);
    }
    let sent_at = check_time(headers.timestamp, now)?;
    let candidates: Vec<&str> = headers
        .signature
        .split(' ')
        .filter_map(|item| item.split_once(','))
        .filter(|(version, text)| *version == VERSION && text.len() == SIGNATURE_BYTES)
        .map(|(_, text)| text)
        .collect();
    if candidates.is_empty() {
        return Err(SignatureError::NoMatch);
    }
    for (index, secret) in secrets {
        let tag = secret.authenticate(headers.id, headers.timestamp, body);
        let expected = STANDARD.encode(tag);
        let matches = candidates.iter().any(|candidate| {
            verify_slices_are_equal(candidate.as_bytes(), expected.as_bytes()).is_ok()
        });
        if matches {
            return Ok(Delivery {
                id: headers.id,
                sent_at,
                secret: index,
            });
        }
    }
    Err(SignatureError::NoMatch)
}

/// The timestamp in Unix seconds, if it is close enough to now.
fn check_time(timestamp: &str, now: UnixMicros) -> Result<i64, SignatureError> {
    let is_decimal =
        (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let sent_at: i64 = timestamp
        .parse()
        .ok()
        .filter(|_| is_decimal)
        .ok_or(SignatureError::MalformedTimestamp)?;
    let age = now.0.div_euclid(1_000_000) - sent_at;
    if age > TOLERANCE_SECONDS {
        return Err(SignatureError::TooOld { seconds: age });
    }
    if age < -TOLERANCE_SECONDS {
        return Err(SignatureError::TooNew { seconds: -age });
    }
    Ok(sent_at)
}
