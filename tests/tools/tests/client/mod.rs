//! A small HTTP client, and a server of the Backend API for it.

// Each test file uses a part of it.
#![allow(dead_code)]

use clerk_testing::key::TestKey;
use clerk_testing::server::Endpoint;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the API asks for.
pub const HEADERS: &str = "Authorization: Bearer sk_test_1\r\nClerk-API-Version: 2026-05-12\r\n";

/// The configuration of a TLS client that trusts this authority alone.
pub fn client_that_trusts(ca: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// A running server.
pub struct Server {
    port: u16,
    tls: Option<Arc<ClientConfig>>,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// One connection.
pub struct Client(BufReader<Box<dyn Stream>>);

impl Server {
    pub fn start(name: &str) -> Self {
        Self::start_at(name, false)
    }

    pub fn start_tls(name: &str) -> Self {
        Self::start_at(name, true)
    }

    fn start_at(name: &str, tls: bool) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join("backend")
            .join(name);
        let key = TestKey::generate(2048).unwrap();
        key.save(&directory, "ins_one").unwrap();
        let jwks = directory.join("jwks.json");
        let mut endpoint = Endpoint::bind(0, jwks, tls.then_some(&*directory)).unwrap();
        endpoint.play_backend("sk_test_1");
        let port = endpoint.port();
        std::thread::spawn(move || endpoint.serve());
        let tls = tls.then(|| client_that_trusts(&directory.join("ca.pem")));
        Self { port, tls }
    }

    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let Some(config) = &self.tls else {
            return Client(BufReader::new(Box::new(stream)));
        };
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        Client(BufReader::new(Box::new(StreamOwned::new(
            connection, stream,
        ))))
    }

    pub fn status(&self, path: &str) -> u16 {
        self.connect().get(path).0
    }

    pub fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.connect().get(path).2).unwrap()
    }

    pub fn generate(&self, kind: &str, count: u64) {
        self.control("generate", json!({"kind": kind, "count": count}));
    }

    /// Posts to a path under `/control/`, and gives the lines of the answer.
    pub fn control(&self, name: &str, body: Value) -> Vec<Value> {
        let (status, _, body) = self.post(name, &body);
        assert_eq!(status, 200, "{body}");
        read_lines(&body)
    }

    pub fn refuses(&self, name: &str, body: Value) -> bool {
        self.post(name, &body).0 == 400
    }

    fn post(&self, name: &str, body: &Value) -> (u16, String, String) {
        let body = body.to_string();
        let mut client = self.connect();
        let length = body.len();
        let head = format!("POST /control/{name} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
        client.say(&(head + &body));
        client.hear()
    }

    /// Gets JSON from a path under `/control/`.
    pub fn look(&self, name: &str) -> Value {
        self.lines(name).remove(0)
    }

    pub fn lines(&self, name: &str) -> Vec<Value> {
        let (status, _, body) = self.connect().ask(&format!("/control/{name}"), "");
        assert_eq!(status, 200, "{body}");
        read_lines(&body)
    }
}

impl Client {
    /// The status, the head and the body of the answer to a GET.
    pub fn get(&mut self, path: &str) -> (u16, String, String) {
        self.ask(path, HEADERS)
    }

    pub fn ask(&mut self, path: &str, headers: &str) -> (u16, String, String) {
        self.say(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        ));
        self.hear()
    }

    pub fn say(&mut self, text: &str) {
        let stream = self.0.get_mut();
        stream.write_all(text.as_bytes()).unwrap();
        stream.flush().unwrap();
    }

    /// The answer, of the length that it announces if it does.
    pub fn hear(&mut self) -> (u16, String, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let length = self.0.read_line(&mut head).unwrap();
            assert!(length > 0, "no answer: {head:?}");
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .map_or(u64::MAX, |length| length.parse().unwrap());
        let mut body = String::new();
        self.0
            .by_ref()
            .take(length)
            .read_to_string(&mut body)
            .unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, body)
    }

    /// All that comes until the server closes.
    pub fn hear_all(&mut self) -> String {
        let mut bytes = Vec::new();
        // A TLS server that closes without saying so is an error after all that it sent.
        let _ = self.0.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }
}

fn read_lines(body: &str) -> Vec<Value> {
    body.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The ids of a list of objects.
pub fn ids(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    list.iter()
        .map(|object| object["id"].as_str().unwrap().to_owned())
        .collect()
}
