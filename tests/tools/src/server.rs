//! A small HTTP/1.1 and HTTPS server that plays Clerk's JWKS endpoint, with failures by path.
//!
//! One thread a connection, one request a connection. Loopback only.

mod authority;
mod reply;
mod request;

pub use reply::PATHS;

use crate::Outcome;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A stuck client is let go after this long; longer than any test waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// A listening server that has not answered yet.
pub struct Endpoint {
    listener: TcpListener,
    port: u16,
    shared: Arc<Shared>,
}

/// What the threads of all connections use.
struct Shared {
    jwks: PathBuf,
    tls: Option<Arc<ServerConfig>>,
    /// Requests so far by path, `/count` and `/reset` left out.
    requests: Mutex<BTreeMap<String, u64>>,
}

impl Endpoint {
    /// Listens on `port` of 127.0.0.1 (0: any free one). `jwks` is read again at each request. With `tls_directory`
    /// it speaks HTTPS and writes `ca.pem` there.
    pub fn bind(port: u16, jwks: PathBuf, tls_directory: Option<&Path>) -> Outcome<Self> {
        let tls = tls_directory
            .map(authority::issue_server_certificate)
            .transpose()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            jwks,
            tls,
            requests: Mutex::default(),
        });
        Ok(Self {
            listener,
            port,
            shared,
        })
    }

    /// The port that was bound.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers until the process ends (SIGTERM ends it).
    pub fn serve(self) -> Outcome<()> {
        for stream in self.listener.incoming() {
            let shared = Arc::clone(&self.shared);
            let stream = stream?;
            thread::spawn(move || {
                // A client that goes away is what many tests are about: nobody needs to hear of it.
                let _ = shared.talk(stream);
            });
        }
        Ok(())
    }
}

impl Shared {
    fn talk(&self, stream: TcpStream) -> Outcome<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => self.answer(stream),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config))?;
                self.answer(StreamOwned::new(connection, stream))
            }
        }
    }

    fn answer(&self, mut stream: impl Read + Write) -> Outcome<()> {
        let path = request::read_path(&mut stream)?;
        reply::send(self, &path, &mut stream)
    }

    /// Adds one to the count of `path`.
    fn note(&self, path: &str) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(path.to_owned()).or_default() += 1;
    }

    /// The counts as JSON: `{"paths":{"/500":1},"total":1}`.
    fn counts(&self) -> String {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let total: u64 = requests.values().sum();
        serde_json::json!({"total": total, "paths": *requests}).to_string()
    }

    fn forget_counts(&self) {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
