//! When what failed is tried again.

use std::time::Duration;

use clerk_core::retry::{AfterFailure, MAX_ATTEMPTS, after_failure, parse_retry_after};

fn wait(attempt: u32, unit: f64, retry_after: Option<u64>) -> Duration {
    match after_failure(attempt, unit, retry_after) {
        AfterFailure::Retry(wait) => wait,
        AfterFailure::Dead => panic!("attempt {attempt} was the last"),
    }
}

#[test]
fn waits_are_those_of_svix() {
    let waits: Vec<u64> = (1..MAX_ATTEMPTS)
        .map(|attempt| wait(attempt, 0.0, None).as_secs())
        .collect();
    assert_eq!(waits, [5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
    assert_eq!(wait(0, 0.0, None), wait(1, 0.0, None));
}

#[test]
fn the_last_attempt_leaves_it_dead() {
    assert_eq!(MAX_ATTEMPTS, 8);
    for attempt in [8, 9, u32::MAX] {
        assert_eq!(after_failure(attempt, 0.5, Some(1)), AfterFailure::Dead);
    }
}

#[test]
fn jitter_adds_up_to_a_fifth() {
    assert_eq!(wait(2, 0.5, None), Duration::from_secs(330));
    assert_eq!(wait(2, 1.0, None), Duration::from_secs(360));
    for (unit, same) in [
        (f64::NAN, 0.0),
        (-7.0, 0.0),
        (f64::INFINITY, 1.0),
        (f64::MAX, 1.0),
    ] {
        assert_eq!(wait(3, unit, None), wait(3, same, None), "{unit}");
    }
}

#[test]
fn a_wait_is_not_shorter_than_asked_within_reason() {
    assert_eq!(wait(1, 0.0, Some(60)), Duration::from_secs(60));
    assert_eq!(wait(1, 1.0, Some(60)), Duration::from_secs(72));
    assert_eq!(wait(3, 0.0, Some(60)), Duration::from_secs(1800));
    assert_eq!(wait(1, 0.0, Some(u64::MAX)), Duration::from_secs(36_000));
}

#[test]
fn retry_after_is_a_number_of_seconds() {
    assert_eq!(parse_retry_after("10"), Some(10));
    assert_eq!(parse_retry_after(" 0 "), Some(0));
    assert_eq!(parse_retry_after("99999999999999999999999"), Some(u64::MAX));
    for other in [
        "",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "Wed, 21 Oct 2026 07:28:00 GMT",
    ] {
        assert_eq!(parse_retry_after(other), None, "{other:?}");
    }
}
