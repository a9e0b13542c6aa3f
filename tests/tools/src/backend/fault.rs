//! Answers that go wrong, and when.

use super::answer::Answer;
use crate::Outcome;
use crate::server::Connection;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::Duration;

/// Each fault and what it does; part of the text of `clerk-testing help`.
pub const FAULTS: &[(&str, &str)] = &[
    ("429", "Retry-After: \"retry_after\" (1)"),
    ("429-bare", "429 without Retry-After"),
    (
        "500",
        "as 502, 503, 401, 402, 403, 404 and 422 with \"code\"",
    ),
    ("html", "200 with an HTML page; html-404: 404 with one"),
    ("empty", "200 without a body"),
    ("empty-list", "a list without objects"),
    ("not-json", "200 application/json with half an object"),
    ("wrong-shape", "{\"data\":{}}"),
    ("huge", "a list of more than 80 MiB, in chunks"),
    ("hang", "takes the request and never answers"),
    (
        "slow",
        "the right answer, drip by drip, over \"seconds\" (5)",
    ),
    ("delay", "the right answer after \"seconds\" (5)"),
    ("cut", "half of the right answer"),
    ("length", "promises more than it sends"),
    ("reset", "closes without a byte"),
    ("redirect", "302 to the same path"),
    ("future", "the right answer, with fields that nobody knows"),
];

const HTML: &str = "<!doctype html><p>Welcome to the captive portal";
const DRIPS: u32 = 50;
const HUGE_PIECE: usize = 64 * 1024;
const HUGE_PIECES: usize = 1400;

/// Faults that are only another answer: their names, statuses and Clerk's codes.
const REFUSALS: [(&str, &str, &str); 10] = [
    ("401", "401 Unauthorized", "authentication_invalid"),
    (
        "402",
        "402 Payment Required",
        "unsupported_subscription_plan_features",
    ),
    ("403", "403 Forbidden", "not_allowed_access"),
    ("404", "404 Not Found", "resource_not_found"),
    (
        "422",
        "422 Unprocessable Entity",
        "form_param_value_invalid",
    ),
    ("429", "429 Too Many Requests", "too_many_requests"),
    ("429-bare", "429 Too Many Requests", "too_many_requests"),
    ("500", "500 Internal Server Error", "internal_clerk_error"),
    ("502", "502 Bad Gateway", "internal_clerk_error"),
    ("503", "503 Service Unavailable", "internal_clerk_error"),
];

/// One way to go wrong.
#[derive(Clone)]
pub(super) struct Fault {
    name: String,
    code: Option<String>,
    retry_after: u64,
    time: Duration,
}

/// When to go wrong: at a path, or at all where that is `*`.
pub(super) struct Plan {
    path: String,
    skip: u64,
    times: u64,
    fault: Fault,
}

impl Plan {
    /// Reads what `/control/fault` is told.
    pub(super) fn read(value: &Value) -> Outcome<Self> {
        let name = value["fault"].as_str().ok_or("fault is missing")?;
        let is_known = FAULTS.iter().any(|(known, _)| *known == name)
            || REFUSALS.iter().any(|(known, ..)| *known == name)
            || name == "html-404";
        if !is_known {
            return Err(format!("no fault {name:?}").into());
        }
        Ok(Self {
            path: value["path"].as_str().ok_or("path is missing")?.to_owned(),
            skip: value["skip"].as_u64().unwrap_or(0),
            times: value["times"].as_u64().unwrap_or(1),
            fault: Fault {
                name: name.to_owned(),
                code: value["code"].as_str().map(str::to_owned),
                retry_after: value["retry_after"].as_u64().unwrap_or(1),
                time: Duration::try_from_secs_f64(value["seconds"].as_f64().unwrap_or(5.0))?,
            },
        })
    }

    /// The fault that a request at a path gets: the first plan's whose turn it is. Every plan counts it.
    pub(super) fn next(plans: &mut Vec<Self>, path: &str) -> Option<Fault> {
        let mut fault = None;
        for plan in plans.iter_mut() {
            if plan.path != path && plan.path != "*" {
                continue;
            }
            if plan.skip > 0 {
                plan.skip -= 1;
            } else if fault.is_none() && plan.times > 0 {
                plan.times -= 1;
                fault = Some(plan.fault.clone());
            }
        }
        plans.retain(|plan| plan.times > 0);
        fault
    }
}

impl Fault {
    /// Sends what goes wrong in place of the right answer to a request at `path`, and tells whether another request
    /// may follow.
    pub(super) fn send(
        &self,
        right: Answer,
        path: &str,
        connection: &mut Connection<impl Read + Write>,
        keeps_alive: bool,
    ) -> Outcome<bool> {
        match &*self.name {
            "hang" => connection.wait_for_departure(),
            "reset" => {}
            "cut" => {
                connection.write(right.head(right.body.len(), false).as_bytes())?;
                connection.write(&right.body.as_bytes()[..right.body.len() / 2])?;
            }
            "length" => {
                connection.write(right.head(right.body.len() + 1000, false).as_bytes())?;
                connection.write(right.body.as_bytes())?;
            }
            "huge" => send_huge(&right, connection)?,
            "slow" => {
                self.drip(&right, connection, keeps_alive)?;
                return Ok(keeps_alive);
            }
            "delay" => {
                connection.wait(self.time)?;
                connection.send(&right, keeps_alive)?;
                return Ok(keeps_alive);
            }
            _ => {
                connection.send(&self.instead(right, path), keeps_alive)?;
                return Ok(keeps_alive);
            }
        }
        Ok(false)
    }

    /// The answer in place of the right one.
    fn instead(&self, right: Answer, path: &str) -> Answer {
        if let Some((_, status, code)) = REFUSALS.iter().find(|(name, ..)| *name == self.name) {
            let code = self.code.as_deref().unwrap_or(code);
            let refusal = Answer::refusal(status, code, "This failure was asked for");
            return match &*self.name {
                "429" => refusal.with_header(format!("Retry-After: {}", self.retry_after)),
                _ => refusal,
            };
        }
        let is_bare = right.body.starts_with('[');
        match &*self.name {
            "html" => Answer::new("200 OK", "text/html; charset=utf-8", HTML.to_owned()),
            "html-404" => Answer::new("404 Not Found", "text/html; charset=utf-8", HTML.to_owned()),
            "empty" => Answer::of(String::new()),
            "empty-list" if is_bare => Answer::of("[]".to_owned()),
            "empty-list" => Answer::of(r#"{"data":[],"total_count":0}"#.to_owned()),
            "not-json" if is_bare => Answer::of(r#"[{"object":"user","id":"#.to_owned()),
            "not-json" => Answer::of(r#"{"data":[{"object":"#.to_owned()),
            "wrong-shape" => Answer::of(r#"{"data":{}}"#.to_owned()),
            "redirect" => Answer::new("302 Found", "application/json", String::new())
                .with_header(format!("Location: {path}")),
            _ => with_new_fields(right),
        }
    }

    fn drip(
        &self,
        right: &Answer,
        connection: &mut Connection<impl Read + Write>,
        keeps_alive: bool,
    ) -> Outcome<()> {
        connection.write(right.head(right.body.len(), keeps_alive).as_bytes())?;
        let step = right.body.len().div_ceil(DRIPS as usize).max(1);
        for piece in right.body.as_bytes().chunks(step) {
            connection.wait(self.time / DRIPS)?;
            connection.write(piece)?;
        }
        Ok(())
    }
}

/// Objects as a later version of the API may have them.
fn with_new_fields(mut answer: Answer) -> Answer {
    let Ok(mut body) = serde_json::from_str::<Value>(&answer.body) else {
        return answer;
    };
    let field = json!({"nested": [1, null, {"deep": true}]});
    let objects = match &mut body {
        Value::Array(objects) => objects,
        body => {
            body["new_field"] = field.clone();
            match body.get_mut("data").and_then(Value::as_array_mut) {
                Some(objects) => objects,
                None => &mut Vec::new(),
            }
        }
    };
    for object in objects {
        object["new_field"] = field.clone();
    }
    answer.body = body.to_string();
    answer
}

/// A list that is right but for its size.
fn send_huge(right: &Answer, connection: &mut Connection<impl Read + Write>) -> Outcome<()> {
    let (start, end) = match right.body.starts_with('[') {
        true => ("[", "{}]"),
        false => (r#"{"data":["#, r#"{}],"total_count":1}"#),
    };
    let piece = format!(r#"{{"padding":"{}"}},"#, "x".repeat(HUGE_PIECE));
    connection.write(right.chunked_head().as_bytes())?;
    let mut chunk =
        |text: &str| connection.write(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes());
    chunk(start)?;
    for _ in 0..HUGE_PIECES {
        chunk(&piece)?;
    }
    chunk(end)?;
    chunk("")
}
