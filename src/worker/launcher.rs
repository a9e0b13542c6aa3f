//! The launcher: keeps one worker running for each database in `clerk_sync.databases`.
//!
//! It is connected to no database, so that it stands in nobody's way. It alone is started by the
//! postmaster, again after a crash, and on a standby once that is promoted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use pgrx::bgworkers::{BackgroundWorkerBuilder, BackgroundWorkerStatus, DynamicBackgroundWorker};
use pgrx::prelude::*;

use super::process::{self, Complaints};
use super::shared::{self, MOST_DATABASES};
use crate::settings;
use crate::storage::locks;

/// How soon a database that has no worker is looked at again.
const SOON: Duration = Duration::from_secs(1);

/// How often the list is looked at where all is well. Signals come in between.
const SELDOM: Duration = Duration::from_secs(10);

/// A worker that lived shorter is started again later and later, up to a minute.
const SHORT_LIFE: Duration = Duration::from_secs(10);

/// A worker that this launcher started.
struct Child {
    worker: Option<DynamicBackgroundWorker>,
    started: Instant,
    short_lives: u32,
    not_before: Instant,
}

/// Where the launcher's process begins.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn clerk_sync_launcher_main(_argument: pg_sys::Datum) {
    process::take_signals();
    // SAFETY: no database, the bootstrap superuser: only shared catalogs can be read.
    unsafe {
        pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0);
    }
    process::fix_settings(c"clerk_sync launcher");
    let mut children = HashMap::new();
    let mut complaints = Complaints::default();
    loop {
        let outcome = process::catch_error(|| start_missing(&mut children, &mut complaints));
        let all_there = complaints.hear("start workers", outcome) == Some(true);
        process::show_activity(None);
        process::wait(if all_there { SELDOM } else { SOON });
    }
}

/// Starts a worker for each listed database that exists and has none; true where none is missing.
fn start_missing(
    children: &mut HashMap<u32, Child>,
    complaints: &mut Complaints,
) -> Result<bool, String> {
    let names = settings::databases();
    let databases = process::in_transaction(|| Ok(list_databases(&names)))?;
    shared::free_others(&databases);
    children.retain(|oid, _| databases.iter().any(|database| database.to_u32() == *oid));
    let mut all_there = databases.len() == names.len();
    for database in databases {
        let Some((number, slot)) = shared::find_or_take(database) else {
            let error = format!("clerk_sync.databases lists more than {MOST_DATABASES}");
            complaints.hear::<()>("start workers", Err(error));
            return Ok(true);
        };
        if slot.is_served() {
            continue;
        }
        all_there = false;
        let child = children.entry(database.to_u32()).or_insert_with(Child::new);
        if child.may_start()
            && !process::in_transaction(|| Ok(locks::is_database_wanted(database)))?
        {
            child.start(number)?;
        }
    }
    Ok(all_there)
}

impl Child {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            worker: None,
            started: now,
            short_lives: 0,
            not_before: now,
        }
    }

    /// Notes the death of a worker, and says whether a new one may be started by now.
    fn may_start(&mut self) -> bool {
        if let Some(worker) = &self.worker {
            match worker.pid() {
                Ok(_) | Err(BackgroundWorkerStatus::NotYetStarted) => return false,
                Err(_) => {}
            }
            self.worker = None;
            self.short_lives = if self.started.elapsed() < SHORT_LIFE {
                self.short_lives.saturating_add(1)
            } else {
                0
            };
            self.not_before = Instant::now() + SOON * (1 << self.short_lives.min(6));
        }
        Instant::now() >= self.not_before
    }

    fn start(&mut self, slot: usize) -> Result<(), String> {
        // SAFETY: the worker's handle must outlive transactions, so it is made in this context.
        let worker = unsafe {
            let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
            let worker = BackgroundWorkerBuilder::new("clerk_sync worker")
                .set_type("clerk_sync worker")
                .set_library("clerk_sync")
                .set_function("clerk_sync_worker_main")
                .enable_spi_access()
                .set_argument(Some(pg_sys::Datum::from(slot)))
                .set_notify_pid(pg_sys::MyProcPid)
                .set_restart_time(None)
                .load_dynamic();
            pg_sys::MemoryContextSwitchTo(before);
            worker
        };
        self.started = Instant::now();
        self.not_before = self.started + SOON;
        self.worker = Some(
            worker.map_err(|_| "no free worker process: raise max_worker_processes".to_owned())?,
        );
        Ok(())
    }
}

/// Those of the named databases that exist and can be connected to.
fn list_databases(names: &[String]) -> Vec<pg_sys::Oid> {
    let mut found = Vec::new();
    // SAFETY: the relation stays open while its tuples are looked at; a NULL snapshot is the newest.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, lock);
        let scan = pg_sys::systable_beginscan(
            relation,
            pg_sys::InvalidOid,
            false,
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
        );
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let row = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            let name = name_data_to_str(&row.datname);
            // A limit of -2 marks what an interrupted DROP DATABASE left.
            if row.datallowconn && row.datconnlimit != -2 && names.iter().any(|one| one == name) {
                found.push(row.oid);
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, lock);
    }
    found
}
