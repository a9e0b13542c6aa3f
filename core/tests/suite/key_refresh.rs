//! When signing keys are fetched again.

use std::time::Duration;

use clerk_core::key_refresh::KeyState;

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
