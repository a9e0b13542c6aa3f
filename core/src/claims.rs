//! The claims of version 1 and version 2 tokens, made into one session.

use std::fmt;

use serde_json::{Map, Value};

use crate::authorization::FactorAges;
use crate::permissions::{Scoped, decode_permissions};
use crate::reason::Failure;
use crate::time::UnixMicros;
use crate::token::Times;

/// A session whose token was verified, or one assumed for a test ([`crate::token::assume_session`]).
#[derive(Clone)]
pub struct Session {
    issuer: String,
    user_id: String,
    session_id: Option<String>,
    actor_id: Option<String>,
    organization: Option<Organization>,
    signed_in: bool,
    times: Times,
    claims_json: String,
    pub(crate) factor_ages: Option<FactorAges>,
    pub(crate) features: Option<Scoped>,
    pub(crate) plans: Option<Scoped>,
}

/// The active organization of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organization {
    id: String,
    slug: Option<String>,
    role: Option<String>,
    permissions: Vec<String>,
}

impl Session {
    /// Reads a session out of claims whose user id and times [`crate::token`] has checked.
    pub(crate) fn from_claims(
        claims: &Map<String, Value>,
        claims_json: &str,
        user_id: &str,
        times: Times,
        signed_in: bool,
    ) -> Self {
        let scoped = |name| text(claims, name).and_then(|claim| Scoped::parse(&claim));
        Self {
            issuer: text(claims, "iss").unwrap_or_default(),
            user_id: user_id.to_owned(),
            session_id: text(claims, "sid"),
            actor_id: claims
                .get("act")
                .and_then(Value::as_object)
                .and_then(|act| text(act, "sub")),
            organization: Organization::from_claims(claims),
            signed_in,
            times,
            claims_json: claims_json.to_owned(),
            factor_ages: factor_ages(claims),
            features: scoped("fea"),
            plans: scoped("pla"),
        }
    }

    /// False for a session with unfinished tasks, where its instance does not allow those: such a
    /// user counts as signed out.
    pub fn signed_in(&self) -> bool {
        self.signed_in
    }

    /// `sub`, such as `user_2abc`.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// `sid`, such as `sess_2abc`; tokens of JWT templates have none.
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// `act.sub`: who acts in the user's name.
    pub fn actor_id(&self) -> Option<&str> {
        self.actor_id.as_deref()
    }

    /// `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The active organization.
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// The payload's JSON, exactly as signed.
    pub fn claims_json(&self) -> &str {
        &self.claims_json
    }

    /// From here on the session is valid, clock skew included.
    pub fn valid_from(&self) -> UnixMicros {
        self.times.valid_from()
    }

    /// From here on it is no longer.
    pub fn valid_until(&self) -> UnixMicros {
        self.times.valid_until()
    }

    /// Looks at `exp`, `nbf` and `iat` again.
    ///
    /// # Errors
    /// The same as at verification.
    pub fn recheck(&self, now: UnixMicros) -> Result<(), Failure> {
        self.times.check(now)
    }
}

impl fmt::Debug for Session {
    /// Nothing personal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Organization {
    /// Without an id there is no active organization, whatever else the claims say.
    fn from_claims(claims: &Map<String, Value>) -> Option<Self> {
        if is_version_2(claims) {
            let organization = claims.get("o")?.as_object()?;
            Some(Self {
                id: text(organization, "id")?,
                slug: text(organization, "slg"),
                role: text(organization, "rol").map(|role| format!("org:{role}")),
                permissions: version_2_permissions(claims, organization),
            })
        } else {
            Some(Self {
                id: text(claims, "org_id")?,
                slug: text(claims, "org_slug"),
                role: text(claims, "org_role"),
                permissions: version_1_permissions(claims),
            })
        }
    }

    /// `org_…`
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its slug, where the instance uses slugs.
    pub fn slug(&self) -> Option<&str> {
        self.slug.as_deref()
    }

    /// The user's role in it, with prefix: `org:admin`.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The role's custom permissions, `org:feature:permission`.
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }
}

/// The number 2, not the text; anything else is read as version 1.
fn is_version_2(claims: &Map<String, Value>) -> bool {
    claims.get("v").and_then(Value::as_f64) == Some(2.0)
}

fn version_2_permissions(
    claims: &Map<String, Value>,
    organization: &Map<String, Value>,
) -> Vec<String> {
    let (Some(features), Some(permissions), Some(masks)) = (
        text(claims, "fea"),
        text(organization, "per"),
        text(organization, "fpm"),
    ) else {
        return Vec::new();
    };
    decode_permissions(&features, &permissions, &masks)
}

fn version_1_permissions(claims: &Map<String, Value>) -> Vec<String> {
    let Some(Value::Array(permissions)) = claims.get("org_permissions") else {
        return Vec::new();
    };
    permissions
        .iter()
        .filter_map(Value::as_str)
        .filter(|permission| !permission.contains('\0'))
        .map(str::to_owned)
        .collect()
}

fn factor_ages(claims: &Map<String, Value>) -> Option<FactorAges> {
    let ages: Option<Vec<f64>> = claims
        .get("fva")?
        .as_array()?
        .iter()
        .map(Value::as_f64)
        .collect();
    FactorAges::from_numbers(&ages?)
}

/// A text that is there, not empty, and can be held by Postgres.
fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty() && !text.contains('\0') && !is_unfilled(text))
        .map(str::to_owned)
}

/// A shortcode that Clerk did not fill in, such as `{{org.id}}`: the same text for everybody would be
/// the same organization for everybody.
pub(crate) fn is_unfilled(text: &str) -> bool {
    text.contains("{{")
}
