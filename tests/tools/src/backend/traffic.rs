//! How many requests came, and whether they were too many.

use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Over which Clerk counts requests.
const WINDOW: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Traffic {
    by_path: BTreeMap<String, u64>,
    busy: Duration,
    /// When each request of the last [`WINDOW`] came.
    recent: VecDeque<Instant>,
    most: usize,
    /// When each of them came that was not refused by the limit.
    admitted: VecDeque<Instant>,
}

impl Traffic {
    /// Counts a request.
    pub(super) fn note(&mut self, path: &str, now: Instant) {
        *self.by_path.entry(path.to_owned()).or_default() += 1;
        forget_old(&mut self.recent, now);
        self.recent.push_back(now);
        self.most = self.most.max(self.recent.len());
    }

    /// Admits a request, or gives the whole seconds after which to try again.
    pub(super) fn admit(&mut self, limit: usize, now: Instant) -> Result<(), u64> {
        forget_old(&mut self.admitted, now);
        if self.admitted.len() < limit {
            self.admitted.push_back(now);
            return Ok(());
        }
        let oldest = self.admitted.front().copied().unwrap_or(now);
        let wait = (oldest + WINDOW).saturating_duration_since(now);
        Err(wait.as_millis().div_ceil(1000).max(1) as u64)
    }

    /// Counts what an answer took.
    pub(super) fn note_busy(&mut self, time: Duration) {
        self.busy += time;
    }

    /// Begins to count anew; the limit does not forget.
    pub(super) fn forget(&mut self) {
        let admitted = std::mem::take(&mut self.admitted);
        *self = Self {
            admitted,
            ..Self::default()
        };
    }

    pub(super) fn report(&self) -> Value {
        json!({
            "total": self.by_path.values().sum::<u64>(),
            "paths": self.by_path,
            "busy_us": self.busy.as_micros() as u64,
            "most_in_10_s": self.most,
        })
    }
}

fn forget_old(times: &mut VecDeque<Instant>, now: Instant) {
    let is_old = |time: &Instant| now.saturating_duration_since(*time) >= WINDOW;
    while times.front().is_some_and(is_old) {
        times.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_slides() {
        let mut traffic = Traffic::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(traffic.admit(2, start), Ok(()));
        assert_eq!(traffic.admit(2, start + 4 * second), Ok(()));
        assert_eq!(traffic.admit(2, start + 5 * second), Err(5));
        assert_eq!(traffic.admit(2, start + 10 * second), Ok(()));
        assert_eq!(traffic.admit(2, start + 11 * second), Err(3));
    }
}
