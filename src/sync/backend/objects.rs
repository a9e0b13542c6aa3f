//! Objects of the API on their way into the tables: the same way that webhooks take.

use std::collections::HashMap;

use clerk_core::backend_api::lookup::is_plain;
use clerk_core::backend_api::page::Item;
use clerk_core::resource::{Deletion, Kind, Record};
use clerk_core::time::UnixMillis;
use clerk_core::webhook::event::{Change, Delete, Upsert};

use super::error::SyncError;
use super::surroundings::within;
use crate::clock;
use crate::storage::stored::{self, Owners, Stored};
use crate::storage::sync_runs::{Counts, Finding};
use crate::sync::batch::{self, Verdict};

/// Objects that were read together.
pub(super) struct Objects {
    kind: Kind,
    as_of: UnixMillis,
    changes: Vec<Change>,
    /// Those that cannot be read: id and reason.
    unreadable: Vec<(String, String)>,
}

/// What is done with objects that differ.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Written.
    Write,
    /// Noted.
    Report,
    /// Both, where Clerk's is newer.
    Repair,
}

/// What became of them.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) counts: Counts,
    pub(super) findings: Vec<Finding>,
    /// How many were not written because something newer is here, a tombstone included.
    pub(super) outdated: i64,
}

impl Objects {
    /// Reads the objects of a page as they were at a time. No work for the database.
    pub(super) fn read(
        kind: Kind,
        instance_id: &str,
        as_of: UnixMillis,
        items: &[Item<'_>],
        owners: &Owners,
    ) -> Self {
        let mut objects = Self {
            kind,
            as_of,
            changes: Vec::with_capacity(items.len()),
            unreadable: Vec::new(),
        };
        let latest = as_of.millis().max(clock::now_millis()) + FUTURE;
        let user_id = owners.user_id.as_deref();
        let organization_id = owners.organization_id.as_deref();
        for item in items {
            let record = Record::parse_owned(kind, item.text, user_id, organization_id);
            let reason = match &record {
                Ok(record) if !is_plain(record.id()) => {
                    Some("its id has other characters than Clerk's".to_owned())
                }
                // It would outrank all that comes later.
                Ok(record) if record.updated_at().millis() > latest => {
                    Some("its field updated_at is in the future".to_owned())
                }
                Ok(_) => None,
                Err(error) => Some(format!("its field {error}")),
            };
            match (record, reason) {
                (Ok(record), None) => objects.changes.push(Change::Upsert(Box::new(Upsert {
                    instance_id: instance_id.to_owned(),
                    // Never before its own last change: a clock that is behind makes nothing older than it is.
                    event_at: as_of.max(record.updated_at()),
                    record,
                }))),
                (_, reason) => objects.unreadable.push((
                    item.id.clone().unwrap_or_default(),
                    reason.unwrap_or_default(),
                )),
            }
        }
        objects
    }

    /// Ids of all of them.
    pub(super) fn ids(&self) -> Vec<&str> {
        let unreadable = self.unreadable.iter().map(|(id, _)| id.as_str());
        let ids = self.upserts().map(|upsert| upsert.record.id());
        ids.chain(unreadable).filter(|id| !id.is_empty()).collect()
    }

    /// Compares them with what is stored, and writes, or notes, what differs. Inside a transaction.
    ///
    /// # Errors
    /// Others hold what is to be written: nothing was done.
    pub(super) fn treat(&self, treatment: Treatment) -> Result<Outcome, SyncError> {
        let stored = self.stored()?;
        let mut outcome = Outcome::default();
        let mut to_write = Vec::new();
        for change in &self.changes {
            let Change::Upsert(upsert) = change else {
                continue;
            };
            let id = upsert.record.id();
            let known = stored.get(id);
            let finding = self.find(upsert, known);
            if treatment != Treatment::Write {
                outcome.counts.missing += i64::from(finding == Some("missing"));
                outcome.counts.stale += i64::from(finding == Some("stale"));
            }
            let is_due = match treatment {
                Treatment::Write => known.is_none_or(|known| !known.is_same),
                Treatment::Report => false,
                Treatment::Repair => finding.is_some_and(|finding| finding != "buried"),
            };
            if is_due {
                to_write.push(change);
            } else {
                outcome.counts.unchanged += i64::from(finding.is_none());
            }
            if let Some(finding) = finding.filter(|_| treatment != Treatment::Write) {
                outcome.findings.push(Finding {
                    object_id: id.to_owned(),
                    finding,
                    here: known.and_then(|known| known.updated_at),
                    there: Some(upsert.record.updated_at()),
                    is_repaired: false,
                    reason: None,
                });
            }
        }
        self.write(&to_write, &mut outcome)?;
        for (id, reason) in &self.unreadable {
            outcome.counts.refused += 1;
            outcome.findings.push(refused(id, None, reason.clone()));
        }
        Ok(outcome)
    }

    fn write(&self, changes: &[&Change], outcome: &mut Outcome) -> Result<(), SyncError> {
        if changes.is_empty() {
            return Ok(());
        }
        let verdicts = batch::apply(changes);
        if verdicts.contains(&Verdict::PutOff) {
            return Err(SyncError::PutOff);
        }
        for (change, verdict) in changes.iter().zip(verdicts) {
            let Change::Upsert(upsert) = change else {
                continue;
            };
            let id = upsert.record.id();
            match verdict {
                Verdict::Applied => {
                    outcome.counts.written += 1;
                    let noted = outcome.findings.iter_mut().find(|f| f.object_id == id);
                    if let Some(finding) = noted {
                        finding.is_repaired = true;
                    }
                }
                Verdict::Failed(reason) => {
                    outcome.counts.refused += 1;
                    outcome.findings.retain(|finding| finding.object_id != id);
                    let there = Some(upsert.record.updated_at());
                    outcome.findings.push(refused(id, there, reason));
                }
                // Something newer came meanwhile.
                _ => {
                    outcome.counts.unchanged += 1;
                    outcome.outdated += 1;
                }
            }
        }
        Ok(())
    }

    /// How an object differs from what is stored.
    fn find(&self, upsert: &Upsert, known: Option<&Stored>) -> Option<&'static str> {
        let Some(known) = known else {
            return Some("missing");
        };
        if let Some(deleted_at) = known.deleted_at {
            // It may have been deleted while the page was under way.
            return (deleted_at + GRACE < self.as_of.millis()).then_some("buried");
        }
        let theirs = upsert.record.updated_at().millis();
        known
            .updated_at
            .is_none_or(|ours| ours < theirs)
            .then_some("stale")
    }

    fn stored(&self) -> Result<HashMap<String, Stored>, SyncError> {
        if self.changes.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = self.upserts().map(|upsert| upsert.record.id()).collect();
        let known = stored::known(self.kind, ids)?;
        if known.is_empty() {
            return Ok(HashMap::new());
        }
        // Only what is here is sent for comparison. What comes meanwhile is met when it is written.
        let here = self.upserts().map(|upsert| &upsert.record);
        let (ids, data) = here
            .filter(|record| known.contains(record.id()))
            .map(|record| (record.id(), record.data().text()))
            .unzip();
        Ok(stored::compare(self.kind, ids, data)?)
    }

    fn upserts(&self) -> impl Iterator<Item = &Upsert> {
        self.changes.iter().filter_map(|change| match change {
            Change::Upsert(upsert) => Some(&**upsert),
            _ => None,
        })
    }
}

/// How much older than a page a tombstone must be, in ms, to contradict it.
const GRACE: i64 = 60_000;

/// How far ahead of now an object may have been changed, in ms: clocks differ.
const FUTURE: i64 = 5 * 60_000;

/// Buries an object of which Clerk said at a time that it is gone. Inside a transaction.
pub(super) fn bury(
    kind: Kind,
    id: &str,
    instance_id: &str,
    owners: &Owners,
    at: UnixMillis,
) -> Result<(), SyncError> {
    let change = Change::Delete(Delete {
        instance_id: instance_id.to_owned(),
        event_at: at,
        deletion: Deletion {
            kind,
            id: id.to_owned(),
            organization_id: owners.organization_id.clone(),
            user_id: owners.user_id.clone(),
        },
    });
    match within(|| Ok(batch::apply(&[&change]).remove(0)))? {
        Verdict::PutOff => Err(SyncError::PutOff),
        Verdict::Failed(reason) => Err(SyncError::NotWritten(reason)),
        _ => Ok(()),
    }
}

fn refused(id: &str, there: Option<UnixMillis>, reason: String) -> Finding {
    Finding {
        object_id: id.to_owned(),
        finding: "refused",
        here: None,
        there,
        is_repaired: false,
        reason: Some(reason),
    }
}
