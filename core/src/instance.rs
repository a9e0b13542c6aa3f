//! Whom to trust: Clerk instances, their rules and keys.

use crate::key_set::SigningKey;

/// One Clerk instance whose session tokens are accepted.
#[derive(Clone, Debug)]
pub struct Instance {
    /// `iss` of its tokens, compared exactly.
    pub issuer: String,
    /// Values accepted in `azp`, compared exactly; empty: `azp` is not looked at.
    pub authorized_parties: Vec<String>,
    /// Values accepted in `aud`, where a token has one; empty: `aud` is not looked at.
    pub audiences: Vec<String>,
    /// How far the clocks may differ, in microseconds; Clerk's default is 5 s.
    pub clock_skew_micros: i64,
    /// Accept tokens of JWT templates, which belong to no session.
    pub allow_templates: bool,
    /// Count a session with unfinished tasks (`sts` pending) as signed in.
    pub allow_pending: bool,
    /// Its public keys.
    pub keys: Vec<SigningKey>,
}

/// All instances that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// In any order; issuers are distinct.
    pub instances: Vec<Instance>,
}

impl Trust {
    /// The instance with exactly this issuer.
    pub fn instance(&self, issuer: &str) -> Option<&Instance> {
        self.instances
            .iter()
            .find(|instance| instance.issuer == issuer)
    }
}

impl Instance {
    pub(crate) fn key(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid() == kid)
    }
}
