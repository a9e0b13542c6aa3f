//! Subscriptions, of which the API has no list: each user and organization that is known here is asked for its own.

use clerk_core::backend_api::lookup::{Lookup, lookup};
use clerk_core::backend_api::page::Item;
use clerk_core::resource::Kind;
use clerk_core::time::UnixMillis;

use super::error::SyncError;
use super::run::{Run, is_switched_off};
use super::session::Reply;
use super::surroundings::Surroundings;
use crate::storage::stored::{self, Owners};
use crate::storage::sync_runs::Begun;

/// Asks payer by payer, in the order of their ids.
pub(super) fn read(
    run: &mut Run<'_>,
    begun: Begun,
    at: &mut impl Surroundings,
) -> Result<bool, SyncError> {
    let mut behind: String = begun
        .cursor
        .and_then(|cursor| serde_json::from_str(&cursor).ok())
        .unwrap_or_default();
    let mut done = begun.done;
    let instance_id = run.session.instance_id.clone();
    let total = at.transact(|| Ok(stored::count_payers(&instance_id)?))?;
    while let Some(payer) = at.transact(|| Ok(stored::next_payer(&instance_id, &behind)?))? {
        let subscription = match lookup(Kind::Subscription, &payer, None, None) {
            Ok(Lookup::Object(target)) => match run.session.ask(&target, at) {
                Err(SyncError::Refused { refusal, .. })
                    if is_switched_off(&refusal) && done == 0 =>
                {
                    return Ok(false);
                }
                reply => reply?,
            },
            // Not an id of Clerk's: there is nothing to ask.
            Ok(Lookup::InList(_)) | Err(_) => Reply::Gone,
        };
        let (body, as_of) = match subscription {
            Reply::Good { body, as_of } => (Some(body), as_of),
            Reply::Gone | Reply::TooLong => (None, UnixMillis::MAX),
        };
        let item = body.as_deref().map(Item::parse).transpose();
        let item = item.map_err(|error| SyncError::bad_answer("/billing/subscription", error))?;
        let is_user = payer.starts_with("user_");
        let owners = Owners {
            instance_id: None,
            user_id: is_user.then(|| payer.clone()),
            organization_id: (!is_user).then(|| payer.clone()),
        };
        done += 1;
        let cursor = serde_json::to_string(&payer).unwrap_or_default();
        run.store(item.as_slice(), as_of, &owners, &cursor, (done, total), at)?;
        behind = payer;
    }
    Ok(true)
}
