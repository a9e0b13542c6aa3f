//! What each path answers, well or badly.

use super::{PATIENCE, Shared};
use crate::Outcome;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

/// Each path and what it does; the text of `clerk-testing help`.
pub const PATHS: &[(&str, &str)] = &[
    ("/.well-known/jwks.json", "the key set, read anew from FILE"),
    ("/redirect", "302 to the key set"),
    ("/500", "500 with a JSON body"),
    ("/429", "429 with Retry-After: 7"),
    ("/html", "200 with an HTML page"),
    ("/empty", "200 without a body"),
    ("/huge", "the key set padded to 1 MiB"),
    (
        "/huge-chunked",
        "the same in chunks, its length not announced",
    ),
    ("/slow", "the key set, a few bytes at a time, over 30 s"),
    ("/hang", "takes the request and never answers"),
    ("/cut", "promises more than it sends, and closes"),
    (
        "/private",
        "a key set whose keys carry a private member (d)",
    ),
    ("/weak", "a key of 1024 bits"),
    ("/none", "a key set without keys"),
    ("/not-json", "200 application/json with half an object"),
    ("/count", "requests so far, all and by path, as JSON"),
    ("/reset", "forgets the count"),
];

const HUGE: usize = 1024 * 1024;
const SLOW_STEPS: u32 = 60;
const SLOW_PAUSE: Duration = Duration::from_millis(500);

/// A real 1024-bit modulus; its private half was thrown away.
const WEAK_MODULUS: &str = "zgMqlrX1z3A4buaQVbLeUu_2MYOcc7L57l0ucdfZ4bVJmZn0PQZWs5fDdRPXqBVWYm4-D0K7_UVZBEANxXRdy6yl\
0y5qYJHXIKoSwNpiy_LD-4EUJ_deVgcv1DjCEKHf7TQ8FdrAgX3L0TTBb-g7B2X4FBHXF-1z-zV-IGz4ydM";

/// Counts the request and answers it.
pub(super) fn send(shared: &Shared, path: &str, stream: &mut (impl Read + Write)) -> Outcome<()> {
    if !["/count", "/reset"].contains(&path) {
        shared.note(path);
    }
    match path {
        "/.well-known/jwks.json" => respond(stream, "200 OK", &[], &key_set(shared)?),
        "/redirect" => respond(
            stream,
            "302 Found",
            &["Location: /.well-known/jwks.json"],
            "",
        ),
        "/500" => respond(
            stream,
            "500 Internal Server Error",
            &[],
            &failure("internal_clerk_error"),
        ),
        "/429" => respond(
            stream,
            "429 Too Many Requests",
            &["Retry-After: 7"],
            &failure("too_many_requests"),
        ),
        "/html" => whole(
            stream,
            "200 OK",
            "text/html; charset=utf-8",
            &[],
            "<!doctype html><p>Welcome to the captive portal",
        ),
        "/empty" => respond(stream, "200 OK", &[], ""),
        "/huge" => respond(stream, "200 OK", &[], &padded(shared)?),
        "/huge-chunked" => chunked(stream, &padded(shared)?),
        "/slow" => drip(stream, &key_set(shared)?),
        "/hang" => {
            thread::sleep(PATIENCE);
            Ok(())
        }
        "/cut" => cut(stream, &key_set(shared)?),
        "/private" => respond(stream, "200 OK", &[], &with_private_member(shared)?),
        "/weak" => respond(stream, "200 OK", &[], &weak()),
        "/none" => respond(stream, "200 OK", &[], r#"{"keys":[]}"#),
        "/not-json" => respond(stream, "200 OK", &[], r#"{"keys":[{"kty":"#),
        "/count" => respond(stream, "200 OK", &[], &shared.counts()),
        "/reset" => {
            shared.forget_counts();
            respond(stream, "200 OK", &[], "{}")
        }
        _ => respond(stream, "404 Not Found", &[], &failure("resource_not_found")),
    }
}

fn key_set(shared: &Shared) -> Outcome<String> {
    Ok(std::fs::read_to_string(&shared.jwks)?)
}

fn padded(shared: &Shared) -> Outcome<String> {
    let mut set: Value = serde_json::from_str(&key_set(shared)?)?;
    set["padding"] = Value::from("x".repeat(HUGE));
    Ok(set.to_string())
}

fn with_private_member(shared: &Shared) -> Outcome<String> {
    let mut set: Value = serde_json::from_str(&key_set(shared)?)?;
    for key in set["keys"].as_array_mut().into_iter().flatten() {
        key["d"] = Value::from("c2VjcmV0");
    }
    Ok(set.to_string())
}

fn weak() -> String {
    let key = json!({
        "use": "sig", "kty": "RSA", "kid": "ins_weak", "alg": "RS256", "n": WEAK_MODULUS, "e": "AQAB",
    });
    json!({"keys": [key]}).to_string()
}

/// An error document in the shape of Clerk's.
fn failure(code: &str) -> String {
    json!({"errors": [{"code": code, "message": code, "long_message": code}]}).to_string()
}

fn respond(stream: &mut impl Write, status: &str, headers: &[&str], body: &str) -> Outcome<()> {
    whole(stream, status, "application/json", headers, body)
}

fn whole(
    stream: &mut impl Write,
    status: &str,
    content_type: &str,
    headers: &[&str],
    body: &str,
) -> Outcome<()> {
    head(stream, status, content_type, headers, body.len())?;
    stream.write_all(body.as_bytes())?;
    Ok(stream.flush()?)
}

fn head(
    stream: &mut impl Write,
    status: &str,
    content_type: &str,
    headers: &[&str],
    length: usize,
) -> Outcome<()> {
    let mut text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n"
    );
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes())?;
    Ok(())
}

fn chunked(stream: &mut impl Write, body: &str) -> Outcome<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    )?;
    for chunk in body.as_bytes().chunks(8 * 1024) {
        write!(stream, "{:x}\r\n", chunk.len())?;
        stream.write_all(chunk)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")?;
    Ok(stream.flush()?)
}

fn drip(stream: &mut impl Write, body: &str) -> Outcome<()> {
    head(stream, "200 OK", "application/json", &[], body.len())?;
    let step = body.len().div_ceil(SLOW_STEPS as usize).max(1);
    for piece in body.as_bytes().chunks(step) {
        stream.write_all(piece)?;
        stream.flush()?;
        thread::sleep(SLOW_PAUSE);
    }
    Ok(())
}

fn cut(stream: &mut impl Write, body: &str) -> Outcome<()> {
    head(stream, "200 OK", "application/json", &[], body.len())?;
    stream.write_all(&body.as_bytes()[..body.len() / 2])?;
    Ok(stream.flush()?)
}
