//! The worker of one database: rounds of steps, each in transactions of its own.

use std::collections::HashMap;
use std::ffi::CStr;
use std::time::{Duration, Instant};

use clerk_core::key_refresh::KeyState;
use pgrx::prelude::*;

use super::api::ApiWork;
use super::process::{self, Complaints};
use super::shared::{self, Slot};
use crate::clerk_api::{self, FetchError};
use crate::key_refresh::store_fetched;
use crate::maintenance::{self, BATCH, Batch};
use crate::settings;
use crate::storage::instances::{self, KeySource};
use crate::storage::locks::{self, RunClaim, Work};

/// The longest time between two looks at whether somebody wants the database for himself, who waits
/// 5 s at most.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How often what is past its retention is deleted.
const PURGE_INTERVAL: Duration = Duration::from_secs(60);

/// Batches of one step in one round; then the other steps get their turn.
const MOST_BATCHES: usize = 100;

/// What the worker remembers from round to round.
struct Worker {
    slot: &'static Slot,
    complaints: Complaints,
    /// By issuer.
    attempts: HashMap<String, Attempt>,
    /// When it began.
    first_nudges: u32,
    purged: Option<Instant>,
    api: ApiWork,
}

/// The last fetch of an instance's keys by this process.
#[derive(Copy, Clone)]
struct Attempt {
    at: Instant,
    failures: u32,
    /// Up to which it was heard.
    nudges: u32,
}

/// Whether the worker goes on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    /// Somebody wants the database without us. The launcher starts another worker if it remains.
    MakeWay,
}

/// Where a worker's process begins.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn clerk_sync_worker_main(slot: pg_sys::Datum) {
    process::take_signals();
    let Some(slot) = shared::slot(slot.value()).filter(|slot| slot.claim()) else {
        return;
    };
    // SAFETY: once a process; the bootstrap superuser.
    unsafe {
        pg_sys::BackgroundWorkerInitializeConnectionByOid(slot.database(), pg_sys::InvalidOid, 0);
    }
    process::fix_settings(c"clerk_sync worker");
    // It cannot be renamed while this process is connected.
    let Ok(name) = process::in_transaction(|| Ok(database_name())) else {
        return;
    };
    let mut worker = Worker {
        slot,
        complaints: Complaints::default(),
        attempts: HashMap::new(),
        first_nudges: slot.nudges(),
        purged: None,
        api: ApiWork::default(),
    };
    // Back to the launcher where the database is no longer listed, or wanted by somebody.
    while settings::databases().contains(&name) && worker.run_round() == Next::GoOn {
        process::show_activity(None);
        process::wait(settings::worker_interval().min(LONGEST_WAIT));
    }
}

impl Worker {
    fn run_round(&mut self) -> Next {
        let looked = process::in_transaction(|| {
            // SAFETY: reads a variable of this process.
            let is_wanted = locks::is_database_wanted(unsafe { pg_sys::MyDatabaseId });
            Ok((is_wanted, locks::hold_extension()))
        });
        let extension = match self.complaints.hear("look around", looked) {
            Some((true, _)) => return Next::MakeWay,
            Some((false, Some(extension))) => extension,
            // The extension is not there, or being dropped: next time, perhaps.
            Some((false, None)) | None => return Next::GoOn,
        };
        let refreshed = process::catch_error(|| self.refresh_keys(extension));
        let next = self.complaints.hear("refresh signing keys", refreshed);
        if next == Some(Next::MakeWay) {
            return Next::MakeWay;
        }
        let next = self.repeat(
            "apply webhook events",
            c"clerk_sync: applying webhook events",
            |_| maintenance::drain(BATCH),
        );
        if next == Next::MakeWay {
            return next;
        }
        let healed = process::catch_error(|| self.api.heal(extension));
        RunClaim::end();
        let is_wanted = self.complaints.hear("ask for failed events", healed);
        if is_wanted == Some(true) {
            return Next::MakeWay;
        }
        let reconciled = process::catch_error(|| self.api.reconcile(extension));
        RunClaim::end();
        let is_wanted = self.complaints.hear("compare with Clerk", reconciled);
        if is_wanted == Some(true) {
            return Next::MakeWay;
        }
        if self.purged.is_some_and(|at| at.elapsed() < PURGE_INTERVAL) {
            return Next::GoOn;
        }
        self.purged = Some(Instant::now());
        self.repeat(
            "purge",
            c"clerk_sync: deleting what is past its retention",
            |extension| maintenance::purge(BATCH, extension),
        )
    }

    /// Runs a step batch by batch, each in a transaction, until nothing is left to do.
    fn repeat(
        &mut self,
        step: &'static str,
        activity: &CStr,
        run_batch: impl Fn(pg_sys::Oid) -> Result<Batch, String>,
    ) -> Next {
        for _ in 0..MOST_BATCHES {
            process::show_activity(Some(activity));
            let done = process::in_transaction(|| {
                // SAFETY: reads a variable of this process.
                if locks::is_database_wanted(unsafe { pg_sys::MyDatabaseId }) {
                    return Ok(None);
                }
                match locks::hold_extension() {
                    Some(extension) => run_batch(extension).map(Some),
                    None => Ok(Some(Batch::Absent)),
                }
            });
            match self.complaints.hear(step, done) {
                Some(None) => return Next::MakeWay,
                Some(Some(Batch::Done(rows))) if rows >= BATCH => {}
                _ => break,
            }
            process::serve_signals();
        }
        Next::GoOn
    }

    /// Fetches the keys that are due, holding no transaction open meanwhile.
    fn refresh_keys(&mut self, extension: pg_sys::Oid) -> Result<Next, String> {
        if self.list_due()?.is_empty() || !locks::claim_for_session(Work::KeyRefresh, extension) {
            return Ok(Next::GoOn);
        }
        // Listed again under the lock: another session may just have done it.
        let next = process::catch_error(|| {
            let mut next = Next::GoOn;
            for source in &self.list_due()? {
                next = self.refresh(source, extension)?;
                if next == Next::MakeWay {
                    break;
                }
            }
            Ok(next)
        });
        locks::release(Work::KeyRefresh, extension);
        next
    }

    fn list_due(&self) -> Result<Vec<KeySource>, String> {
        let interval = settings::key_refresh_interval();
        let nudges = self.slot.nudges();
        let mut sources = process::in_transaction(list_all)?;
        sources.retain(|source| {
            let attempt = self.attempts.get(&source.issuer);
            let state = KeyState {
                age: source.age,
                failed: source.failed,
                since_attempt: attempt.map(|attempt| attempt.at.elapsed()),
                failures: attempt.map_or(0, |attempt| attempt.failures),
                nudged: nudges != attempt.map_or(self.first_nudges, |attempt| attempt.nudges),
            };
            state.is_due(interval)
        });
        Ok(sources)
    }

    fn refresh(&mut self, source: &KeySource, extension: pg_sys::Oid) -> Result<Next, String> {
        process::show_activity(Some(c"clerk_sync: fetching signing keys"));
        let before = self.attempts.get(&source.issuer).copied();
        let mut attempt = Attempt {
            at: Instant::now(),
            failures: before.map_or(0, |before| before.failures).saturating_add(1),
            nudges: self.slot.nudges(),
        };
        self.attempts.insert(source.issuer.clone(), attempt);
        let fetched = clerk_api::fetch_key_set_while(&source.jwks_url, may_wait(extension));
        if matches!(fetched, Err(FetchError::Abandoned)) {
            return Ok(Next::MakeWay);
        }
        if let Err(error) = &fetched {
            let error = format!("{}: {error}", source.jwks_url);
            self.complaints.hear::<()>("fetch signing keys", Err(error));
        } else {
            attempt.failures = 0;
            self.attempts.insert(source.issuer.clone(), attempt);
        }
        process::in_transaction(|| {
            if locks::hold_extension() != Some(extension) {
                return Ok(());
            }
            match store_fetched(source, &fetched) {
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        })?;
        Ok(Next::GoOn)
    }
}

/// Asked every 50 ms of a fetch; looks twice a second whether somebody wants the database, or has dropped the extension.
fn may_wait(extension: pg_sys::Oid) -> impl FnMut() -> bool {
    let mut looked = Instant::now();
    move || {
        if looked.elapsed() < LONGEST_WAIT / 2 {
            return true;
        }
        looked = Instant::now();
        // SAFETY: reads a variable of this process.
        let database = unsafe { pg_sys::MyDatabaseId };
        process::in_transaction(|| {
            let is_there = locks::hold_extension() == Some(extension);
            Ok(is_there && !locks::is_database_wanted(database))
        })
        .unwrap_or(false)
    }
}

fn list_all() -> Result<Vec<KeySource>, String> {
    // The extension may have been dropped since the round began.
    if locks::hold_extension().is_none() {
        return Ok(Vec::new());
    }
    instances::list_key_sources(None).map_err(|error| error.to_string())
}

fn database_name() -> String {
    // SAFETY: a catalog lookup in a transaction; the name is copied.
    unsafe {
        let name = pg_sys::get_database_name(pg_sys::MyDatabaseId);
        if name.is_null() {
            String::new()
        } else {
            CStr::from_ptr(name).to_string_lossy().into_owned()
        }
    }
}
