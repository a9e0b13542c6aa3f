//! A delivery, received: verified, stored once, applied.

use clerk_core::time::UnixMicros;
use clerk_core::webhook::event::{self, Event};
use clerk_core::webhook::signature::{self, Headers, SignatureError};
use pgrx::prelude::*;
use serde_json::{Map, Value};

use super::{batch, flood};
use crate::clock;
use crate::settings::{self, WebhookMode};
use crate::storage::secrets;
use crate::storage::webhook_events::{self, Arrival, Settled, State};

/// The longest id of a message, in bytes. Svix's have some 30.
const LONGEST_ID: usize = 255;

/// The answer to a delivery.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: i32,
    /// A word: what became of the event, or why it is refused.
    pub(crate) outcome: &'static str,
    /// A sentence; nothing of the body is in it.
    pub(crate) detail: String,
}

impl Answer {
    fn new(status: i32, outcome: &'static str, detail: impl ToString) -> Self {
        Self {
            status,
            outcome,
            detail: detail.to_string(),
        }
    }
}

/// Receives a delivery: its headers, a JSON object, and its body as it was signed.
///
/// Nothing of what is refused is stored, and no statement runs for it.
///
/// # Errors
/// The event cannot be stored. Whatever goes wrong in applying it is no error: it is stored.
pub(crate) fn receive(headers: Option<&str>, body: Option<&str>) -> Result<Answer, spi::Error> {
    let now = clock::now();
    let body = body.unwrap_or_default();
    if let Err(error) = event::check_size(body.as_bytes()) {
        return Ok(refuse(413, "too_large", error, now));
    }
    let headers: Map<String, Value> = headers
        .and_then(|headers| serde_json::from_str(headers).ok())
        .unwrap_or_default();
    let id = match verify(&headers, body, None, now) {
        Ok(id) => id,
        Err(answer) => return Ok(answer),
    };
    let event = match Event::parse(body) {
        Ok(event) => event,
        // Not slowed down: Clerk signed it.
        Err(error) => return Ok(Answer::new(400, "malformed", error)),
    };
    if secrets::is_any_bound()
        && let Err(answer) = verify(&headers, body, Some(&event.instance_id), now)
    {
        return Ok(answer);
    }
    accept(&id, &event, body)
}

/// The id of a delivery that Clerk signed, by a secret of the instance if one is given.
fn verify(
    headers: &Map<String, Value>,
    body: &str,
    instance_id: Option<&str>,
    now: UnixMicros,
) -> Result<String, Answer> {
    secrets::with_webhook_secrets(now, instance_id, |secrets| {
        if secrets.is_empty() && instance_id.is_none() {
            let detail = format!("55000: {}", SignatureError::NoSecret);
            return Err(Answer::new(503, "not_configured", detail));
        }
        let headers = Headers::from_object(headers)
            .map_err(|error| refuse(400, "bad_headers", error, now))?;
        if headers.id.len() > LONGEST_ID || headers.id.contains('\0') {
            return Err(refuse(
                400,
                "bad_headers",
                "the id of the message is too long",
                now,
            ));
        }
        signature::verify(secrets.iter().copied(), &headers, body.as_bytes(), now)
            .map(|delivery| delivery.id.to_owned())
            .map_err(|error| refuse(401, "bad_signature", error, now))
    })
}

/// A refusal, or after too many of them a request to slow down. What Clerk signed is never slowed down: so
/// strangers cannot keep its events out.
fn refuse(status: i32, outcome: &'static str, detail: impl ToString, now: UnixMicros) -> Answer {
    if flood::is_flooded_by_refusal(now) {
        return Answer::new(429, "flood", "too many deliveries were refused");
    }
    Answer::new(status, outcome, detail)
}

/// Stores the event; applies it where it is not left to the queue.
fn accept(id: &str, event: &Event<'_>, body: &str) -> Result<Answer, spi::Error> {
    let arrival = Arrival {
        id,
        instance_id: &event.instance_id,
        event_type: event.event_type.name(),
        event_at: event.timestamp.millis(),
        body: Some(body),
    };
    if settings::webhook_mode() == WebhookMode::Queue || !batch::sees_commits() {
        let is_new = webhook_events::store(&arrival, &State::WAITING)?;
        return Ok(if is_new {
            stored(&State::WAITING)
        } else {
            duplicate()
        });
    }
    // Stored as if it were applied: the ledger is written twice only where it is not.
    let change = batch::read_change(event);
    let mut state = batch::state_before(&change, 0);
    let arrival = Arrival {
        body: (!batch::is_done_with(&change, &state)).then_some(body),
        ..arrival
    };
    if !webhook_events::store(&arrival, &state)? {
        return Ok(duplicate());
    }
    if let (Ok(known), "applied") = (&change, state.status) {
        let verdict = batch::apply(&[known]).remove(0);
        if verdict != batch::Verdict::Applied {
            state = batch::state_after(state, &verdict);
            webhook_events::settle(&[Settled {
                id,
                state: &state,
                is_alive: false,
                is_done_with: batch::is_done_with(&change, &state),
            }])?;
        }
    }
    Ok(stored(&state))
}

/// Of an error of the database no more than its code leaves it: the message may be a trigger's.
fn stored(state: &State) -> Answer {
    let error = state.error.as_deref().unwrap_or_default();
    let told = match error.split_once(": ") {
        Some((code, _)) if code.len() == 5 => code,
        _ => error,
    };
    Answer::new(200, state.status, told)
}

fn duplicate() -> Answer {
    Answer::new(200, "duplicate", "the event is stored already")
}
