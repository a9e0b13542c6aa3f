//! One object, asked for by its id.

use clerk_core::backend_api::MAX_LIMIT;
use clerk_core::backend_api::lookup::{Lookup, lookup};
use clerk_core::backend_api::page::{Item, Page};
use clerk_core::resource::Kind;
use clerk_core::time::UnixMillis;

use super::error::SyncError;
use super::objects::{Objects, Treatment, bury};
use super::session::{Reply, Session};
use super::source;
use super::surroundings::Surroundings;
use crate::clock;
use crate::storage::stored::{self, Owners};

/// What Clerk says of an object.
pub(super) enum Fetched {
    Object {
        text: String,
        as_of: UnixMillis,
    },
    /// It did not exist at this time.
    Gone(UnixMillis),
}

/// Makes the row of an object equal to Clerk's, and says what that took: `written`, `unchanged`, `outdated` or `gone`.
///
/// # Errors
/// Clerk cannot be asked, or the object not be written.
pub(crate) fn refetch(
    kind: Kind,
    id: &str,
    instance: Option<&str>,
    at: &mut impl Surroundings,
) -> Result<&'static str, SyncError> {
    let known = at.transact(|| Ok(stored::owners_of(kind, id)?))?;
    let is_here = known.is_some();
    let owners = known.unwrap_or_default();
    let of_row = owners.instance_id.as_deref().filter(|id| !id.is_empty());
    let sources = at.transact(|| source::list(instance.or(of_row)))?;
    let mut last = Ok("gone");
    // One instance, as a rule; otherwise the first that knows it.
    for (place, source) in sources.iter().enumerate() {
        let mut session = Session::open(source, at)?;
        // Of what is not here no tombstone is needed, and it may exist in a moment.
        let is_last = is_here && place + 1 == sources.len();
        last = refetch_with(&mut session, kind, id, &owners, is_last, at);
        if !matches!(last, Ok("gone")) {
            break;
        }
    }
    last
}

/// The same by a connection; `buries` says whether what is gone there is gone.
pub(super) fn refetch_with(
    session: &mut Session,
    kind: Kind,
    id: &str,
    owners: &Owners,
    buries: bool,
    at: &mut impl Surroundings,
) -> Result<&'static str, SyncError> {
    let instance_id = session.instance_id.clone();
    match fetch(session, kind, id, owners, at)? {
        Fetched::Gone(as_of) => {
            if buries {
                at.transact(|| bury(kind, id, &instance_id, owners, as_of))?;
            }
            Ok("gone")
        }
        Fetched::Object { text, as_of } => at.transact(|| {
            let item = Item::parse(text.as_bytes());
            let item = item.map_err(|error| SyncError::bad_answer("", error))?;
            let items = [item];
            let objects = Objects::read(kind, &instance_id, as_of, &items, owners);
            let outcome = objects.treat(Treatment::Write)?;
            if let Some(finding) = outcome.findings.into_iter().next() {
                return Err(SyncError::NotWritten(finding.reason.unwrap_or_default()));
            }
            Ok(match outcome.counts {
                counts if counts.written > 0 => "written",
                _ if outcome.outdated > 0 => "outdated",
                _ => "unchanged",
            })
        }),
    }
}

/// Asks for an object. What belongs to organizations is not gone where the instance has none any more.
pub(super) fn fetch(
    session: &mut Session,
    kind: Kind,
    id: &str,
    owners: &Owners,
    at: &mut impl Surroundings,
) -> Result<Fetched, SyncError> {
    let fetched = ask(session, kind, id, owners, at)?;
    let is_of_user = kind == Kind::Subscription && owners.organization_id.is_none();
    let is_of_organizations = kind != Kind::User && !is_of_user;
    let is_gone = matches!(fetched, Fetched::Gone(_));
    if is_gone && is_of_organizations && !session.has_organizations(at)? {
        return Err(SyncError::NoOrganizations);
    }
    Ok(fetched)
}

fn ask(
    session: &mut Session,
    kind: Kind,
    id: &str,
    owners: &Owners,
    at: &mut impl Surroundings,
) -> Result<Fetched, SyncError> {
    let user_id = owners.user_id.as_deref();
    let organization_id = owners.organization_id.as_deref();
    let asked_at = UnixMillis::from_millis(clock::now_millis()).unwrap_or(UnixMillis::MAX);
    match lookup(kind, id, user_id, organization_id)? {
        Lookup::Object(target) => match session.ask(&target, at)? {
            Reply::Good { body, as_of } => {
                let item = Item::parse(&body);
                let item = item.map_err(|error| SyncError::bad_answer(&target, error))?;
                // A payer's name stands for its subscription.
                let is_it = kind == Kind::Subscription || item.id.as_deref() == Some(id);
                if !is_it {
                    return Err(SyncError::bad_answer(&target, "it is of another object"));
                }
                let text = item.text.to_owned();
                Ok(Fetched::Object { text, as_of })
            }
            Reply::Gone => Ok(Fetched::Gone(asked_at)),
            Reply::TooLong => Err(too_long(&target)),
        },
        Lookup::InList(path) => fetch_in_list(session, &path, id, asked_at, at),
    }
}

fn fetch_in_list(
    session: &mut Session,
    path: &str,
    id: &str,
    asked_at: UnixMillis,
    at: &mut impl Surroundings,
) -> Result<Fetched, SyncError> {
    let mut offset = 0;
    loop {
        let target = format!("{path}&limit={MAX_LIMIT}&offset={offset}").replace("?&", "?");
        let (body, as_of) = match session.ask(&target, at)? {
            Reply::Good { body, as_of } => (body, as_of),
            // What it belongs to is gone.
            Reply::Gone => return Ok(Fetched::Gone(asked_at)),
            Reply::TooLong => return Err(too_long(&target)),
        };
        let page = Page::parse(&body).map_err(|error| SyncError::bad_answer(&target, error))?;
        let item = page
            .items
            .iter()
            .find(|item| item.id.as_deref() == Some(id));
        if let Some(item) = item {
            let text = item.text.to_owned();
            return Ok(Fetched::Object { text, as_of });
        }
        let length = page.items.len();
        offset += length;
        let is_last = match page.total {
            Some(total) => length == 0 || offset as u64 >= total,
            None => length < MAX_LIMIT as usize,
        };
        if is_last {
            return Ok(Fetched::Gone(asked_at));
        }
    }
}

fn too_long(target: &str) -> SyncError {
    SyncError::bad_answer(target, "it is longer than what is read")
}
