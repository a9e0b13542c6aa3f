//! The endpoint as an HTTP client meets it. The slow and the hanging paths are left to the tests of real clients.

mod client;

use clerk_testing::key::TestKey;
use clerk_testing::server::Endpoint;
use client::client_that_trusts;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

/// A running endpoint with a key set of its own.
struct Running {
    port: u16,
    directory: PathBuf,
}

fn start(name: &str, tls: bool) -> Running {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    TestKey::generate(2048)
        .unwrap()
        .save(&directory, "ins_one")
        .unwrap();
    let endpoint = Endpoint::bind(
        0,
        directory.join("jwks.json"),
        tls.then_some(directory.as_path()),
    )
    .unwrap();
    let port = endpoint.port();
    std::thread::spawn(move || endpoint.serve());
    Running { port, directory }
}

impl Running {
    fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }

    /// The head and the body of one answer.
    fn get(&self, path: &str) -> (String, String) {
        converse(self.connect(), path)
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).1).unwrap()
    }
}

fn converse(mut stream: impl Read + Write, path: &str) -> (String, String) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A TLS server that closes without saying so is an error after the whole answer has come.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn the_key_set_is_read_anew_at_each_request() {
    let server = start("anew", false);
    assert_eq!(
        server.json("/.well-known/jwks.json")["keys"][0]["kid"],
        "ins_one"
    );
    TestKey::generate(2048)
        .unwrap()
        .save(&server.directory, "ins_two")
        .unwrap();
    assert_eq!(
        server.json("/.well-known/jwks.json")["keys"][0]["kid"],
        "ins_two"
    );
}

#[test]
fn failures_are_told_by_their_status() {
    let server = start("status", false);
    for (path, status) in [
        ("/500", "500"),
        ("/429", "429"),
        ("/redirect", "302"),
        ("/nowhere", "404"),
    ] {
        let (head, _) = server.get(path);
        assert_eq!(head.split(' ').nth(1), Some(status), "{path}");
    }
    assert!(server.get("/429").0.contains("Retry-After: 7"));
    assert!(
        server
            .get("/redirect")
            .0
            .contains("Location: /.well-known/jwks.json")
    );
    assert!(server.get("/html").0.contains("text/html"));
}

#[test]
fn bad_bodies_are_as_bad_as_promised() {
    let server = start("bodies", false);
    assert_eq!(server.get("/empty").1, "");
    assert!(serde_json::from_str::<Value>(&server.get("/not-json").1).is_err());
    assert!(server.json("/none")["keys"].as_array().unwrap().is_empty());
    assert!(server.json("/private")["keys"][0]["d"].is_string());
    assert_eq!(
        server.json("/weak")["keys"][0]["n"].as_str().unwrap().len(),
        171
    );
    // Huge is a good key set in every other respect: only its size can refuse it.
    assert!(server.get("/huge").1.len() > 64 * 1024);
    assert_eq!(server.json("/huge")["keys"][0]["kid"], "ins_one");
    let (head, body) = server.get("/huge-chunked");
    assert!(head.contains("chunked") && !head.contains("Content-Length"));
    assert!(body.len() > 64 * 1024 && body.ends_with("\r\n0\r\n\r\n"));
    let (head, body) = server.get("/cut");
    assert!(!head.contains(&format!("Content-Length: {}", body.len())));
}

#[test]
fn requests_are_counted_by_path() {
    let server = start("count", false);
    server.get("/500");
    server.get("/500?again");
    server.get("/none");
    let count = server.json("/count");
    assert_eq!(count["total"], 3);
    assert_eq!(count["paths"]["/500"], 2);
    server.get("/reset");
    assert_eq!(server.json("/count")["total"], 0);
}

#[test]
fn https_is_trusted_by_its_authority_alone() {
    let server = start("tls", true);
    let config = client_that_trusts(&server.directory.join("ca.pem"));
    for name in ["localhost", "127.0.0.1"] {
        let name = ServerName::try_from(name).unwrap();
        let client = ClientConnection::new(Arc::clone(&config), name).unwrap();
        let (_, body) = converse(
            StreamOwned::new(client, server.connect()),
            "/.well-known/jwks.json",
        );
        assert!(body.contains("ins_one"));
    }
    let other = start("tls-other", true);
    let config = client_that_trusts(&other.directory.join("ca.pem"));
    let mut stranger =
        ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    assert!(stranger.complete_io(&mut server.connect()).is_err());
}
