//! How many refusals a backend answers in full.

use std::cell::Cell;

use clerk_core::time::UnixMicros;

/// Refusals in a row before the sender is told to slow down.
const BURST: f64 = 50.0;
/// How many more a second.
const REFILL: f64 = 5.0;

thread_local! {
    static BUCKET: Cell<(f64, UnixMicros)> = const { Cell::new((BURST, UnixMicros::MIN)) };
}

/// Notes a refusal; true where there were too many.
pub(crate) fn is_flooded_by_refusal(now: UnixMicros) -> bool {
    let (tokens, then) = BUCKET.get();
    let seconds = now.0.saturating_sub(then.0).max(0) as f64 / 1e6;
    let tokens = (tokens + seconds * REFILL).min(BURST);
    let is_flooded = tokens < 1.0;
    BUCKET.set((if is_flooded { tokens } else { tokens - 1.0 }, now));
    is_flooded
}
