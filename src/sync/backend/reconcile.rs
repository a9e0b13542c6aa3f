//! The end of a comparison: what is here and was not seen at Clerk's. Each is asked for by its id before it is called gone.

use clerk_core::resource::Kind;

use super::error::SyncError;
use super::objects::bury;
use super::refetch::{Fetched, fetch};
use super::run::{Purpose, Run};
use super::surroundings::Surroundings;
use crate::storage::stored;
use crate::storage::sync_runs;

/// Looks for rows that the run has not seen. Nothing to do for a run that does not compare.
///
/// # Errors
/// There are more of them than may be deleted: [`SyncError::HeldBack`], and none was.
pub(super) fn finish(run: &mut Run<'_>, at: &mut impl Surroundings) -> Result<(), SyncError> {
    let Purpose::Reconcile {
        repair,
        max_deletions,
    } = run.purpose
    else {
        return Ok(());
    };
    // Clerk lists no subscriptions: who has none any more has a row that says so.
    if run.kind == Kind::Subscription {
        return Ok(());
    }
    let (live, extra) = at.transact(|| Ok(sync_runs::find_extra(run.id)?))?;
    if repair && max_deletions.is_some_and(|share| is_too_much(live, extra, share)) {
        let kind = run.kind.table();
        return Err(SyncError::HeldBack { kind, extra, live });
    }
    // To ask for so many is of no use where none of them may be deleted.
    if !repair && is_too_much(live, extra, 0.5) {
        return Ok(());
    }
    let mut behind = String::new();
    loop {
        let next = at.transact(|| {
            let Some(id) = sync_runs::next_unchecked(run.id, &behind)? else {
                return Ok(None);
            };
            let owners = stored::owners_of(run.kind, &id)?.unwrap_or_default();
            Ok(Some((id, owners)))
        })?;
        let Some((id, owners)) = next else {
            return Ok(());
        };
        let instance_id = run.session.instance_id.clone();
        match fetch(run.session, run.kind, &id, &owners, at) {
            Ok(Fetched::Gone(as_of)) => {
                let buried = at.transact(|| {
                    if repair {
                        bury(run.kind, &id, &instance_id, &owners, as_of)?;
                    }
                    Ok(sync_runs::note_check(run.id, &id, repair)?)
                });
                match buried {
                    // The application stands against it: it stays a finding that is not mended.
                    Err(SyncError::NotWritten(_) | SyncError::PutOff) => {
                        at.transact(|| Ok(sync_runs::note_check(run.id, &id, false)?))?;
                    }
                    buried => buried?,
                }
            }
            // It was created, or came back into the list, meanwhile: the next run sees it.
            Ok(Fetched::Object { .. }) => {
                at.transact(|| Ok(sync_runs::take_back(run.id, &id)?))?;
            }
            // What cannot be asked for stays as it is.
            Err(
                SyncError::Lookup(_)
                | SyncError::NoOrganizations
                | SyncError::Refused { .. }
                | SyncError::BadAnswer { .. },
            ) => {}
            Err(error) => return Err(error),
        }
        behind = id;
        if !at.may_go_on() {
            return Err(SyncError::Abandoned);
        }
    }
}

/// Whether more is to go than the share, of which a fraction counts as one; a table is never emptied.
fn is_too_much(live: i64, extra: i64, share: f64) -> bool {
    extra > 0 && (extra >= live || extra as f64 > (live as f64 * share).ceil())
}
