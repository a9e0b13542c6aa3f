//! How fast the API is asked: below Clerk's limit, however many ask at a time.
//!
//! Requests take numbers from one counter, which all that ask share. A number stands for a slot of 12.5 ms of the clock, and
//! a request waits for its own. A counter that lags behind the clock is set forward, but for a second's worth of slots:
//! after a pause so many requests may go at once. Nobody takes a number long before its time: who is cancelled while he
//! waits leaves no gap.

use std::time::Duration;

use crate::retry::LONGEST_REQUEST_WAIT;
use crate::time::UnixMicros;

/// Length of a slot in microseconds: 800 slots in 10 s, four fifths of what Clerk allows a production instance.
const SLOT_MICROS: i64 = 12_500;
/// Slots in 10 s.
const SLOTS: u32 = 800;
/// How many slots a counter may lag behind: a second's worth.
const BURST: i64 = 80;

/// How many slots a request takes where Clerk's limit is so many requests in 10 s. Four fifths of the limit are used.
pub fn slots_of_request(limit: u32) -> u32 {
    slots_of_rate(limit / 5 * 4)
}

/// How many slots a request takes where so many may be sent in 10 s; 800 at most.
pub fn slots_of_rate(rate: u32) -> u32 {
    SLOTS.div_ceil(rate.max(1)).max(1)
}

/// The first slot that a request may take now; a counter below it is set to it.
pub fn first_slot(now: UnixMicros) -> i64 {
    current_slot(now) - BURST
}

/// How long to wait for a slot.
pub fn wait_for(slot: i64, now: UnixMicros) -> Duration {
    let begins = slot.saturating_mul(SLOT_MICROS);
    let micros = begins.saturating_sub(now.0).max(0);
    Duration::from_micros(micros.unsigned_abs())
}

/// How long the next request would wait, where this slot was taken last; None where that is so far ahead that no pause explains
/// it: the clock has been set back.
pub fn queue_behind(last: i64, now: UnixMicros) -> Option<Duration> {
    let wait = wait_for(last, now);
    (wait <= LONGEST_REQUEST_WAIT * 2).then_some(wait)
}

/// The slot that begins once so much time has passed: nobody asks before it.
pub fn slot_after(now: UnixMicros, pause: Duration) -> i64 {
    let micros = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
    current_slot(now.plus_micros(micros)).saturating_add(1)
}

fn current_slot(now: UnixMicros) -> i64 {
    now.0.div_euclid(SLOT_MICROS)
}
