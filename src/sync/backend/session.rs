//! Requests to the Backend API: within the budget, and again where they failed.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use clerk_core::backend_api::answer::{Answer, judge};
use clerk_core::backend_api::budget;
use clerk_core::key_set::KeySet;
use clerk_core::retry::{LONGEST_REQUEST_WAIT, after_failed_request};
use clerk_core::time::UnixMillis;

use super::error::{SyncError, path_of};
use super::source::Source;
use super::surroundings::Surroundings;
use crate::clerk_api::{BackendApi, FetchError, Response};
use crate::clock;
use crate::settings;
use crate::storage::api_slots::{self, Turn};
use crate::storage::sync_runs::{self, Cost};

/// A connection to the API, and the instance that answers there.
pub(super) struct Session {
    api: BackendApi,
    slots: u32,
    pub(super) instance_id: String,
    pub(super) fingerprint: String,
    /// Whether the instance has organizations, once that was asked.
    has_organizations: Option<bool>,
    /// Of the requests since it was taken last.
    cost: Cost,
}

/// How long a request that waits for its turn does not look at the queue.
const LONGEST_LOOK_AWAY: Duration = Duration::from_secs(1);

/// What came of a request.
pub(super) enum Reply {
    /// The body, and a time before which what it tells was so.
    Good { body: Vec<u8>, as_of: UnixMillis },
    /// Clerk says that what was asked for does not exist.
    Gone,
    /// The answer is longer than what is read.
    TooLong,
}

impl Session {
    /// Opens a connection, and finds out to which instance the key belongs: by an earlier run, or by asking.
    ///
    /// # Errors
    /// It belongs to none that is configured here, or Clerk could not be asked.
    pub(super) fn open(source: &Source, at: &mut impl Surroundings) -> Result<Self, SyncError> {
        let api = BackendApi::open(&source.base_url, &source.key).map_err(|error| match error {
            FetchError::Busy | FetchError::Thread => SyncError::Threads(error),
            error => SyncError::Setting(error),
        })?;
        let limit = source.key.limit();
        let slots = settings::backend_api::api_requests()
            .map_or_else(|| budget::slots_of_request(limit), budget::slots_of_rate);
        let fingerprint = source.fingerprint();
        let known = at.transact(|| Ok(sync_runs::instance_of(&fingerprint)?))?;
        let mut session = Self {
            api,
            slots,
            instance_id: String::new(),
            fingerprint,
            has_organizations: None,
            cost: Cost::default(),
        };
        session.instance_id = match known {
            Some(instance) => instance,
            None => session.ask_for_instance(at)?,
        };
        let instance = session.instance_id.as_str();
        if let Some(expected) = source.expected.as_deref().filter(|id| *id != instance) {
            return Err(SyncError::WrongInstance {
                expected: expected.to_owned(),
                found: instance.to_owned(),
            });
        }
        if !at.transact(|| Ok(sync_runs::is_trusted(instance)?))? {
            return Err(SyncError::OtherInstance(instance.to_owned()));
        }
        Ok(session)
    }

    /// Asks for a path, again and again where there is hope.
    ///
    /// # Errors
    /// There is none any more.
    pub(super) fn ask(
        &mut self,
        target: &str,
        at: &mut impl Surroundings,
    ) -> Result<Reply, SyncError> {
        let path = || path_of(target);
        let mut failures = 0;
        loop {
            self.wait_for_slot(at)?;
            let sent_at = clock::now_millis();
            let begun = Instant::now();
            let answer = self.api.get(target, || at.may_wait());
            self.cost.requests += 1;
            self.cost.time += begun.elapsed();
            failures += 1;
            let (asked, error) = match answer {
                Ok(response) => {
                    let retry_after = response.retry_after.as_deref();
                    match judge(response.status, retry_after, &response.body) {
                        Answer::Good => {
                            let as_of = as_of(sent_at, &response);
                            let body = response.body;
                            return Ok(Reply::Good { body, as_of });
                        }
                        Answer::Gone => return Ok(Reply::Gone),
                        Answer::Limited(pause) => {
                            let path = path();
                            (pause, SyncError::Limited { path, pause })
                        }
                        Answer::Failed(refusal) => {
                            let reason = refusal.describe();
                            let path = path();
                            (None, SyncError::Unreachable { path, reason })
                        }
                        Answer::Refused(refusal) if refusal.status == 401 => {
                            return Err(SyncError::KeyRefused(refusal));
                        }
                        Answer::Refused(refusal) => {
                            let path = path();
                            return Err(SyncError::Refused { path, refusal });
                        }
                    }
                }
                Err(FetchError::Abandoned) => return Err(SyncError::Abandoned),
                Err(FetchError::TooLong(_)) => return Ok(Reply::TooLong),
                Err(
                    error @ (FetchError::Endpoint(_)
                    | FetchError::NoRootCertificates
                    | FetchError::CaFile(_)
                    | FetchError::Header),
                ) => return Err(SyncError::Setting(error)),
                Err(error) => {
                    let reason = error.to_string();
                    let path = path();
                    (None, SyncError::Unreachable { path, reason })
                }
            };
            // Whoever else asks waits, too.
            if let Some(pause) = asked {
                let slot = budget::slot_after(clock::now(), pause.min(LONGEST_REQUEST_WAIT));
                at.transact(|| Ok(api_slots::block_until(slot)?))?;
            }
            let unit = RandomState::new().hash_one(failures) as f64 / u64::MAX as f64;
            let wait = after_failed_request(failures, unit, asked).ok_or(error)?;
            at.pause(wait)?;
        }
    }

    /// Whether the instance has organizations at all: where they are turned off, Clerk says of each that it does not exist.
    pub(super) fn has_organizations(
        &mut self,
        at: &mut impl Surroundings,
    ) -> Result<bool, SyncError> {
        if let Some(known) = self.has_organizations {
            return Ok(known);
        }
        let reply = self.ask("/organizations?limit=1", at)?;
        let has_them = matches!(reply, Reply::Good { .. });
        self.has_organizations = Some(has_them);
        Ok(has_them)
    }

    /// What requests have cost since this was asked last.
    pub(super) fn take_cost(&mut self) -> Cost {
        std::mem::take(&mut self.cost)
    }

    fn wait_for_slot(&self, at: &mut impl Surroundings) -> Result<(), SyncError> {
        loop {
            match at.transact(|| Ok(api_slots::take(self.slots, clock::now())?))? {
                Turn::After(wait) => return at.pause(wait),
                // Looked at again soon: the clock may be set back meanwhile.
                Turn::NotYet(wait) => at.pause(wait.min(LONGEST_LOOK_AWAY))?,
            }
        }
    }

    /// The key's instance by its signing keys, whose ids are its own. That request has no limit.
    fn ask_for_instance(&mut self, at: &mut impl Surroundings) -> Result<String, SyncError> {
        const TARGET: &str = "/jwks";
        let bad = |reason: &str| SyncError::bad_answer(TARGET, reason);
        let Reply::Good { body, .. } = self.ask(TARGET, at)? else {
            return Err(bad("there is no key set"));
        };
        let text = str::from_utf8(&body).map_err(|_| bad("the answer is not text"))?;
        let set = KeySet::parse(text).map_err(|error| bad(&error.to_string()))?;
        let ids: Vec<&str> = set.keys().iter().map(|key| key.kid()).collect();
        for id in &ids {
            if at.transact(|| Ok(sync_runs::is_trusted(id)?))? {
                return Ok((*id).to_owned());
            }
        }
        let first = ids.first().ok_or_else(|| bad("there is no key"))?;
        Ok((*first).to_owned())
    }
}

/// A time at which what was answered was so, at the earliest: when the request was sent. Where the clock of this server is
/// ahead, the time by Clerk's clock counts, of which the answer tells whole seconds.
fn as_of(sent_at: i64, response: &Response) -> UnixMillis {
    let date = response
        .date
        .as_deref()
        .and_then(clerk_core::time::parse_http_date);
    let millis = date.map_or(sent_at, |date| date.millis().min(sent_at));
    UnixMillis::from_millis(millis).unwrap_or(UnixMillis::MAX)
}
