//! The vectors: what Clerk's own packages said about the same input.

use clerk_core::claims::Session;
use clerk_core::reason::Failure;
use serde_json::Value;

pub fn jwt() -> Value {
    parse(include_str!("../vectors/jwt-vectors.json"))
}

pub fn has() -> Value {
    parse(include_str!("../vectors/has-vectors.json"))
}

pub fn permissions() -> Value {
    parse(include_str!("../vectors/v2-permissions.json"))
}

pub fn publishable_keys() -> Value {
    parse(include_str!("../vectors/publishable-keys.json"))
}

pub fn svix() -> Value {
    parse(include_str!("../vectors/svix-vectors.json"))
}

/// The cases of a file, of which there must be this many: a test that reads none would pass.
pub fn cases(file: &Value, count: usize) -> &[Value] {
    let cases = file["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), count, "the file of vectors has changed");
    cases
}

pub fn name(case: &Value) -> &str {
    case["name"].as_str().expect("a name")
}

/// `ok`, or the code of the reason.
pub fn code(verdict: &Result<Session, Failure>) -> &'static str {
    match verdict {
        Ok(_) => "ok",
        Err(failure) => failure.reason.code(),
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
