//! Points in time.

/// Microseconds since 1970-01-01 00:00 UTC.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMicros(
    /// The number of microseconds; negative before 1970.
    pub i64,
);

impl UnixMicros {
    /// The earliest point in time there is.
    pub const MIN: Self = Self(i64::MIN);

    /// Whole seconds since 1970, as tokens count. Stays at the end of the range beyond it.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Later by so many microseconds (earlier where negative), or the end of the range.
    pub fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

/// Milliseconds since 1970-01-01 00:00 UTC, as Clerk's objects count; within the years 1970 to 9999.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// The last millisecond of the year 9999. Nothing that Clerk dates lies beyond it, and such a time,
    /// as the version of an object, would outrank every later one.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// A time from 1970 to 9999, or None.
    pub fn from_millis(millis: i64) -> Option<Self> {
        (0..=Self::MAX.0).contains(&millis).then_some(Self(millis))
    }

    /// The number of milliseconds.
    pub fn millis(self) -> i64 {
        self.0
    }
}

/// The time of a `Date` header (RFC 9110, 5.6.7), in whole seconds. None for anything else, and before 1970.
pub fn parse_http_date(value: &str) -> Option<UnixMillis> {
    let time = httpdate::parse_http_date(value.trim()).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    UnixMillis::from_millis(i64::try_from(since.as_millis()).ok()?)
}
