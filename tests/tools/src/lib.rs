//! Plays Clerk for the tests, the demo and the benchmarks of clerk_sync.
//!
//! Nothing here is part of the extension. It makes signing keys and session tokens as Clerk makes them
//! ([`key`], [`token`]), bad ones included, signs webhooks ([`webhook`]), tells
//! random histories by them ([`history`]), serves a JWKS endpoint that can fail in every way that an
//! HTTP client has to survive ([`server`]), the Backend API beside it ([`backend`]), and times the bare signature
//! check ([`verify`]). [`command`] is the `clerk-testing` binary.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod arguments;
pub mod backend;
pub mod command;
pub mod history;
pub mod key;
pub mod server;
pub mod token;
pub mod verify;
pub mod webhook;

/// What ends a command early: a message for the person who typed it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything here that can fail.
pub type Outcome<T> = Result<T, Failure>;
