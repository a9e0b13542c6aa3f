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
