//! What the status of an answer means.

use std::time::Duration;

use serde::Deserialize;

use crate::retry::parse_retry_after;

/// The code with which Clerk says that something does not exist.
const NOT_FOUND: &str = "resource_not_found";
/// The longest code that is shown.
const LONGEST_CODE: usize = 64;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its body is what was asked for.
    Good,
    /// What was asked for does not exist, says Clerk itself.
    Gone,
    /// Too many requests; after so long the next one may be answered, where the answer tells.
    Limited(Option<Duration>),
    /// Clerk could not answer; it may the next time.
    Failed(Refusal),
    /// It will not be answered otherwise if it is asked again.
    Refused(Refusal),
}

/// An answer that is not what was asked for. Shows nothing of it but its status and Clerk's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The code of the first of Clerk's errors, where the answer is Clerk's.
    pub code: Option<String>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<ApiError>,
}

#[derive(Deserialize)]
struct ApiError {
    code: String,
}

/// Judges an answer by its status, its `Retry-After` and its body.
pub fn judge(status: u16, retry_after: Option<&str>, body: &[u8]) -> Answer {
    let refusal = || Refusal {
        status,
        code: read_code(body),
    };
    match status {
        200 => Answer::Good,
        404 if refusal().code.as_deref() == Some(NOT_FOUND) => Answer::Gone,
        429 => Answer::Limited(
            retry_after
                .and_then(parse_retry_after)
                .map(Duration::from_secs),
        ),
        408 | 500..=599 => Answer::Failed(refusal()),
        _ => Answer::Refused(refusal()),
    }
}

impl Refusal {
    /// What happened, as a sentence without its end.
    pub fn describe(&self) -> String {
        match (self.status, &self.code) {
            (status @ 300..=399, _) => {
                format!("the answer redirects with HTTP status {status}, which is not followed")
            }
            (status, Some(code)) => format!("the answer has HTTP status {status}: {code}"),
            (status, None) => format!("the answer has HTTP status {status}"),
        }
    }
}

/// Only what looks like a code: anything else may hold anything.
fn read_code(body: &[u8]) -> Option<String> {
    let errors: Errors = serde_json::from_slice(body).ok()?;
    let code = errors.errors.into_iter().next()?.code;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_code = (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(is_plain);
    // A server that reflects what it was sent would show the key.
    let is_key = ["sk_live", "sk_test"]
        .iter()
        .any(|prefix| code.contains(prefix));
    (is_code && !is_key).then_some(code)
}
