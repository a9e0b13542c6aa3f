//! Publishable keys: `pk_live_` or `pk_test_` and the Frontend API's host in base64.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use url::{Host, Url};

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A parsed publishable key. Public by nature: it is in every page of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishableKey {
    environment: Environment,
    frontend_api: String,
}

/// The kind of instance a key belongs to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// `pk_live_`
    Production,
    /// `pk_test_`
    Development,
}

/// Why a text is no publishable key.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishableKeyError {
    /// Begins with `sk_`.
    #[error("this is a secret key, not a publishable key; treat it as leaked and rotate it")]
    SecretKey,
    /// Does not begin with `pk_live_` or `pk_test_`.
    #[error("a publishable key begins with pk_live_ or pk_test_")]
    Prefix,
    /// What follows the prefix is not base64.
    #[error("the publishable key is not valid base64 after its prefix")]
    Base64,
    /// What follows the prefix is not a host name and one `$`.
    #[error("the publishable key does not hold a host name")]
    Host,
}

impl PublishableKey {
    /// Parses a key by the rules of `@clerk/shared`, but with strict base64 and a strict host name:
    /// addresses are made of it.
    ///
    /// # Errors
    /// The text is no publishable key.
    pub fn parse(text: &str) -> Result<Self, PublishableKeyError> {
        if text.trim_start().starts_with("sk_") {
            return Err(PublishableKeyError::SecretKey);
        }
        let (environment, encoded) = if let Some(rest) = text.strip_prefix("pk_live_") {
            (Environment::Production, rest)
        } else if let Some(rest) = text.strip_prefix("pk_test_") {
            (Environment::Development, rest)
        } else {
            return Err(PublishableKeyError::Prefix);
        };
        let decoded = BASE64
            .decode(encoded)
            .map_err(|_| PublishableKeyError::Base64)?;
        let host = std::str::from_utf8(&decoded)
            .ok()
            .and_then(|decoded| decoded.strip_suffix('$'))
            .filter(|host| is_host_name(host))
            .ok_or(PublishableKeyError::Host)?;
        Ok(Self {
            environment,
            frontend_api: host.to_owned(),
        })
    }

    /// Production or development.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// Host of the Frontend API, such as `clerk.example.com`.
    pub fn frontend_api(&self) -> &str {
        &self.frontend_api
    }

    /// The `iss` of the instance's tokens, where it is not proxied.
    pub fn issuer(&self) -> String {
        format!("https://{}", self.frontend_api)
    }

    /// Where the instance publishes its signing keys.
    pub fn jwks_url(&self) -> String {
        format!("https://{}/.well-known/jwks.json", self.frontend_api)
    }
}

impl Environment {
    /// `production` or `development`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }
}

/// Labels of letters, digits and inner hyphens, two at least; no IP address, and lower case, as URLs and
/// tokens write it.
fn is_host_name(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(is_label)
        && Url::parse(&format!("https://{host}"))
            .is_ok_and(|url| url.host() == Some(Host::Domain(host)))
}
