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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn seconds(count: u64) -> Option<Duration> {
        Some(Duration::from_secs(count))
    }

    #[test]
    fn keys_never_fetched_are_due() {
        assert!(KeyState::default().is_due(HOUR));
    }

    #[test]
    fn keys_are_due_once_an_interval() {
        let aged = |age| KeyState {
            age: seconds(age),
            ..KeyState::default()
        };
        assert!(!aged(3599).is_due(HOUR));
        assert!(aged(3600).is_due(HOUR));
    }

    #[test]
    fn a_nudge_is_heard_but_not_twice_within_the_rest() {
        let nudged = |age, since| KeyState {
            age: seconds(age),
            since_attempt: since,
            nudged: true,
            ..KeyState::default()
        };
        assert!(nudged(60, None).is_due(HOUR));
        assert!(!nudged(59, None).is_due(HOUR));
        assert!(!nudged(600, seconds(59)).is_due(HOUR));
        assert!(nudged(600, seconds(60)).is_due(HOUR));
    }

    #[test]
    fn failures_double_the_pause_up_to_the_interval() {
        let failing = |failures, since| KeyState {
            age: seconds(10),
            failed: true,
            since_attempt: seconds(since),
            failures,
            ..KeyState::default()
        };
        assert!(!failing(1, 59).is_due(HOUR));
        assert!(failing(1, 60).is_due(HOUR));
        assert!(!failing(3, 239).is_due(HOUR));
        assert!(failing(3, 240).is_due(HOUR));
        assert!(failing(u32::MAX, 3600).is_due(HOUR));
        assert!(!failing(u32::MAX, 3599).is_due(HOUR));
    }

    #[test]
    fn an_interval_below_the_rest_is_the_rest() {
        let state = KeyState {
            age: seconds(5),
            since_attempt: seconds(5),
            ..KeyState::default()
        };
        assert!(state.is_due(Duration::from_secs(5)));
        assert!(!state.is_due(Duration::from_secs(6)));
    }
}
