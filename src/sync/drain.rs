//! Events that wait, applied in batches.

use clerk_core::webhook::event::{Change, Event};
use pgrx::memcxt::PgMemoryContexts;
use pgrx::prelude::*;

use super::batch::{self, Unreadable, Verdict};
use crate::storage::locks;
use crate::storage::webhook_events::{self, Settled, State};

/// How many events are applied by one round of statements.
const BATCH: i32 = 500;

/// Deals with up to so many events that are due, and gives their number. Two at a time share them out.
pub(crate) fn drain(most: i32) -> Result<i32, spi::Error> {
    let mut handled = 0;
    // Locking rows, or looking for them, assigns a transaction id: not where there are none.
    while handled < most && webhook_events::is_due()? {
        // A further batch, while what the first one locked is held: one transaction at a time.
        if handled > 0 && !locks::claim_drain() {
            break;
        }
        let wanted = BATCH.min(most - handled);
        // What it allocates goes with it. Fewer than wanted are taken where bodies are long.
        let mut context = PgMemoryContexts::new("clerk_sync batch");
        // SAFETY: nothing that is allocated there is used after it.
        let taken = unsafe { context.switch_to(|_| drain_batch(wanted)) }?;
        handled += taken;
        if taken == 0 {
            break;
        }
    }
    Ok(handled)
}

fn drain_batch(most: i32) -> Result<i32, spi::Error> {
    let due = webhook_events::take_due(most)?;
    if due.is_empty() {
        return Ok(0);
    }
    let changes: Vec<Result<Change, Unreadable>> = due
        .iter()
        .map(|event| read(event.body.as_deref()))
        .collect();
    let mut states: Vec<State> = changes
        .iter()
        .zip(&due)
        .map(|(change, event)| batch::state_before(change, event.attempts))
        .collect();
    let good: Vec<(usize, &Change)> = changes
        .iter()
        .enumerate()
        .filter_map(|(place, change)| change.as_ref().ok().map(|change| (place, change)))
        .collect();
    let verdicts = batch::apply(&good.iter().map(|(_, change)| *change).collect::<Vec<_>>());
    for ((place, _), verdict) in good.iter().zip(&verdicts) {
        // What is applied stands there already.
        if *verdict != Verdict::Applied {
            states[*place] = batch::state_after(
                State {
                    attempts: due[*place].attempts,
                    ..states[*place].clone()
                },
                verdict,
            );
        }
    }
    // What one deletes, another one of the batch may have written.
    let deletes = changes
        .iter()
        .any(|change| matches!(change, Ok(Change::Delete(_))));
    let settled: Vec<Settled<'_>> = due
        .iter()
        .zip(&states)
        .zip(&changes)
        .map(|((event, state), change)| Settled {
            id: &event.id,
            state,
            is_alive: !deletes
                && state.status == "applied"
                && matches!(change, Ok(Change::Upsert(_))),
            is_done_with: batch::is_done_with(change, state),
        })
        .collect();
    webhook_events::settle(&settled)?;
    Ok(i32::try_from(due.len()).unwrap_or(i32::MAX))
}

fn read(body: Option<&str>) -> Result<Change, Unreadable> {
    let no_event = |reason: String| Unreadable {
        reason,
        subject: None,
    };
    let body = body.ok_or_else(|| no_event("the body was erased".to_owned()))?;
    let event = Event::parse(body).map_err(|error| no_event(error.to_string()))?;
    batch::read_change(&event)
}
