//! The secret key of an instance, with which the Backend API is asked.

use std::fmt;

use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// The longest key, in bytes. Clerk's have some 50.
const LONGEST: usize = 255;
/// What keys begin with, and how many requests the API answers in 10 s.
const PREFIXES: [(&str, u32); 2] = [("sk_live_", 1000), ("sk_test_", 100)];

/// A secret key. Its bytes are wiped when it is dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Zeroizing<String>);

/// Why a text is no secret key. No message holds anything of it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// Begins with `whsec_`.
    #[error("this is the signing secret of a webhook endpoint, not a secret key")]
    SigningSecret,
    /// Begins with `pk_`.
    #[error("this is a publishable key, not a secret key")]
    PublishableKey,
    /// Anything else that does not begin as one.
    #[error("a secret key begins with sk_live_ or sk_test_")]
    Prefix,
    /// Nothing behind the prefix, too long, or other characters than letters, digits, `_` and `-`.
    #[error("a secret key has letters, digits, _ and - after its prefix, 255 in all at most")]
    Form,
}

impl ApiKey {
    /// Reads a key; white space around it is no part of it.
    ///
    /// # Errors
    /// Says what it is instead.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        let text = text.trim();
        let Some((prefix, _)) = PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix)) else {
            return Err(match text {
                _ if text.starts_with("whsec_") => ApiKeyError::SigningSecret,
                _ if text.starts_with("pk_") => ApiKeyError::PublishableKey,
                _ => ApiKeyError::Prefix,
            });
        };
        let rest = &text[prefix.len()..];
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if rest.is_empty() || text.len() > LONGEST || !rest.bytes().all(is_fit) {
            return Err(ApiKeyError::Form);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The key itself, for the header of a request.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// How many requests Clerk answers in 10 s: 1000 for a production instance, 100 for a development one.
    pub fn limit(&self) -> u32 {
        let own = |(prefix, _): &&(&str, u32)| self.0.starts_with(prefix);
        PREFIXES.iter().find(own).map_or(100, |(_, limit)| *limit)
    }

    /// What tells one key at one address from another, and gives neither away: 16 hexadecimal digits.
    pub fn fingerprint(&self, base_url: &str) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(base_url.as_bytes());
        context.update(&[0]);
        context.update(self.0.as_bytes());
        let digest = context.finish();
        digest.as_ref()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(..)")
    }
}
