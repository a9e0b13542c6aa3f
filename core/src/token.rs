//! Session tokens: one list of checks, in Clerk's order, serves both the verdict and its explanation.

mod checks;
mod decode;
mod times;

pub(crate) use times::Times;

use serde_json::{Map, Value};

use crate::claims::Session;
use crate::instance::{Instance, Trust};
use crate::reason::{Failure, Reason};
use crate::time::UnixMicros;
use checks::{CHECKS, Subject, is_status_pending};
use decode::{DecodedToken, decode_claims, decode_token, parse_json};

/// The longest token accepted, in bytes. A browser's cookie holds 4 KiB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// What each check of a token found, and the verdict.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// In the order of verification.
    pub checks: Vec<Check>,
    /// What [`verify`] gives for the same token at the same time.
    pub verdict: Result<Session, Failure>,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, such as `signature`.
    pub name: &'static str,
    /// None where an earlier failure left nothing to look at.
    pub ok: Option<bool>,
    /// Clerk's reason code, where it failed.
    pub reason: Option<Reason>,
    /// The fact, in English, without a full stop.
    pub detail: String,
}

/// Verifies a session token by the rules of its issuer.
///
/// The issuer is read before the signature is checked, for one purpose: a key is looked up by issuer
/// and id, never by id alone. Everything else is looked at after the signature.
///
/// # Errors
/// The first check that fails, with Clerk's reason.
pub fn verify(token: &str, trust: &Trust, now: UnixMicros) -> Result<Session, Failure> {
    let decoded = decode_token(token)?;
    let subject = Subject::new(&decoded, trust, now);
    for check in &CHECKS {
        (check.test)(&subject)?;
    }
    make_session(&subject, &decoded.claims_json)
}

/// Explains a token check by check. Never fails, whatever the text.
pub fn inspect(token: &str, trust: &Trust, now: UnixMicros) -> Inspection {
    let decoded = match decode_token(token) {
        Ok(decoded) => decoded,
        Err(failure) => return Inspection::of_undecodable(failure),
    };
    let subject = Subject::new(&decoded, trust, now);
    let mut checks = vec![Check::passed(
        "structure",
        format!("a JWT of {} bytes", token.len()),
    )];
    let mut first_failure = None;
    for check in &CHECKS {
        if let Some(missing) = subject.missing(check.needs) {
            checks.push(Check::skipped(check.name, missing));
            continue;
        }
        match (check.test)(&subject) {
            Ok(()) => checks.push(Check::passed(check.name, (check.describe)(&subject))),
            Err(failure) => {
                checks.push(Check::failed(check.name, &failure));
                first_failure.get_or_insert(failure);
            }
        }
    }
    checks.push(describe_status(&subject));
    let verdict = match first_failure {
        Some(failure) => Err(failure),
        None => make_session(&subject, &decoded.claims_json),
    };
    Inspection { checks, verdict }
}

/// Makes a session of claims that a gateway has verified: every check but those of header, key and
/// signature. `Ok(None)` where their issuer is no configured instance: somebody else's session.
///
/// # Errors
/// The first check that fails, with Clerk's reason.
pub fn verify_trusted_claims(
    claims_json: &str,
    trust: &Trust,
    now: UnixMicros,
) -> Result<Option<Session>, Failure> {
    let Some(Value::Object(claims)) = parse_json(claims_json) else {
        let detail = "the claims are not a JSON object";
        return Err(Failure::new(Reason::TokenInvalid, detail));
    };
    let subject = Subject::of_claims(&claims, trust, now);
    if subject.instance.is_none() {
        return Ok(None);
    }
    for check in CHECKS.iter().filter(|check| check.of_claims) {
        (check.test)(&subject)?;
    }
    make_session(&subject, claims_json).map(Some)
}

/// Makes a session of claims that nobody has signed, for tests and for questions of the kind "what could
/// this person do?". Never for a request: there is no signature, no issuer and no expiry.
///
/// The claims are read as those of a token are, version 1 and 2; a pending session counts as signed out.
///
/// # Errors
/// Claims that are no JSON object of at most [`MAX_TOKEN_BYTES`], or without a usable `sub`.
pub fn assume_session(claims_json: &str) -> Result<Session, Failure> {
    let invalid = |detail: String| Failure::new(Reason::TokenInvalid, detail);
    if claims_json.len() > MAX_TOKEN_BYTES {
        let detail = format!("the claims are longer than {MAX_TOKEN_BYTES} bytes");
        return Err(invalid(detail));
    }
    let Some(Value::Object(claims)) = parse_json(claims_json) else {
        return Err(invalid("the claims are not a JSON object".to_owned()));
    };
    let trust = Trust::default();
    let subject = Subject::of_claims(&claims, &trust, UnixMicros::MIN);
    Ok(Session::from_claims(
        &claims,
        claims_json,
        checks::user_id(&subject)?,
        Times::UNLIMITED,
        !is_status_pending(&claims),
    ))
}

/// Whether a text is a JWT that names a configured instance as its issuer. A token that does not is
/// somebody else's: an API key, or another identity provider's.
pub fn names_known_issuer(token: &str, trust: &Trust) -> bool {
    // The payload alone decides whose it is: ours with a mangled header or signature is an error.
    decode_claims(token).is_some_and(|claims| find_instance(&claims, trust).is_some())
}

/// The instance that the claims name as their issuer.
fn find_instance<'t>(claims: &Map<String, Value>, trust: &'t Trust) -> Option<&'t Instance> {
    trust.instance(claims.get("iss")?.as_str()?)
}

fn make_session(subject: &Subject<'_>, claims_json: &str) -> Result<Session, Failure> {
    let instance = subject.instance()?;
    let times = Times::from_claims(subject.claims, instance.clock_skew_micros)?;
    let user_id = checks::user_id(subject)?;
    let signed_in = instance.allow_pending || !is_status_pending(subject.claims);
    Ok(Session::from_claims(
        subject.claims,
        claims_json,
        user_id,
        times,
        signed_in,
    ))
}

/// Not a check: a pending session is valid, but counts as signed out where it is not allowed.
fn describe_status(subject: &Subject<'_>) -> Check {
    let pending = is_status_pending(subject.claims);
    let allowed = subject
        .instance()
        .is_ok_and(|instance| instance.allow_pending);
    let (ok, detail) = match (pending, allowed) {
        (false, _) => (true, "the session has no unfinished tasks"),
        (true, true) => (true, "the session is pending, which the instance allows"),
        (true, false) => (
            false,
            "the session is pending: it counts as signed out until its tasks are done",
        ),
    };
    Check {
        name: "status",
        ok: Some(ok),
        reason: None,
        detail: detail.to_owned(),
    }
}

impl Inspection {
    fn of_undecodable(failure: Failure) -> Self {
        let mut checks = vec![Check::failed("structure", &failure)];
        for check in &CHECKS {
            checks.push(Check::skipped(
                check.name,
                "not looked at: the token cannot be read",
            ));
        }
        Self {
            checks,
            verdict: Err(failure),
        }
    }
}

impl Check {
    fn passed(name: &'static str, detail: String) -> Self {
        Self {
            name,
            ok: Some(true),
            reason: None,
            detail,
        }
    }

    fn failed(name: &'static str, failure: &Failure) -> Self {
        let Failure { reason, detail } = failure;
        Self {
            name,
            ok: Some(false),
            reason: Some(*reason),
            detail: detail.clone(),
        }
    }

    fn skipped(name: &'static str, detail: &str) -> Self {
        Self {
            name,
            ok: None,
            reason: None,
            detail: detail.to_owned(),
        }
    }
}

impl<'a> Subject<'a> {
    fn new(decoded: &'a DecodedToken<'a>, trust: &'a Trust, now: UnixMicros) -> Self {
        let mut subject = Self::of_claims(&decoded.claims, trust, now);
        subject.header = Some(&decoded.header);
        subject.signed = decoded.signed;
        subject.signature = &decoded.signature;
        subject.key = match (subject.instance, decoded.header.get("kid")) {
            (Some(instance), Some(Value::String(kid))) => instance.key(kid),
            _ => None,
        };
        subject
    }

    fn of_claims(claims: &'a Map<String, Value>, trust: &'a Trust, now: UnixMicros) -> Self {
        Self {
            header: None,
            claims,
            signed: "",
            signature: &[],
            instance: find_instance(claims, trust),
            key: None,
            now,
        }
    }
}
