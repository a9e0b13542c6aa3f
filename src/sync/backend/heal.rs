//! Events that failed: their objects are asked of Clerk before they are given up.

use clerk_core::resource::Kind;

use super::error::SyncError;
use super::refetch::refetch_with;
use super::session::Session;
use super::source;
use super::surroundings::Surroundings;
use crate::storage::stored;
use crate::storage::webhook_events;

/// Asks for the objects of up to so many events that failed twice, and gives the number of those that are dealt with.
/// Nothing to do where no key is in force.
///
/// # Errors
/// Clerk cannot be asked: the events are tried again as they would be without it.
pub(crate) fn heal(most: i32, at: &mut impl Surroundings) -> Result<i32, SyncError> {
    if !at.transact(|| Ok(webhook_events::is_any_to_heal()?))? {
        return Ok(0);
    }
    let sources = match at.transact(|| source::list(None)) {
        Err(SyncError::NoKey) => return Ok(0),
        sources => sources?,
    };
    let mut healed = 0;
    for source in &sources {
        let mut session = Session::open(source, at)?;
        let instance_id = session.instance_id.clone();
        let events = at.transact(|| Ok(webhook_events::list_to_heal(&instance_id, most)?))?;
        for event in events {
            let Some(kind) = Kind::from_name(&event.kind) else {
                continue;
            };
            let owners = at.transact(|| Ok(stored::owners_of(kind, &event.object_id)?))?;
            let is_here = owners.is_some();
            let owners = owners.unwrap_or_default();
            let outcome = refetch_with(&mut session, kind, &event.object_id, &owners, is_here, at);
            let status = match outcome {
                Ok("gone" | "outdated") => Some("stale"),
                Ok(_) => Some("applied"),
                // Of this object, or of how it is asked for: the others are tried all the same.
                Err(
                    SyncError::NotWritten(_)
                    | SyncError::NoOrganizations
                    | SyncError::Lookup(_)
                    | SyncError::PutOff
                    | SyncError::BadAnswer { .. }
                    | SyncError::Refused { .. },
                ) => None,
                Err(error) => return Err(error),
            };
            at.transact(|| Ok(webhook_events::note_refetch(&event.id, status)?))?;
            healed += i32::from(status.is_some());
        }
    }
    Ok(healed)
}
