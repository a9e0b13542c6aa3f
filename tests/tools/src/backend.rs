//! Plays Clerk's Backend API: a world of users and organizations in memory, its lists as Clerk pages them, and what
//! can go wrong on the way. [`CONTROLS`] is how a test changes the world and arranges the failures.

mod answer;
mod churn;
mod collection;
mod control;
mod event;
mod fault;
mod generator;
mod kind;
mod lists;
mod query;
mod selection;
mod traffic;
mod world;

pub(crate) use answer::Answer;
pub use control::CONTROLS;
pub use fault::FAULTS;

use crate::Outcome;
use crate::server::{Connection, Request};
use control::Interruption;
use fault::{Fault, Plan};
use serde_json::Value;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use traffic::Traffic;
use world::World;

/// The only version that is played.
const VERSION: &str = "2026-05-12";

/// The API of one instance.
pub(crate) struct Backend {
    key: String,
    /// The file of the key set, read again at each request.
    jwks: PathBuf,
    state: Mutex<State>,
}

/// All that changes.
struct State {
    world: World,
    settings: Settings,
    faults: Vec<Plan>,
    interruptions: Vec<Interruption>,
    /// What operations just before a request told.
    events: Vec<String>,
    traffic: Traffic,
}

/// What `/control/set` sets.
struct Settings {
    /// Requests in ten seconds.
    rate_limit: Option<usize>,
    /// What `starting_after` of an unknown id does: `404`, `422` or `empty`.
    unknown_cursor: String,
    /// Whether the instance has organizations.
    organizations: bool,
}

impl Settings {
    fn set(&mut self, value: &Value) -> Outcome<()> {
        for (name, value) in value.as_object().into_iter().flatten() {
            match (&**name, value) {
                ("rate_limit", Value::Null) => self.rate_limit = None,
                ("rate_limit", Value::Number(number)) => {
                    let limit = number.as_u64().ok_or("rate_limit is no count")?;
                    self.rate_limit = Some(usize::try_from(limit)?);
                }
                ("unknown_cursor", Value::String(what))
                    if ["404", "422", "empty"].contains(&&**what) =>
                {
                    self.unknown_cursor.clone_from(what);
                }
                ("organizations", Value::Bool(is_so)) => self.organizations = *is_so,
                _ => return Err(format!("no setting {name:?} of {value}").into()),
            }
        }
        Ok(())
    }
}

impl Backend {
    /// An empty world behind a secret key.
    pub(crate) fn new(key: &str, jwks: PathBuf) -> Self {
        let settings = Settings {
            rate_limit: None,
            unknown_cursor: "404".to_owned(),
            organizations: true,
        };
        Self {
            key: key.to_owned(),
            jwks,
            state: Mutex::new(State {
                world: World::new(),
                settings,
                faults: Vec::new(),
                interruptions: Vec::new(),
                events: Vec::new(),
                traffic: Traffic::default(),
            }),
        }
    }

    /// Answers a request under `/v1/`, and tells whether another may follow.
    pub(crate) fn answer(
        &self,
        request: &Request,
        connection: &mut Connection<impl Read + Write>,
    ) -> Outcome<bool> {
        let start = Instant::now();
        let (answer, fault) = self.decide(request, start);
        let keeps_alive = request.keeps_alive();
        let sent = match fault {
            Some(fault) => fault.send(answer, &request.path, connection, keeps_alive),
            None => connection.send(&answer, keeps_alive).map(|()| keeps_alive),
        };
        self.state().traffic.note_busy(start.elapsed());
        sent
    }

    /// Does what a request under `/control/` says.
    pub(crate) fn control(&self, request: &Request) -> Answer {
        let instance = self.instance();
        let mut state = self.state();
        state.world.instance = instance;
        control::control(&mut state, request)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key id of the first key of the set, which is the instance's id.
    fn instance(&self) -> String {
        let text = std::fs::read_to_string(&self.jwks).unwrap_or_default();
        let set: Value = serde_json::from_str(&text).unwrap_or_default();
        set["keys"][0]["kid"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The right answer, and what is to go wrong with it.
    fn decide(&self, request: &Request, now: Instant) -> (Answer, Option<Fault>) {
        let mut state = self.state();
        state.traffic.note(&request.path, now);
        state.interrupt(&request.path);
        let is_key_set = request.path == "/v1/jwks";
        let refusal = self.refuse(request).or_else(|| {
            // Clerk does not limit requests for the key set.
            let limit = state.settings.rate_limit.filter(|_| !is_key_set)?;
            state.traffic.admit(limit, now).err().map(too_many)
        });
        if let Some(refusal) = refusal {
            return (refusal, None);
        }
        let fault = Plan::next(&mut state.faults, &request.path);
        let answer = if is_key_set {
            let set = std::fs::read_to_string(&self.jwks);
            set.map_or_else(|_| Answer::not_found("the key set"), Answer::of)
        } else {
            let State {
                world, settings, ..
            } = &*state;
            lists::answer(world, settings, &request.path, &request.query)
                .unwrap_or_else(|refusal| refusal)
        };
        (answer, fault)
    }

    fn refuse(&self, request: &Request) -> Option<Answer> {
        let key = request.header("authorization").unwrap_or_default();
        if key.strip_prefix("Bearer ") != Some(&self.key) {
            let message = "The provided Clerk Secret Key is invalid";
            let status = "401 Unauthorized";
            return Some(Answer::refusal(status, "clerk_key_invalid", message));
        }
        if request.header("clerk-api-version") != Some(VERSION) {
            let message = "Only the version 2026-05-12 is played here";
            let status = "400 Bad Request";
            return Some(Answer::refusal(status, "api_version_invalid", message));
        }
        if request.method != "GET" {
            return Some(Answer::not_found("the method"));
        }
        None
    }
}

impl State {
    /// Performs what was to happen just before this request.
    fn interrupt(&mut self, path: &str) {
        for operation in Interruption::next(&mut self.interruptions, path) {
            let name = operation["operation"].as_str().unwrap_or_default();
            match control::operate(&mut self.world, name, &operation) {
                Ok(events) => self.events.extend(events),
                Err(failure) => eprintln!("clerk-testing: before a request to {path}: {failure}"),
            }
        }
    }
}

fn too_many(retry_after: u64) -> Answer {
    Answer::refusal(
        "429 Too Many Requests",
        "too_many_requests",
        "Too many requests",
    )
    .with_header(format!("Retry-After: {retry_after}"))
}
