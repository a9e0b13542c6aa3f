//! What the worker asks of Clerk's Backend API: the objects of failed events, and whether the tables are equal. No
//! transaction is open during a request, and events are applied meanwhile.

use std::time::{Duration, Instant};

use pgrx::prelude::*;

use super::process;
use crate::maintenance::{self, BATCH};
use crate::settings::backend_api::{self, ReconcileMode};
use crate::storage::locks::{self, RunClaim};
use crate::storage::people;
use crate::storage::rights::with_rights_of;
use crate::storage::sync_runs;
use crate::sync::backend::error::SyncError;
use crate::sync::backend::heal;
use crate::sync::backend::run::{self, Order, Purpose};
use crate::sync::backend::surroundings::{Surroundings, within};

/// Events of one step.
const MOST_EVENTS: i32 = 20;
/// The shortest time between two attempts after one that failed.
const REST: Duration = Duration::from_secs(60);
/// How often is looked whether a comparison is due.
const LOOK: Duration = Duration::from_secs(5);
/// How long a comparison lasts before the other steps have their turn.
const SLICE: Duration = Duration::from_secs(10);
/// How often events are applied during a run.
const DRAIN: Duration = Duration::from_millis(500);

/// What the worker remembers.
#[derive(Default)]
pub(super) struct ApiWork {
    healed: Option<Failed>,
    reconciled: Option<Failed>,
    looked: Option<Instant>,
    /// Whether a comparison has stopped to let the other steps have their turn.
    is_unfinished: bool,
}

/// An attempt that failed.
struct Failed {
    at: Instant,
    times: u32,
}

impl Failed {
    fn now(before: Option<&Self>) -> Self {
        let times = before.map_or(0, |failed| failed.times);
        Self {
            at: Instant::now(),
            times: times.saturating_add(1),
        }
    }
}

impl ApiWork {
    /// Asks for the objects of events that failed; true where somebody wants the database.
    pub(super) fn heal(&mut self, extension: pg_sys::Oid) -> Result<bool, String> {
        if is_resting(self.healed.as_ref()) {
            return Ok(false);
        }
        process::show_activity(Some(
            c"clerk_sync: asking Clerk for objects of failed events",
        ));
        let outcome = heal::heal(MOST_EVENTS, &mut Background::new(extension));
        // What Clerk cannot help with is not asked for in every round.
        if matches!(outcome, Ok(Some(0))) {
            self.healed = Some(Failed::now(self.healed.as_ref()));
            return Ok(false);
        }
        conclude(outcome.map(drop), &mut self.healed)
    }

    /// Compares the tables with Clerk where the schedule says so; true where somebody wants the database.
    pub(super) fn reconcile(&mut self, extension: pg_sys::Oid) -> Result<bool, String> {
        let Some(interval) = backend_api::reconcile_interval() else {
            return Ok(false);
        };
        let is_early = self
            .looked
            .is_some_and(|at| at.elapsed() < LOOK.min(interval));
        if (is_early && !self.is_unfinished) || is_resting(self.reconciled.as_ref()) {
            return Ok(false);
        }
        self.looked = Some(Instant::now());
        let purpose = Purpose::Reconcile {
            repair: backend_api::reconcile_mode() == ReconcileMode::Repair,
            max_deletions: Some(backend_api::reconcile_max_deletions()),
        };
        let kinds = run::kinds_of(None).map_err(|error| error.describe())?;
        let mut background = Background::new(extension);
        let last =
            background.transact(|| Ok(sync_runs::since_last_comparison(purpose.name(), &kinds)?));
        let (since, cut_off) = last.map_err(|error| error.describe())?;
        let is_due = self.is_unfinished
            || since.is_none_or(|since| since >= interval)
            || cut_off.is_some_and(|since| since >= REST.min(interval));
        if !is_due {
            return Ok(false);
        }
        process::show_activity(Some(c"clerk_sync: comparing the tables with Clerk"));
        let order = Order {
            kinds,
            purpose,
            resume: true,
            instance: None,
        };
        let outcome = run::carry_out(&order, &mut background);
        // The next round takes it up again.
        self.is_unfinished = background.is_over;
        if self.is_unfinished {
            return Ok(false);
        }
        conclude(outcome, &mut self.reconciled)
    }
}

fn is_resting(failed: Option<&Failed>) -> bool {
    failed.is_some_and(|failed| {
        let rest = REST.saturating_mul(1 << failed.times.saturating_sub(1).min(6));
        failed.at.elapsed() < rest
    })
}

fn conclude(outcome: Result<(), SyncError>, failed: &mut Option<Failed>) -> Result<bool, String> {
    match outcome {
        Ok(()) => {
            *failed = None;
            Ok(false)
        }
        Err(SyncError::Abandoned) => Ok(true),
        // The next round looks whether it is there again.
        Err(SyncError::Dropped) => Ok(false),
        Err(error) => {
            *failed = Some(Failed::now(failed.as_ref()));
            Err(error.describe())
        }
    }
}

/// The worker, between whose transactions nothing is held.
struct Background {
    begun: Instant,
    /// Whether it has stopped because its time was over.
    is_over: bool,
    drained: Instant,
    extension: pg_sys::Oid,
}

impl Background {
    fn new(extension: pg_sys::Oid) -> Self {
        Self {
            begun: Instant::now(),
            is_over: false,
            drained: Instant::now(),
            extension,
        }
    }

    /// Applies events that are due; false where somebody wants the database.
    fn attend(&mut self) -> bool {
        if self.drained.elapsed() < DRAIN {
            return true;
        }
        let extension = self.extension;
        let may_stay = RunClaim::keep(|| {
            process::in_transaction(|| {
                // SAFETY: reads a variable of this process.
                if locks::is_database_wanted(unsafe { pg_sys::MyDatabaseId }) {
                    return Ok(false);
                }
                if locks::hold_extension() != Some(extension) {
                    return Ok(true);
                }
                maintenance::drain(BATCH).map(|_| true)
            })
        });
        self.drained = Instant::now();
        // An event that cannot be applied is the next round's.
        may_stay.unwrap_or(true)
    }
}

impl Surroundings for Background {
    fn transact<R>(&mut self, work: impl FnOnce() -> Result<R, SyncError>) -> Result<R, SyncError> {
        if !self.attend() {
            return Err(SyncError::Abandoned);
        }
        let extension = self.extension;
        let mut reason = None;
        let outcome = RunClaim::keep(|| {
            process::in_transaction(|| {
                let held = locks::hold_extension().filter(|&held| held == extension);
                let owner = held.and_then(|_| people::owner_of(c"users"));
                let Some(owner) = owner else {
                    reason = Some(SyncError::Dropped);
                    return Err(String::new());
                };
                with_rights_of(owner, || within(work)).map_err(|error| {
                    reason = Some(error);
                    String::new()
                })
            })
        });
        outcome.map_err(|text| reason.unwrap_or(SyncError::Step(text)))
    }

    fn may_wait(&mut self) -> bool {
        self.attend()
    }

    fn may_go_on(&mut self) -> bool {
        self.is_over = self.begun.elapsed() > SLICE;
        !self.is_over
    }

    fn tell(&mut self, _message: &str) {}
}
