//! A run: one kind of objects, read page by page. The checkpoint is part of the transaction that a page is.

use std::time::{Duration, Instant};

use clerk_core::backend_api::answer::Refusal;
use clerk_core::backend_api::listing::{LISTED, Listing};
use clerk_core::backend_api::page::{Item, Page, parse_count};
use clerk_core::backend_api::scan::{Cursor, Scan, Stuck};
use clerk_core::resource::Kind;
use clerk_core::time::UnixMillis;

use super::error::SyncError;
use super::objects::{Objects, Outcome, Treatment};
use super::session::{Reply, Session};
use super::source::Source;
use super::surroundings::Surroundings;
use super::{reconcile, source, subscriptions};
use crate::clock;
use crate::storage::locks::{self, RunClaim};
use crate::storage::stored::Owners;
use crate::storage::sync_runs::{self, Begun};

/// How often the progress is told.
const NEWS: Duration = Duration::from_secs(2);
/// How many objects beyond twice their number are read before a list counts as endless.
const MOST_BEYOND: u64 = 100_000;
/// How often a page is tried that others are in the way of.
const MOST_TRIES: u32 = 5;

/// What a call asks for.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) purpose: Purpose,
    pub(crate) resume: bool,
    pub(crate) instance: Option<String>,
}

/// What is done with what is read.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Purpose {
    /// Everything is written that is not here yet as it is.
    Backfill,
    /// What differs is noted, and mended where `repair` says so. Of a table no greater share is deleted than this, unless
    /// it is None.
    Reconcile {
        repair: bool,
        max_deletions: Option<f64>,
    },
}

/// One run.
pub(super) struct Run<'a> {
    pub(super) id: i64,
    pub(super) kind: Kind,
    pub(super) purpose: Purpose,
    pub(super) session: &'a mut Session,
    begun: Instant,
    told: Instant,
    done_before: u64,
}

impl Purpose {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Reconcile { repair: false, .. } => "report",
            Self::Reconcile { repair: true, .. } => "repair",
        }
    }

    fn treatment(self) -> Treatment {
        match self {
            Self::Backfill => Treatment::Write,
            Self::Reconcile { repair: false, .. } => Treatment::Report,
            Self::Reconcile { repair: true, .. } => Treatment::Repair,
        }
    }
}

/// The kinds of these names; all that are listed where there are none.
pub(crate) fn kinds_of(names: Option<Vec<Option<String>>>) -> Result<Vec<Kind>, SyncError> {
    let Some(names) = names else {
        return Ok(LISTED.to_vec());
    };
    let mut kinds = Vec::new();
    for name in names {
        let name = name.ok_or(SyncError::MissingArgument("a kind"))?;
        let kind = Kind::from_name(&name).ok_or(SyncError::UnknownKind(name))?;
        if kind == Kind::Session {
            return Err(SyncError::NotListed(kind.table()));
        }
        kinds.push(kind);
    }
    kinds.sort();
    kinds.dedup();
    Ok(kinds)
}

/// Does what is asked for, instance by instance and kind by kind.
///
/// # Errors
/// The first that is none of a single object's; where it is of one kind or of one instance, after the others had their
/// turn. What was committed stays, and so do the checkpoints.
pub(crate) fn carry_out(order: &Order, at: &mut impl Surroundings) -> Result<(), SyncError> {
    let sources = at.transact(|| source::list(order.instance.as_deref()))?;
    let purpose = order.purpose.name();
    let cut_off = if order.resume {
        at.transact(|| Ok(sync_runs::cut_off_call(purpose, &order.kinds)?))?
    } else {
        None
    };
    let called_at = cut_off.unwrap_or_else(clock::now_millis);
    let mut first_error = None;
    for source in &sources {
        match carry_out_at(source, order, called_at, at) {
            Ok(()) => {}
            Err(error @ (SyncError::Abandoned | SyncError::Dropped)) => return Err(error),
            // The other instances have their turn.
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        None => Ok(()),
        Some(error) => {
            if error.is_of_kind() {
                at.transact(|| Ok(sync_runs::close_call(purpose, called_at)?))?;
            }
            Err(error)
        }
    }
}

fn carry_out_at(
    source: &Source,
    order: &Order,
    called_at: i64,
    at: &mut impl Surroundings,
) -> Result<(), SyncError> {
    let mut session = Session::open(source, at)?;
    let mut first_error = None;
    let done = at.transact(|| {
        let (instance, source) = (&session.instance_id, &session.fingerprint);
        let purpose = order.purpose.name();
        Ok(sync_runs::done_kinds(purpose, instance, source, called_at)?)
    })?;
    for &kind in &order.kinds {
        let table = kind.table();
        if done.iter().any(|done| done == table) {
            continue;
        }
        let claim = at.transact(|| {
            let extension = locks::hold_extension();
            Ok(extension.and_then(|extension| RunClaim::take(kind, extension)))
        })?;
        let outcome = match claim {
            Some(_claim) => run(kind, order, called_at, &mut session, at),
            None => Err(SyncError::Busy(table)),
        };
        match outcome {
            Ok(()) => {}
            // The other kinds have their turn.
            Err(error) if error.is_of_kind() => first_error = first_error.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    first_error.map_or(Ok(()), Err)
}

fn run(
    kind: Kind,
    order: &Order,
    called_at: i64,
    session: &mut Session,
    at: &mut impl Surroundings,
) -> Result<(), SyncError> {
    let purpose = order.purpose.name();
    let begun = at.transact(|| {
        let (instance, source) = (&session.instance_id, &session.fingerprint);
        let resume = order.resume;
        Ok(sync_runs::begin(
            purpose, kind, instance, source, called_at, resume,
        )?)
    })?;
    if begun.cursor.is_some() {
        at.tell(&format!(
            "{}: goes on after {} objects",
            kind.table(),
            begun.done
        ));
    }
    let now = Instant::now();
    let mut run = Run {
        id: begun.id,
        kind,
        purpose: order.purpose,
        session,
        begun: now,
        told: now,
        done_before: begun.done,
    };
    let outcome = match Listing::of(kind) {
        Some(listing) => run.read_list(listing, begun, at),
        None => subscriptions::read(&mut run, begun, at),
    };
    let outcome = match outcome {
        Ok(true) => reconcile::finish(&mut run, at).map(|()| "done"),
        Ok(false) => Ok("skipped"),
        Err(error) => Err(error),
    };
    run.end(outcome, at)
}

impl Run<'_> {
    /// Reads a list to its end. False where Clerk has none for the instance.
    fn read_list(
        &mut self,
        listing: Listing,
        begun: Begun,
        at: &mut impl Surroundings,
    ) -> Result<bool, SyncError> {
        let cursor = begun
            .cursor
            .and_then(|cursor| serde_json::from_str(&cursor).ok());
        // Of one that is taken up again the number at its beginning: what was deleted since is counted among those read.
        let mut total = begun.total;
        if let Some(path) = listing.count_path.filter(|_| total.is_none()) {
            total = self.count(path, at)?;
        }
        let ends_by_count = self.purpose == Purpose::Backfill;
        let cursor: Cursor = cursor.unwrap_or_default();
        let mut scan = Scan::new(listing, cursor, begun.done, total, ends_by_count);
        loop {
            let target = scan.next_request();
            let (body, as_of) = match self.session.ask(&target, at) {
                Ok(Reply::Good { body, as_of }) => (body, as_of),
                Ok(Reply::Gone) if scan.lose_cursor() => continue,
                Err(SyncError::Refused { refusal, .. })
                    if [400, 422].contains(&refusal.status) && scan.lose_cursor() =>
                {
                    continue;
                }
                // Where organizations are turned off, their lists do not exist.
                Ok(Reply::Gone) if scan.done() == 0 && self.kind != Kind::User => return Ok(false),
                Ok(Reply::Gone) => {
                    return Err(SyncError::bad_answer(
                        &target,
                        "the list does not exist any more",
                    ));
                }
                Err(SyncError::Refused { ref refusal, .. })
                    if is_switched_off(refusal) && scan.done() == 0 && self.kind != Kind::User =>
                {
                    return Ok(false);
                }
                Ok(Reply::TooLong) if scan.shrink() => continue,
                Ok(Reply::TooLong) => {
                    return Err(SyncError::bad_answer(
                        &target,
                        "a single object is longer than what is read",
                    ));
                }
                Err(error) => return Err(error),
            };
            let page = Page::parse(&body).map_err(|error| SyncError::bad_answer(&target, error))?;
            let taken = scan
                .take(&page)
                .map_err(|stuck| SyncError::bad_answer(&target, stuck))?;
            let bound = scan
                .total()
                .map(|total| total.saturating_mul(2) + MOST_BEYOND);
            if bound.is_some_and(|bound| scan.done() > bound) {
                return Err(SyncError::bad_answer(&target, Stuck));
            }
            let items = &page.items[taken.fresh];
            let cursor = serde_json::to_string(scan.cursor()).unwrap_or_default();
            let progress = (scan.done(), scan.total());
            self.store(items, as_of, &Owners::default(), &cursor, progress, at)?;
            if taken.is_last {
                return Ok(true);
            }
        }
    }

    /// Treats what a page brought, and sets the checkpoint, in one transaction.
    pub(super) fn store(
        &mut self,
        items: &[Item<'_>],
        as_of: UnixMillis,
        owners: &Owners,
        cursor: &str,
        (done, total): (u64, Option<u64>),
        at: &mut impl Surroundings,
    ) -> Result<(), SyncError> {
        let instance_id = &self.session.instance_id;
        let objects = Objects::read(self.kind, instance_id, as_of, items, owners);
        let cost = self.session.take_cost();
        let mut tries = 0;
        loop {
            tries += 1;
            let stored = at.transact(|| {
                if self.purpose != Purpose::Backfill {
                    sync_runs::note_seen(self.id, objects.ids())?;
                }
                let Outcome {
                    counts, findings, ..
                } = objects.treat(self.purpose.treatment())?;
                sync_runs::note_findings(self.id, self.kind, &findings)?;
                sync_runs::advance(self.id, cursor, done, total, counts, cost)?;
                Ok(())
            });
            match stored {
                Err(SyncError::PutOff) if tries < MOST_TRIES => at.pause(Duration::from_secs(1))?,
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        if !at.may_go_on() {
            return Err(SyncError::Abandoned);
        }
        if self.told.elapsed() >= NEWS {
            self.told = Instant::now();
            at.tell(&self.progress(done, total));
        }
        Ok(())
    }

    fn count(&mut self, path: &str, at: &mut impl Surroundings) -> Result<Option<u64>, SyncError> {
        match self.session.ask(path, at)? {
            Reply::Good { body, .. } => parse_count(&body)
                .map(Some)
                .map_err(|error| SyncError::bad_answer(path, error)),
            Reply::Gone | Reply::TooLong => Ok(None),
        }
    }

    fn progress(&self, done: u64, total: Option<u64>) -> String {
        let table = self.kind.table();
        let Some(total) = total else {
            return format!("{table}: {done} so far");
        };
        let fresh = (done - self.done_before) as f64;
        let rate = fresh / self.begun.elapsed().as_secs_f64().max(0.001);
        let left = total.saturating_sub(done) as f64 / rate.max(0.001);
        format!("{table}: {done} of {total}, {rate:.0} a second, {left:.0} s left")
    }

    /// Notes how it ended.
    fn end(
        &mut self,
        outcome: Result<&'static str, SyncError>,
        at: &mut impl Surroundings,
    ) -> Result<(), SyncError> {
        // Whoever was sent away takes it up again.
        if matches!(outcome, Err(SyncError::Abandoned)) {
            return outcome.map(drop);
        }
        let (status, reason) = match &outcome {
            Ok(status) => (*status, None),
            Err(error @ SyncError::HeldBack { .. }) => ("held back", Some(error.describe())),
            Err(error) => ("failed", Some(error.describe())),
        };
        let cost = self.session.take_cost();
        at.transact(|| Ok(sync_runs::end(self.id, status, reason.as_deref(), cost)?))?;
        if status == "skipped" {
            let table = self.kind.table();
            at.tell(&format!(
                "{table}: skipped, Clerk has no such list for this instance"
            ));
        }
        outcome.map(drop)
    }
}

/// Whether an answer says that the instance does not have this at all: by its plan, or its settings.
pub(super) fn is_switched_off(refusal: &Refusal) -> bool {
    [402, 403].contains(&refusal.status)
}
