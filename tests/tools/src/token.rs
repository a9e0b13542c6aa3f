//! Session tokens in Clerk's shape, good ones and, where a test asks for it, bad ones.

use crate::Outcome;
use crate::key::TestKey;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use std::num::NonZero;
use std::thread;

/// The Frontend API of the instance that tokens come from when nothing else is said.
pub const DEFAULT_ISSUER: &str = "https://clerk.example.com";
/// The origin that tokens were made for when nothing else is said.
pub const DEFAULT_PARTY: &str = "https://app.example.com";

/// Tokens that one thread signs before they are handed on: bounds the memory of a large batch.
const CHUNK: u64 = 256;

/// What a token is made from.
#[derive(Clone)]
pub struct Recipe {
    /// The `kid` of the header.
    pub kid: String,
    /// The `iss` claim.
    pub issuer: String,
    /// When the token is made, in Unix seconds: `iat`; `nbf` is 10 s before.
    pub at: i64,
    /// Seconds from `at` to `exp`. Clerk's own tokens live 60.
    pub lifetime: i64,
    /// Laid over the default claims; `null` takes one out.
    pub claims: Map<String, Value>,
    /// Laid over the default header; `null` takes a member out.
    pub header: Map<String, Value>,
}

impl Recipe {
    /// The recipe of an ordinary session token made at `at`.
    pub fn new(kid: &str, at: i64) -> Self {
        Self {
            kid: kid.to_owned(),
            issuer: DEFAULT_ISSUER.to_owned(),
            at,
            lifetime: 60,
            claims: Map::new(),
            header: Map::new(),
        }
    }

    /// The signed token in compact form.
    pub fn sign(&self, key: &TestKey) -> Outcome<String> {
        let header = overlaid(
            json!({"alg": "RS256", "kid": self.kid, "typ": "JWT"}),
            &self.header,
        );
        let claims = overlaid(
            json!({
                "azp": DEFAULT_PARTY,
                "exp": self.at + self.lifetime,
                "iat": self.at,
                "iss": self.issuer,
                "nbf": self.at - 10,
                "sid": identifier("sess", 0),
                "sub": identifier("user", 0),
                "v": 2,
            }),
            &self.claims,
        );
        let mut token = format!("{}.{}", part(&header), part(&claims));
        let message = token.as_bytes();
        let signature = match header.get("alg").and_then(Value::as_str) {
            Some("none") => Vec::new(),
            Some("HS256") => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_pem()?.as_bytes());
                hmac::sign(&secret, message).as_ref().to_vec()
            }
            Some("RS384") => key.sign(&RSA_PKCS1_SHA384, message)?,
            Some("RS512") => key.sign(&RSA_PKCS1_SHA512, message)?,
            Some("PS256") => key.sign(&RSA_PSS_SHA256, message)?,
            _ => key.sign(&RSA_PKCS1_SHA256, message)?,
        };
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(token)
    }

    /// This recipe for token `number` (from 1) of `users` people: its own `sub`, `sid` and `jti`.
    fn numbered(&self, number: u64, users: u64) -> (String, Self) {
        let user = identifier("user", 1 + (number - 1) % users);
        let mut recipe = self.clone();
        for (name, value) in [
            ("sub", user.clone()),
            ("sid", identifier("sess", number)),
            ("jti", format!("{number:020x}")),
        ] {
            recipe
                .claims
                .entry(name)
                .or_insert_with(|| Value::from(value));
        }
        (user, recipe)
    }
}

/// Signs `count` different tokens of `users` people on all cores and hands `(number, user id, token)` to `take`
/// in order, from number 1.
pub fn batch(
    recipe: &Recipe,
    key: &TestKey,
    count: u64,
    users: u64,
    mut take: impl FnMut(u64, &str, &str) -> Outcome<()>,
) -> Outcome<()> {
    if users == 0 {
        return Err("there must be one user at least".into());
    }
    let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let mut first = 1;
    while first <= count {
        let starts = (0..threads).map(|index| first + index * CHUNK);
        let signed: Vec<Outcome<Vec<_>>> = thread::scope(|scope| {
            let workers: Vec<_> = starts
                .map(|start| {
                    scope.spawn(move || {
                        (start..count.saturating_add(1).min(start + CHUNK))
                            .map(|number| {
                                let (user, recipe) = recipe.numbered(number, users);
                                Ok((number, user, recipe.sign(key)?))
                            })
                            .collect()
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| {
                    worker
                        .join()
                        .unwrap_or_else(|_| Err("a signing thread died".into()))
                })
                .collect()
        });
        for chunk in signed {
            for (number, user, token) in chunk? {
                take(number, &user, &token)?;
            }
        }
        first += threads * CHUNK;
    }
    Ok(())
}

/// An id in Clerk's shape: the prefix and 27 base62 digits, here of `number`, so that it is the same in each run.
pub fn identifier(prefix: &str, number: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = [b'0'; 27];
    // A Clerk id opens with the time it was made in: those of this decade begin with 2 or 3.
    digits[0] = b'2';
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    format!("{prefix}_{}", String::from_utf8_lossy(&digits))
}

fn overlaid(base: Value, over: &Map<String, Value>) -> Map<String, Value> {
    let mut members = match base {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (name, value) in over {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    members
}

fn part(members: &Map<String, Value>) -> String {
    // Displaying a map of JSON values cannot fail.
    URL_SAFE_NO_PAD.encode(Value::Object(members.clone()).to_string())
}
