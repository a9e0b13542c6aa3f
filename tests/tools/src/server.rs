//! A small HTTP/1.1 and HTTPS server that plays Clerk's JWKS endpoint, with failures by path, and its Backend API.
//!
//! One thread a connection, one request a connection, but many to the Backend API. Loopback only.

mod authority;
mod connection;
mod reply;
mod request;

pub(crate) use connection::Connection;
pub use reply::PATHS;
pub(crate) use request::Request;

use crate::backend::Backend;

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
    shared: Shared,
}

/// What the threads of all connections use.
struct Shared {
    jwks: PathBuf,
    tls: Option<Arc<ServerConfig>>,
    backend: Option<Backend>,
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
        let shared = Shared {
            jwks,
            tls,
            backend: None,
            requests: Mutex::default(),
        };
        Ok(Self {
            listener,
            port,
            shared,
        })
    }

    /// Plays the Backend API too, for clients that have its secret key.
    pub fn play_backend(&mut self, key: &str) {
        self.shared.backend = Some(Backend::new(key, self.shared.jwks.clone()));
    }

    /// The port that was bound.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers until the process ends (SIGTERM ends it).
    pub fn serve(self) -> Outcome<()> {
        let shared = Arc::new(self.shared);
        for stream in self.listener.incoming() {
            let shared = Arc::clone(&shared);
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
        let socket = stream.try_clone()?;
        match &self.tls {
            None => self.converse(Connection::new(stream, socket)),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config))?;
                self.converse(Connection::new(
                    StreamOwned::new(connection, stream),
                    socket,
                ))
            }
        }
    }

    fn converse(&self, mut connection: Connection<impl Read + Write>) -> Outcome<()> {
        while let Some(request) = connection.read()? {
            match &self.backend {
                Some(backend) if request.path.starts_with("/v1/") => {
                    if !backend.answer(&request, &mut connection)? {
                        break;
                    }
                }
                Some(backend) if request.path.starts_with("/control/") => {
                    return connection.send(&backend.control(&request), false);
                }
                _ => return reply::send(self, &request.path, &mut connection.stream),
            }
        }
        Ok(())
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
