//! `clerk.run_maintenance`: what the background worker does, once. Its SQL is in `sql/maintenance.sql`.

use clerk_core::key_refresh::KeyState;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::signing_keys::refuse_read_only;
use crate::errors::AdministrationError;
use crate::key_refresh::refresh;
use crate::maintenance::{self, BATCH, Batch};
use crate::settings;
use crate::storage::instances;
use crate::storage::locks::{self, Work};
use crate::storage::subtransaction::in_subtransaction;
use crate::sync::backend::error::SyncError;
use crate::sync::backend::heal;
use crate::sync::backend::surroundings::Function;

/// Batches of one step: what is left then is for the next call, in another transaction.
const MOST_BATCHES: i32 = 20;

/// How many objects of failed events are asked of Clerk.
const BATCH_OF_FAILED: i32 = 20;

const BUSY: &str = "left to another session, which is at it";

#[pg_extern(sql = false)]
fn run_maintenance()
-> Result<TableIterator<'static, (name!(step, String), name!(detail, String))>, ErrorReport> {
    refuse_read_only(c"clerk.run_maintenance()");
    let extension = locks::hold_extension().ok_or(AdministrationError::NotConfigured)?;
    let refreshed = in_subtransaction(|_| true, || refresh_keys(extension))
        .unwrap_or_else(|error| vec![format!("failed: {error}")]);
    let mut rows: Vec<_> = refreshed
        .into_iter()
        .map(|detail| ("signing keys".to_owned(), detail))
        .collect();
    // First: nothing is locked yet while Clerk is asked.
    let healed = in_subtransaction(
        |_| true,
        || {
            let function = Function::begin();
            // An error of one instance, or after some events, leaves what was done.
            Ok::<_, SyncError>(
                function.map(|mut function| heal::heal(BATCH_OF_FAILED, &mut function)),
            )
        },
    );
    let healed = match healed {
        Ok(Some(Ok(count))) => format!("{} dealt with", count.unwrap_or_default()),
        Ok(Some(Err(error))) => format!("failed: {}", error.describe()),
        Ok(None) => BUSY.to_owned(),
        Err(error) => format!("failed: {error}"),
    };
    rows.push(("failed events".to_owned(), healed));
    // More than one batch in a transaction: one session at a time, lest two wait for each other.
    let batches = if locks::claim_until_commit(Work::Drain, extension) {
        MOST_BATCHES
    } else {
        1
    };
    let drained = repeat(batches, || maintenance::drain(BATCH));
    rows.push(("webhook events".to_owned(), drained));
    let purged = repeat(MOST_BATCHES, || maintenance::purge(BATCH, extension));
    rows.push(("purge".to_owned(), purged));
    Ok(TableIterator::new(rows))
}

/// Refreshes the keys that are due; a line an instance.
fn refresh_keys(extension: pg_sys::Oid) -> Result<Vec<String>, AdministrationError> {
    if !locks::claim_until_commit(Work::KeyRefresh, extension) {
        return Ok(vec![BUSY.to_owned()]);
    }
    let mut details = Vec::new();
    for source in instances::list_current_key_sources()? {
        let state = KeyState {
            age: source.age,
            failed: source.failed,
            ..KeyState::default()
        };
        let detail = if state.is_due(settings::key_refresh_interval()) {
            refresh(&source)?.detail
        } else {
            let age = source.age.unwrap_or_default().as_secs();
            format!("not due: fetched {age} s ago")
        };
        details.push(format!("{}: {detail}", source.issuer));
    }
    if details.is_empty() {
        details.push("no instance is configured".to_owned());
    }
    Ok(details)
}

/// Runs a step batch by batch, each in a subtransaction, and says how much it did.
fn repeat(batches: i32, run_batch: impl Fn() -> Result<Batch, String>) -> String {
    let mut total = 0;
    for _ in 0..batches {
        pgrx::check_for_interrupts!();
        match in_subtransaction(|_| true, &run_batch) {
            Ok(Batch::Done(rows)) => {
                total += rows;
                if rows < BATCH {
                    return total.to_string();
                }
            }
            Ok(Batch::Absent) => return "nothing to do in this version".to_owned(),
            Ok(Batch::Busy) => return BUSY.to_owned(),
            Err(error) => return format!("{total}, then failed: {error}"),
        }
    }
    format!("{total}; more is due, call it again")
}
