//! `exp`, `nbf` and `iat`: whole seconds, compared with the clock skew as Clerk does.

use serde_json::{Map, Value};

use crate::reason::{Failure, Reason};
use crate::time::UnixMicros;

/// The furthest second that a JavaScript date can hold, year 275760. Clerk's comparison with a later
/// one is always false, so that such a token would never expire.
const FURTHEST_SECOND: f64 = 8.64e12;

/// The times of a token and the clock skew allowed to it.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Times {
    expires_at: i64,
    not_before: Option<i64>,
    issued_at: Option<i64>,
    skew_micros: i64,
}

impl Times {
    /// Those of a session that is valid whenever it is asked for.
    pub(crate) const UNLIMITED: Self = Self {
        expires_at: i64::MAX,
        not_before: None,
        issued_at: None,
        skew_micros: 0,
    };

    pub(crate) fn from_claims(
        claims: &Map<String, Value>,
        skew_micros: i64,
    ) -> Result<Self, Failure> {
        Ok(Self {
            expires_at: expiry(claims)?,
            not_before: seconds(claims, "nbf")?,
            issued_at: seconds(claims, "iat")?,
            skew_micros,
        })
    }

    pub(crate) fn valid_from(&self) -> UnixMicros {
        match self.not_before.max(self.issued_at) {
            None => UnixMicros::MIN,
            Some(latest) => UnixMicros::from_seconds(latest).plus_micros(-self.skew_micros),
        }
    }

    pub(crate) fn valid_until(&self) -> UnixMicros {
        UnixMicros::from_seconds(self.expires_at).plus_micros(self.skew_micros)
    }

    pub(crate) fn check(&self, now: UnixMicros) -> Result<(), Failure> {
        check_expiry(self.expires_at, self.skew_micros, now)?;
        check_not_before(self.not_before, self.skew_micros, now)?;
        check_issued_at(self.issued_at, self.skew_micros, now)
    }
}

/// `exp`, which every token must have.
pub(super) fn expiry(claims: &Map<String, Value>) -> Result<i64, Failure> {
    seconds(claims, "exp")?
        .ok_or_else(|| Failure::new(Reason::TokenVerificationFailed, "the claim exp is missing"))
}

/// A time claim in whole seconds, its fraction dropped. Absent is None; JSON null is no number.
pub(super) fn seconds(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<i64>, Failure> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    match value.as_f64() {
        Some(number) if number.abs() <= FURTHEST_SECOND => Ok(Some(number.trunc() as i64)),
        Some(_) => {
            let detail = format!("the claim {name} is no time before the year 275760");
            Err(Failure::new(Reason::TokenVerificationFailed, detail))
        }
        None => {
            let detail = format!("the claim {name} is not a number");
            Err(Failure::new(Reason::TokenVerificationFailed, detail))
        }
    }
}

pub(super) fn check_expiry(exp: i64, skew: i64, now: UnixMicros) -> Result<(), Failure> {
    if UnixMicros::from_seconds(exp).plus_micros(skew) > now {
        return Ok(());
    }
    let detail = format!(
        "the token expired {} ago; less than {} is tolerated",
        distance(exp, now),
        duration(skew)
    );
    Err(Failure::new(Reason::TokenExpired, detail))
}

pub(super) fn check_not_before(
    nbf: Option<i64>,
    skew: i64,
    now: UnixMicros,
) -> Result<(), Failure> {
    match nbf {
        Some(nbf) if UnixMicros::from_seconds(nbf) > now.plus_micros(skew) => {
            let detail = format!(
                "the token becomes valid in {}; up to {} is tolerated",
                distance(nbf, now),
                duration(skew)
            );
            Err(Failure::new(Reason::TokenNotActiveYet, detail))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_issued_at(iat: Option<i64>, skew: i64, now: UnixMicros) -> Result<(), Failure> {
    match iat {
        Some(iat) if UnixMicros::from_seconds(iat) > now.plus_micros(skew) => {
            let detail = format!(
                "the token was issued {} in the future; up to {} is tolerated",
                distance(iat, now),
                duration(skew)
            );
            Err(Failure::new(Reason::TokenIatInTheFuture, detail))
        }
        _ => Ok(()),
    }
}

/// Where a time claim lies, seen from now.
pub(super) fn describe_time(seconds: i64, now: UnixMicros) -> String {
    let distance = distance(seconds, now);
    if UnixMicros::from_seconds(seconds) > now {
        format!("in {distance}")
    } else {
        format!("{distance} ago")
    }
}

/// Whole seconds between a time claim and now: rounded down for the past, up for the future.
fn distance(seconds: i64, now: UnixMicros) -> String {
    let micros = UnixMicros::from_seconds(seconds).0.saturating_sub(now.0);
    let rounding = if micros > 0 { 999_999 } else { 0 };
    format!("{} s", (micros.unsigned_abs() + rounding) / 1_000_000)
}

fn duration(micros: i64) -> String {
    format!("{} s", micros as f64 / 1e6)
}
