//! Events that failed: their objects are asked of Clerk before they are given up.

use clerk_core::resource::Kind;
use clerk_core::webhook::event::{Change, Event};

use super::error::SyncError;
use super::refetch::refetch_with;
use super::session::Session;
use super::source::{self, Source};
use super::surroundings::Surroundings;
use crate::storage::stored::{self, Owners};
use crate::storage::webhook_events;

/// Asks for the objects of up to so many events that failed twice, and gives the number of those that are dealt with; None where
/// there are none, or no key is in force.
///
/// # Errors
/// Clerk cannot be asked: the events are tried again as they would be without it.
pub(crate) fn heal(most: i32, at: &mut impl Surroundings) -> Result<Option<i32>, SyncError> {
    let waiting = at.transact(|| Ok(webhook_events::instances_to_heal()?))?;
    if waiting.is_empty() {
        return Ok(None);
    }
    let sources = match at.transact(|| source::list(None)) {
        Err(SyncError::NoKey) => return Ok(None),
        sources => sources?,
    };
    let mut healed = 0;
    let mut first_error = None;
    for source in &sources {
        if source
            .expected
            .as_ref()
            .is_some_and(|id| !waiting.contains(id))
        {
            continue;
        }
        match heal_at(source, &waiting, most, at) {
            Ok(count) => healed += count,
            Err(error @ (SyncError::Abandoned | SyncError::Dropped)) => return Err(error),
            // The other instances have their turn.
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(Some(healed)), Err)
}

fn heal_at(
    source: &Source,
    waiting: &[String],
    most: i32,
    at: &mut impl Surroundings,
) -> Result<i32, SyncError> {
    let mut session = Session::open(source, at)?;
    let instance_id = session.instance_id.clone();
    if !waiting.contains(&instance_id) {
        return Ok(0);
    }
    let mut healed = 0;
    for event in at.transact(|| Ok(webhook_events::list_to_heal(&instance_id, most)?))? {
        let Some(kind) = Kind::from_name(&event.kind) else {
            continue;
        };
        let stored = at.transact(|| Ok(stored::owners_of(kind, &event.object_id)?))?;
        let is_here = stored.is_some();
        // Of what is not here the event tells what it belongs to, and whether it was deleted.
        let (told, is_deletion) = read_body(event.body.as_deref());
        let owners = stored.unwrap_or(told);
        let buries = is_here || is_deletion;
        let outcome = refetch_with(&mut session, kind, &event.object_id, &owners, buries, at);
        let status = match outcome {
            Ok("gone" | "outdated") => Some("stale"),
            Ok(_) => Some("applied"),
            // Others are in the way: later.
            Err(SyncError::PutOff) => continue,
            // Of this object, or of how it is asked for: the others are tried all the same.
            Err(
                SyncError::NotWritten(_)
                | SyncError::NoOrganizations
                | SyncError::Lookup(_)
                | SyncError::BadAnswer { .. }
                | SyncError::Refused { .. },
            ) => None,
            Err(error) => return Err(error),
        };
        let count = at.transact(|| {
            let (table, id) = (kind.table(), &event.object_id);
            Ok(webhook_events::note_refetch(
                table,
                id,
                &instance_id,
                status,
            )?)
        })?;
        if status.is_some() {
            healed += count;
        }
    }
    Ok(healed)
}

fn read_body(body: Option<&str>) -> (Owners, bool) {
    let event = body.and_then(|body| Event::parse(body).ok());
    let owners = |user_id: Option<&str>, organization_id: Option<&str>| Owners {
        instance_id: None,
        user_id: user_id.map(str::to_owned),
        organization_id: organization_id.map(str::to_owned),
    };
    match event.and_then(|event| event.change().ok()) {
        Some(Change::Upsert(upsert)) => {
            let (user_id, organization_id) = upsert.record.owner_ids();
            (owners(user_id, organization_id), false)
        }
        Some(Change::Delete(delete)) => {
            let gone = &delete.deletion;
            let told = owners(gone.user_id.as_deref(), gone.organization_id.as_deref());
            (told, true)
        }
        Some(Change::Ignored(_)) | None => (Owners::default(), false),
    }
}
