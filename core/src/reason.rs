//! Why a token is refused, in Clerk's own words.

use std::fmt;

/// Clerk's reason codes: `TokenVerificationErrorReason` of `@clerk/backend`, and `token-type-mismatch`
/// of its `AuthErrorReason`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// No key of the issuer has the token's `kid`.
    JwkKidMismatch,
    /// `exp` has passed.
    TokenExpired,
    /// `iat` lies in the future.
    TokenIatInTheFuture,
    /// Not a JWT, or one of a kind that is never a session token.
    TokenInvalid,
    /// Not signed with RS256.
    TokenInvalidAlgorithm,
    /// `azp` is not among the authorized parties.
    TokenInvalidAuthorizedParties,
    /// `iss` is not a configured instance.
    TokenInvalidIssuer,
    /// The signature is not the key's.
    TokenInvalidSignature,
    /// `nbf` lies in the future.
    TokenNotActiveYet,
    /// Signed by Clerk, but not a session token.
    TokenTypeMismatch,
    /// A claim is missing or has the wrong type or value.
    TokenVerificationFailed,
}

impl Reason {
    /// Every reason, by name.
    pub const ALL: [Self; 11] = [
        Self::JwkKidMismatch,
        Self::TokenExpired,
        Self::TokenIatInTheFuture,
        Self::TokenInvalid,
        Self::TokenInvalidAlgorithm,
        Self::TokenInvalidAuthorizedParties,
        Self::TokenInvalidIssuer,
        Self::TokenInvalidSignature,
        Self::TokenNotActiveYet,
        Self::TokenTypeMismatch,
        Self::TokenVerificationFailed,
    ];

    /// The code as Clerk writes it.
    pub fn code(self) -> &'static str {
        match self {
            Self::JwkKidMismatch => "jwk-kid-mismatch",
            Self::TokenExpired => "token-expired",
            Self::TokenIatInTheFuture => "token-iat-in-the-future",
            Self::TokenInvalid => "token-invalid",
            Self::TokenInvalidAlgorithm => "token-invalid-algorithm",
            Self::TokenInvalidAuthorizedParties => "token-invalid-authorized-parties",
            Self::TokenInvalidIssuer => "token-invalid-issuer",
            Self::TokenInvalidSignature => "token-invalid-signature",
            Self::TokenNotActiveYet => "token-not-active-yet",
            Self::TokenTypeMismatch => "token-type-mismatch",
            Self::TokenVerificationFailed => "token-verification-failed",
        }
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::JwkKidMismatch => {
                "Run clerk.refresh_signing_keys(), or clerk.add_signing_keys() where the server \
                 cannot reach Clerk."
            }
            Self::TokenExpired => {
                "Get a fresh token for each request: a Clerk session token lives 60 seconds."
            }
            Self::TokenIatInTheFuture | Self::TokenNotActiveYet => {
                "Make sure that the clock of the database server is in sync."
            }
            Self::TokenInvalid => "Send the session token as Clerk's getToken() gives it.",
            Self::TokenInvalidAlgorithm | Self::TokenInvalidSignature => {
                "Make sure that this is a valid Clerk-generated JWT, signed by the configured instance."
            }
            Self::TokenInvalidAuthorizedParties => {
                "Add the application's origin to authorized_parties with clerk.configure()."
            }
            Self::TokenInvalidIssuer => {
                "Run clerk.configure() for the Clerk instance that issued the token."
            }
            Self::TokenTypeMismatch => {
                "Send a session token; tokens of JWT templates need allow_templates => true in \
                 clerk.configure()."
            }
            Self::TokenVerificationFailed => "Make sure that this is a valid Clerk-generated JWT.",
        }
    }
}

/// A refusal: the reason and the fact behind it.
///
/// The detail never holds the token or anything personal. It may name the issuer, origin, key id,
/// algorithm and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Clerk's code.
    pub reason: Reason,
    /// The fact, in English, without a full stop.
    pub detail: String,
}

impl Failure {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.reason.code(), self.detail)
    }
}

impl std::error::Error for Failure {}

/// A value of somebody else's, safe to show: in quotes, control characters escaped, at most 100 characters.
pub fn quote(value: &str) -> String {
    const LONGEST: usize = 100;
    let mut shown: String = value
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if value.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}
