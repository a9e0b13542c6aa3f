//! A batch of events, applied: by one statement a kind where all is well, one by one where it is not.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use clerk_core::resource::Kind;
use clerk_core::retry::{self, AfterFailure};
use clerk_core::webhook::event::{Change, Event, Upsert, WhyIgnored};
use pgrx::prelude::*;
use serde::Serialize;

use crate::storage::locks;
use crate::storage::mirror;
use crate::storage::search_path;
use crate::storage::subtransaction;
use crate::storage::webhook_events::State;

/// After how many events that found a lock held, or the server without means, a batch is given up.
const MOST_HINDERED: u32 = 3;

/// Seconds until what others were in the way of is due again.
const SOON: f64 = 5.0;

/// Whether the text of an event is of no use once it is ignored: what this version knows and does not mirror. It may hold
/// one-time codes, or a whole user. That of a type that a later version may know stays.
pub(crate) fn is_done_with(change: &Result<Change, Unreadable>, state: &State) -> bool {
    state.status == "ignored"
        && matches!(
            change,
            Ok(Change::Ignored(WhyIgnored::NotMirrored) | Change::Upsert(_))
        )
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Applied,
    /// Something newer is stored, or the object is gone.
    Stale,
    /// It changes nothing that is mirrored.
    Ignored,
    /// Why it could not be applied.
    Failed(String),
    /// Others are in the way: no attempt of its own.
    PutOff,
}

/// Applies changes in the order of their arrival, so that one that fails does so alone. Each instance's by themselves: the
/// newest of two that name the same object is the newest of its own instance.
pub(crate) fn apply(changes: &[&Change]) -> Vec<Verdict> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        places.entry(instance_of(change)).or_default().push(place);
    }
    let mut verdicts = vec![Verdict::Ignored; changes.len()];
    for places in places.values() {
        let own: Vec<&Change> = places.iter().map(|&place| changes[place]).collect();
        let own = search_path::with_little_patience(|| apply_of_one_instance(&own));
        for (&place, verdict) in places.iter().zip(own) {
            verdicts[place] = verdict;
        }
    }
    verdicts
}

fn instance_of(change: &Change) -> &str {
    match change {
        Change::Upsert(upsert) => &upsert.instance_id,
        Change::Delete(delete) => &delete.instance_id,
        Change::Ignored(_) => "",
    }
}

fn apply_of_one_instance(changes: &[&Change]) -> Vec<Verdict> {
    match subtransaction::attempt(|| apply_together(changes)) {
        Ok(verdicts) => verdicts,
        Err(reason) if changes.len() == 1 && reason.is_of_locks() => vec![Verdict::PutOff],
        Err(reason) if changes.len() == 1 => vec![Verdict::Failed(reason.describe())],
        Err(_) => apply_one_by_one(changes),
    }
}

/// After a batch failed. What each locks is kept until the commit, in the order of arrival: so one transaction at a time, and
/// no further once it is in somebody's way.
fn apply_one_by_one(changes: &[&Change]) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::PutOff; changes.len()];
    if !locks::claim_drain() {
        return verdicts;
    }
    let mut hindered = 0;
    for (verdict, &change) in verdicts.iter_mut().zip(changes) {
        match subtransaction::attempt(|| apply_together(&[change])) {
            Ok(mut applied) => *verdict = applied.remove(0),
            Err(reason) => {
                if !reason.is_of_locks() {
                    *verdict = Verdict::Failed(reason.describe());
                }
                hindered += u32::from(reason.is_of_locks() || reason.is_of_server());
                if hindered == MOST_HINDERED {
                    break;
                }
            }
        }
    }
    verdicts
}

/// Whether each statement sees what was committed before it. In a transaction with one snapshot for all nobody can
/// tell whether a membership's organization was deleted meanwhile.
pub(crate) fn sees_commits() -> bool {
    // SAFETY: reads a variable of this process.
    unsafe { pg_sys::XactIsoLevel < pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// All of one instance. Objects first and deletions last: they are final, in whichever order they came.
fn apply_together(changes: &[&Change]) -> Result<Vec<Verdict>, spi::Error> {
    let mut verdicts = vec![Verdict::Stale; changes.len()];
    let mirrors_sessions = mirrors_sessions(changes)?;
    let is_mirrored = |upsert: &Upsert| upsert.record.kind() != Kind::Session || mirrors_sessions;
    hold_owners(changes, is_mirrored);
    for kind in Kind::ALL {
        // The newest state of each object, in the order of ids: two writers take rows in the same order.
        let mut newest: BTreeMap<&str, (usize, &Upsert)> = BTreeMap::new();
        for (place, change) in changes.iter().enumerate() {
            match change {
                Change::Ignored(_) => verdicts[place] = Verdict::Ignored,
                Change::Upsert(upsert) if upsert.record.kind() == kind => {
                    if !is_mirrored(upsert) {
                        verdicts[place] = Verdict::Ignored;
                        continue;
                    }
                    let (known_place, known) =
                        newest.entry(upsert.record.id()).or_insert((place, upsert));
                    if upsert.replaces(known) {
                        (*known_place, *known) = (place, upsert);
                    }
                }
                _ => {}
            }
        }
        if newest.is_empty() {
            continue;
        }
        let objects: Vec<&Upsert> = newest.values().map(|(_, upsert)| *upsert).collect();
        let columns = objects.iter().map(json).collect();
        let data = objects
            .iter()
            .map(|upsert| upsert.record.data().text())
            .collect();
        for id in mirror::write(kind, columns, data)? {
            if let Some((place, _)) = newest.get(id.as_str()) {
                verdicts[*place] = Verdict::Applied;
            }
        }
    }
    for kind in Kind::ALL {
        let mut gone = Vec::new();
        for (place, change) in changes.iter().enumerate() {
            match change {
                Change::Delete(delete) if delete.deletion.kind == kind => {
                    gone.push(delete);
                    verdicts[place] = Verdict::Applied;
                }
                _ => {}
            }
        }
        if !gone.is_empty() {
            mirror::bury(kind, &json(&gone))?;
        }
    }
    mirror::check_deferred()?;
    Ok(verdicts)
}

fn json(object: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

/// Whether the changes, all of one instance, hold sessions that it has stored.
fn mirrors_sessions(changes: &[&Change]) -> Result<bool, spi::Error> {
    let session = changes.iter().find_map(|change| match change {
        Change::Upsert(upsert) if upsert.record.kind() == Kind::Session => Some(upsert),
        _ => None,
    });
    session.map_or(Ok(false), |session| {
        mirror::mirrors_sessions(&session.instance_id)
    })
}

/// So that what belongs to a user or an organization and the deletion of that take turns.
fn hold_owners(changes: &[&Change], is_mirrored: impl Fn(&Upsert) -> bool) {
    let named = changes.iter().flat_map(|change| {
        let (owners, deleted) = match change {
            Change::Upsert(upsert) if is_mirrored(upsert) => (Some(upsert.record.owners()), None),
            Change::Delete(delete)
                if matches!(delete.deletion.kind, Kind::User | Kind::Organization) =>
            {
                (None, Some(delete.deletion.id.as_str()))
            }
            _ => (None, None),
        };
        let owners = owners.into_iter().flatten().map(|id| (id, false));
        owners.chain(deleted.map(|id| (id, true)))
    });
    locks::hold_owners(named);
}

/// Why nobody can tell what an event changes.
pub(crate) struct Unreadable {
    pub(crate) reason: String,
    /// What it is about, if that can be told.
    pub(crate) subject: Option<(Kind, String)>,
}

/// What an event changes, or why nobody can tell.
pub(crate) fn read_change(event: &Event<'_>) -> Result<Change, Unreadable> {
    event.change().map_err(|error| Unreadable {
        reason: format!("the event's data: field {error}"),
        subject: event.subject(),
    })
}

/// Where an event stands before it is applied: `attempts` failed so far.
pub(crate) fn state_before(change: &Result<Change, Unreadable>, attempts: i32) -> State {
    let (kind, object_id, verdict) = match change {
        Ok(Change::Ignored(_)) => (None, None, Verdict::Ignored),
        Ok(Change::Upsert(upsert)) => (
            Some(upsert.record.kind().table()),
            Some(upsert.record.id().to_owned()),
            Verdict::Applied,
        ),
        Ok(Change::Delete(delete)) => (
            Some(delete.deletion.kind.table()),
            Some(delete.deletion.id.clone()),
            Verdict::Applied,
        ),
        Err(unreadable) => {
            let (kind, id) = unreadable.subject.clone().unzip();
            (
                kind.map(Kind::table),
                id,
                Verdict::Failed(unreadable.reason.clone()),
            )
        }
    };
    let state = State {
        status: "received",
        kind,
        object_id,
        attempts,
        delay: None,
        error: None,
    };
    state_after(state, &verdict)
}

/// Where it stands after that.
pub(crate) fn state_after(before: State, verdict: &Verdict) -> State {
    let status = match verdict {
        Verdict::Applied => "applied",
        Verdict::Stale => "stale",
        Verdict::Ignored => "ignored",
        Verdict::Failed(error) => return failed(before, error),
        Verdict::PutOff => {
            return State {
                status: if before.attempts == 0 {
                    "received"
                } else {
                    "failed"
                },
                delay: Some(SOON),
                ..before
            };
        }
    };
    State {
        status,
        delay: None,
        error: None,
        ..before
    }
}

fn failed(before: State, error: &str) -> State {
    let attempts = before.attempts.saturating_add(1);
    // Keyed anew each time: what failed together returns apart.
    let unit = RandomState::new().hash_one(attempts) as f64 / u64::MAX as f64;
    let (status, delay) =
        match retry::after_failure(u32::try_from(attempts).unwrap_or(1), unit, None) {
            AfterFailure::Retry(wait) => ("failed", Some(wait.as_secs_f64())),
            AfterFailure::Dead => ("dead", None),
        };
    State {
        status,
        attempts,
        delay,
        error: Some(error.to_owned()),
        ..before
    }
}
