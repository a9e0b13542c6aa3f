//! When an instance's signing keys are to be fetched again.

use std::time::Duration;

/// The shortest time between two fetches that nobody asked for by hand; a shorter interval lowers it.
pub const REST: Duration = Duration::from_secs(60);

/// What is known about the keys of one instance.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyState {
    /// Time since the last fetch with success; None where there was none.
    pub age: Option<Duration>,
    /// Whether the last fetch failed.
    pub failed: bool,
    /// Time since the last attempt of this process; None where there was none.
    pub since_attempt: Option<Duration>,
    /// Failures of this process in a row.
    pub failures: u32,
    /// A token named a key that is not stored.
    pub nudged: bool,
}

impl KeyState {
    /// Whether to fetch now. Keys are fetched once an interval; after a failure again after [`REST`], then
    /// after twice that, and so on up to the interval; for an unknown key at once, but never twice within
    /// the rest, so that forged key ids cannot make this server flood another.
    #[must_use]
    pub fn is_due(&self, interval: Duration) -> bool {
        let rest = REST.min(interval);
        let pause = if self.nudged {
            rest
        } else {
            rest.saturating_mul(1 << self.failures.saturating_sub(1).min(10))
                .min(interval)
        };
        if self.since_attempt.is_some_and(|since| since < pause) {
            return false;
        }
        let longest = if self.nudged { rest } else { interval };
        self.failed || self.age.is_none_or(|age| age >= longest)
    }
}
