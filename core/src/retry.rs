//! When a failed event, or a failed request to Clerk, is tried again.

use std::time::Duration;

/// The waits after the first, second, … failure, in seconds: Svix's own schedule, some 27 hours in all.
const WAITS: [u64; 7] = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
/// How many attempts there are: one more than waits.
pub const MAX_ATTEMPTS: u32 = WAITS.len() as u32 + 1;
/// Up to how much of a wait is added to it by chance, so that what failed together returns apart.
const JITTER: f64 = 0.2;
/// The longest wait that a `Retry-After` can ask for, in seconds.
const LONGEST_RETRY_AFTER: u64 = 36_000;

/// The waits after the first, second, … failure of a request in a row, in milliseconds.
const REQUEST_WAITS: [u64; 5] = [250, 500, 1_000, 2_000, 4_000];
/// The longest that a request waits because the other side asked for it.
pub const LONGEST_REQUEST_WAIT: Duration = Duration::from_secs(60);

/// What follows a failure.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Another attempt, so much later.
    Retry(Duration),
    /// None: it is dead until somebody replays it.
    Dead,
}

/// What follows the failure of an attempt.
///
/// `attempt` is the number of the attempt that failed, from 1. `unit` is a random number from 0 to 1; one
/// outside counts as the nearer end, NaN as 0. `retry_after` is what the other side asked for, in seconds:
/// the wait is not shorter, unless it asks for more than 10 hours.
pub fn after_failure(attempt: u32, unit: f64, retry_after: Option<u64>) -> AfterFailure {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(&scheduled) = WAITS.get(index) else {
        return AfterFailure::Dead;
    };
    let asked = retry_after.unwrap_or(0).min(LONGEST_RETRY_AFTER);
    let unit = if unit.is_nan() { 0.0 } else { unit };
    let jitter = unit.clamp(0.0, 1.0) * JITTER;
    AfterFailure::Retry(Duration::from_secs(scheduled.max(asked)).mul_f64(1.0 + jitter))
}

/// How long a request that failed so many times in a row waits before it is sent again; None: it is given up. `unit` is a random
/// number as above. Where the other side asked for a pause, that is the wait, unless it is longer than
/// [`LONGEST_REQUEST_WAIT`].
pub fn after_failed_request(failures: u32, unit: f64, asked: Option<Duration>) -> Option<Duration> {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let scheduled = Duration::from_millis(*REQUEST_WAITS.get(index)?);
    let unit = if unit.is_nan() { 0.0 } else { unit };
    let jitter = 1.0 + unit.clamp(0.0, 1.0) * JITTER;
    match asked {
        Some(pause) => {
            (pause <= LONGEST_REQUEST_WAIT).then(|| pause.max(scheduled).mul_f64(jitter))
        }
        None => Some(scheduled.mul_f64(jitter)),
    }
}

/// The seconds of a `Retry-After` header. None for its other form, a date, which Clerk does not send, and
/// for anything else.
pub fn parse_retry_after(value: &str) -> Option<u64> {
    let value = value.trim();
    let is_decimal = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal.then(|| value.parse().unwrap_or(u64::MAX))
}
