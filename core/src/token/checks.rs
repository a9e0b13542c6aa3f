//! The checks, in the order of `verifyToken` in `@clerk/backend` 3.25; `kind` comes last, so that
//! Clerk's own reasons come first.

use serde_json::{Map, Value};

use super::times::{
    check_expiry, check_issued_at, check_not_before, describe_time, expiry, seconds,
};
use crate::claims::is_unfilled;
use crate::instance::Instance;
use crate::key_set::SigningKey;
use crate::reason::{Failure, Reason, quote};
use crate::time::UnixMicros;

/// `cat` of machine-to-machine tokens.
const CATEGORY_M2M: &str = "cl_B7d4PD333AAA";
/// `cat` of JWT template tokens.
const CATEGORY_TEMPLATE: &str = "cl_B7d4PD222AAA";

/// What the checks look at.
pub(super) struct Subject<'a> {
    /// None for claims that a gateway verified.
    pub(super) header: Option<&'a Map<String, Value>>,
    pub(super) claims: &'a Map<String, Value>,
    pub(super) signed: &'a str,
    pub(super) signature: &'a [u8],
    pub(super) instance: Option<&'a Instance>,
    pub(super) key: Option<&'a SigningKey>,
    pub(super) now: UnixMicros,
}

/// One check.
pub(super) struct TokenCheck {
    pub(super) name: &'static str,
    /// Whether it looks at claims alone.
    pub(super) of_claims: bool,
    /// Without what there is nothing to look at.
    pub(super) needs: Needs,
    pub(super) test: fn(&Subject<'_>) -> Result<(), Failure>,
    /// The fact, where the test passed.
    pub(super) describe: fn(&Subject<'_>) -> String,
}

/// What a check cannot do without.
#[derive(Copy, Clone)]
pub(super) enum Needs {
    Token,
    Instance,
    Key,
}

/// Every check but that of the structure, in order.
pub(super) const CHECKS: [TokenCheck; 13] = [
    of_header("category", test_category, |_| {
        "not a machine token".to_owned()
    }),
    of_header("key", test_key, |subject| {
        let kid = subject.key.map_or_else(String::new, |key| quote(key.kid()));
        format!("key {kid} of the issuer")
    }),
    of_header("type", test_type, |_| {
        "typ is JWT or absent, crit is absent".to_owned()
    }),
    of_header("algorithm", test_algorithm, |_| "RS256".to_owned()),
    TokenCheck {
        needs: Needs::Key,
        ..of_header("signature", test_signature, |_| {
            "the key's signature".to_owned()
        })
    },
    of_claims("subject", test_subject, |_| "sub is a text".to_owned()),
    of_instance("audience", test_audience, |subject| {
        let restricted = subject
            .instance
            .is_some_and(|instance| !instance.audiences.is_empty());
        if !restricted {
            "not restricted".to_owned()
        } else if subject.claims.contains_key("aud") {
            "aud is among the audiences".to_owned()
        } else {
            "the token has no aud".to_owned()
        }
    }),
    of_instance(
        "authorized_party",
        test_authorized_party,
        |subject| match subject.instance {
            Some(instance) if !instance.authorized_parties.is_empty() => {
                "azp is an authorized party".to_owned()
            }
            _ => "not restricted".to_owned(),
        },
    ),
    of_claims("issuer", test_issuer, |subject| {
        subject
            .instance
            .map_or_else(String::new, |instance| quote(&instance.issuer))
    }),
    of_claims("expiry", test_expiry, |subject| {
        match expiry(subject.claims) {
            Ok(exp) => format!("exp is {}", describe_time(exp, subject.now)),
            Err(_) => String::new(),
        }
    }),
    of_claims("not_before", test_not_before, |subject| {
        describe_time_claim(subject, "nbf")
    }),
    of_claims("issued_at", test_issued_at, |subject| {
        describe_time_claim(subject, "iat")
    }),
    of_instance("kind", test_kind, |subject| {
        let is_session = subject.claims.contains_key("sid");
        if is_session {
            "a session token"
        } else {
            "a token of a JWT template"
        }
        .to_owned()
    }),
];

const fn of_header(
    name: &'static str,
    test: fn(&Subject<'_>) -> Result<(), Failure>,
    describe: fn(&Subject<'_>) -> String,
) -> TokenCheck {
    TokenCheck {
        name,
        of_claims: false,
        needs: Needs::Token,
        test,
        describe,
    }
}

const fn of_claims(
    name: &'static str,
    test: fn(&Subject<'_>) -> Result<(), Failure>,
    describe: fn(&Subject<'_>) -> String,
) -> TokenCheck {
    TokenCheck {
        name,
        of_claims: true,
        needs: Needs::Token,
        test,
        describe,
    }
}

const fn of_instance(
    name: &'static str,
    test: fn(&Subject<'_>) -> Result<(), Failure>,
    describe: fn(&Subject<'_>) -> String,
) -> TokenCheck {
    TokenCheck {
        needs: Needs::Instance,
        ..of_claims(name, test, describe)
    }
}

impl<'a> Subject<'a> {
    /// Why a check cannot be done, where that is so.
    pub(super) fn missing(&self, needs: Needs) -> Option<&'static str> {
        match needs {
            Needs::Instance if self.instance.is_none() => {
                Some("not looked at: the issuer is not configured")
            }
            Needs::Key if self.key.is_none() => Some("not looked at: there is no key"),
            Needs::Token | Needs::Instance | Needs::Key => None,
        }
    }

    /// The instance that issued the token.
    pub(super) fn instance(&self) -> Result<&'a Instance, Failure> {
        self.instance.ok_or_else(|| {
            let detail = match self.claims.get("iss").and_then(Value::as_str) {
                Some(issuer) => format!("the issuer {} is not configured", quote(issuer)),
                None => "the claim iss is missing or not a text".to_owned(),
            };
            Failure::new(Reason::TokenInvalidIssuer, detail)
        })
    }

    fn header(&self, name: &str) -> Option<&'a Value> {
        self.header.and_then(|header| header.get(name))
    }
}

/// `sub`, as [`test_subject`] accepts it.
pub(super) fn user_id<'a>(subject: &Subject<'a>) -> Result<&'a str, Failure> {
    let failure = |detail: &str| Failure::new(Reason::TokenVerificationFailed, detail);
    match subject.claims.get("sub") {
        Some(Value::String(sub)) if sub.is_empty() => Err(failure("the claim sub is empty")),
        Some(Value::String(sub)) if sub.contains('\0') => {
            Err(failure("the claim sub holds a NUL character"))
        }
        Some(Value::String(sub)) if is_unfilled(sub) => Err(failure(
            "the claim sub is a shortcode that was not filled in",
        )),
        Some(Value::String(sub)) => Ok(sub),
        _ => Err(failure("the claim sub is missing or not a text")),
    }
}

/// `sts` says that the session has unfinished tasks.
pub(super) fn is_status_pending(claims: &Map<String, Value>) -> bool {
    claims.get("sts").and_then(Value::as_str) == Some("pending")
}

fn test_category(subject: &Subject<'_>) -> Result<(), Failure> {
    match subject.header("cat").and_then(Value::as_str) {
        Some(CATEGORY_M2M) => Err(Failure::new(
            Reason::TokenInvalid,
            "a machine-to-machine token is no session",
        )),
        _ => Ok(()),
    }
}

fn test_key(subject: &Subject<'_>) -> Result<(), Failure> {
    let instance = subject.instance()?;
    if subject.key.is_some() {
        return Ok(());
    }
    let detail = match subject.header("kid").and_then(Value::as_str) {
        Some(kid) => format!(
            "the issuer has no key {}; {} of its keys are stored here",
            quote(kid),
            instance.keys.len()
        ),
        None => "the header names no key (kid)".to_owned(),
    };
    Err(Failure::new(Reason::JwkKidMismatch, detail))
}

fn test_type(subject: &Subject<'_>) -> Result<(), Failure> {
    if subject.header("crit").is_some() {
        // RFC 7515, 4.1.11: what is critical and not understood must be refused.
        let detail = "the header has crit, and no critical extension is supported";
        return Err(Failure::new(Reason::TokenInvalid, detail));
    }
    match subject.header("typ") {
        None => Ok(()),
        Some(Value::String(typ)) if typ == "JWT" => Ok(()),
        Some(Value::String(typ)) => {
            let detail = format!("typ is {} instead of \"JWT\"", quote(typ));
            Err(Failure::new(Reason::TokenInvalid, detail))
        }
        Some(_) => Err(Failure::new(Reason::TokenInvalid, "typ is not a text")),
    }
}

fn test_algorithm(subject: &Subject<'_>) -> Result<(), Failure> {
    match subject.header("alg").and_then(Value::as_str) {
        Some("RS256") => Ok(()),
        // Clerk allows these by name, and then fails because its keys are for RS256.
        Some(alg @ ("RS384" | "RS512")) => {
            let detail = format!("alg is {alg}, and the key is for RS256");
            Err(Failure::new(Reason::TokenVerificationFailed, detail))
        }
        Some(alg) => {
            let detail = format!("alg is {} instead of \"RS256\"", quote(alg));
            Err(Failure::new(Reason::TokenInvalidAlgorithm, detail))
        }
        None => Err(Failure::new(
            Reason::TokenInvalidAlgorithm,
            "the header has no alg",
        )),
    }
}

fn test_signature(subject: &Subject<'_>) -> Result<(), Failure> {
    match subject.key {
        Some(key) if key.verify_rs256(subject.signed.as_bytes(), subject.signature) => Ok(()),
        _ => Err(Failure::new(
            Reason::TokenInvalidSignature,
            "the signature is not the key's",
        )),
    }
}

fn test_subject(subject: &Subject<'_>) -> Result<(), Failure> {
    user_id(subject).map(|_| ())
}

/// As Clerk: only where the instance restricts it and the token has one. Null, an empty text and an
/// empty list count as none. Stricter: any other shape is refused.
fn test_audience(subject: &Subject<'_>) -> Result<(), Failure> {
    let accepted = &subject.instance()?.audiences;
    if accepted.is_empty() {
        return Ok(());
    }
    let is_accepted = |audience: &str| accepted.iter().any(|accepted| accepted == audience);
    let ok = match subject.claims.get("aud") {
        None | Some(Value::Null) => true,
        Some(Value::String(audience)) => audience.is_empty() || is_accepted(audience),
        Some(Value::Array(audiences)) => {
            let texts: Option<Vec<&str>> = audiences.iter().map(Value::as_str).collect();
            texts.is_some_and(|texts| {
                texts.iter().all(|text| text.is_empty()) || texts.into_iter().any(is_accepted)
            })
        }
        Some(_) => false,
    };
    if ok {
        return Ok(());
    }
    let detail = "aud is none of the configured audiences";
    Err(Failure::new(Reason::TokenVerificationFailed, detail))
}

fn test_authorized_party(subject: &Subject<'_>) -> Result<(), Failure> {
    let authorized = &subject.instance()?.authorized_parties;
    if authorized.is_empty() {
        return Ok(());
    }
    let detail = match subject.claims.get("azp") {
        Some(Value::String(azp)) if authorized.contains(azp) => return Ok(()),
        Some(Value::String(azp)) => format!("azp is {}, no authorized party", quote(azp)),
        Some(_) => "azp is not a text".to_owned(),
        None => "azp is missing, and authorized parties are configured".to_owned(),
    };
    Err(Failure::new(Reason::TokenInvalidAuthorizedParties, detail))
}

fn test_issuer(subject: &Subject<'_>) -> Result<(), Failure> {
    subject.instance().map(|_| ())
}

fn test_expiry(subject: &Subject<'_>) -> Result<(), Failure> {
    check_expiry(expiry(subject.claims)?, skew(subject), subject.now)
}

fn test_not_before(subject: &Subject<'_>) -> Result<(), Failure> {
    check_not_before(seconds(subject.claims, "nbf")?, skew(subject), subject.now)
}

fn test_issued_at(subject: &Subject<'_>) -> Result<(), Failure> {
    check_issued_at(seconds(subject.claims, "iat")?, skew(subject), subject.now)
}

/// Told apart as `authenticateRequest` does, by what only a session token has: a `sid`, and a user as
/// its subject. Machines (`mch_…`) sign in nobody.
fn test_kind(subject: &Subject<'_>) -> Result<(), Failure> {
    let mismatch = |detail: &str| Err(Failure::new(Reason::TokenTypeMismatch, detail));
    if !user_id(subject)?.starts_with("user_") {
        return mismatch("sub is not the id of a user (user_...)");
    }
    if subject.instance()?.allow_templates {
        return Ok(());
    }
    if subject.header("cat").and_then(Value::as_str) == Some(CATEGORY_TEMPLATE) {
        return mismatch("a token of a JWT template is no session token");
    }
    match subject.claims.get("sid") {
        Some(Value::String(sid)) if !sid.is_empty() => Ok(()),
        _ => mismatch("there is no session id (sid): not a session token"),
    }
}

/// Without an instance the check of the issuer has failed already; Clerk's default then explains most.
fn skew(subject: &Subject<'_>) -> i64 {
    const DEFAULT_SKEW_MICROS: i64 = 5_000_000;
    subject
        .instance
        .map_or(DEFAULT_SKEW_MICROS, |instance| instance.clock_skew_micros)
}

fn describe_time_claim(subject: &Subject<'_>, name: &'static str) -> String {
    match seconds(subject.claims, name) {
        Ok(Some(time)) => format!("{name} is {}", describe_time(time, subject.now)),
        _ => format!("the token has no {name}"),
    }
}
