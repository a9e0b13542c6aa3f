//! One client's connection, plain or over TLS: requests come in, answers go out.

use super::PATIENCE;
use super::request::Request;
use crate::Outcome;
use crate::backend::Answer;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// A connection and what was read of it too early.
pub(crate) struct Connection<S> {
    pub(super) stream: S,
    /// The socket below, to see whether the client is still there.
    socket: TcpStream,
    carried: Vec<u8>,
}

impl<S: Read + Write> Connection<S> {
    pub(super) fn new(stream: S, socket: TcpStream) -> Self {
        Self {
            stream,
            socket,
            carried: Vec::new(),
        }
    }

    /// The next request, or nothing where the client has closed.
    pub(super) fn read(&mut self) -> Outcome<Option<Request>> {
        Request::read(&mut self.stream, &mut self.carried)
    }

    /// Sends an answer, after which another may follow or not.
    pub(crate) fn send(&mut self, answer: &Answer, keeps_alive: bool) -> Outcome<()> {
        // In one piece: a head of its own would be a TLS record and a segment of its own.
        let mut bytes = answer.head(answer.body.len(), keeps_alive).into_bytes();
        bytes.extend_from_slice(answer.body.as_bytes());
        self.write(&bytes)
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.stream.write_all(bytes)?;
        Ok(self.stream.flush()?)
    }

    /// Waits, and fails early if the client leaves meanwhile.
    pub(crate) fn wait(&self, time: Duration) -> Outcome<()> {
        let end = Instant::now() + time;
        let remaining = || end.saturating_duration_since(Instant::now());
        // A timeout of zero would be none at all.
        self.socket
            .set_read_timeout(Some(remaining().max(Duration::from_millis(1))))?;
        let peeked = self.socket.peek(&mut [0]);
        self.socket.set_read_timeout(Some(PATIENCE))?;
        match peeked {
            Ok(0) => return Err("the client has left".into()),
            Err(error) if !is_timeout(error.kind()) => return Err(error.into()),
            _ => thread::sleep(remaining()),
        }
        Ok(())
    }

    /// Waits until the client leaves, or for as long as any client is waited for. The connection is of no use after it.
    pub(crate) fn wait_for_departure(&self) {
        let end = Instant::now() + PATIENCE;
        // TLS announces a departure by bytes of its own before it.
        while Instant::now() < end && (&self.socket).read(&mut [0; 1024]).is_ok_and(|n| n > 0) {}
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
