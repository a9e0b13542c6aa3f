//! What clerk_sync decides without a database.
//!
//! No I/O, no clock, no Postgres: bytes, keys and the time are arguments, and the answer is a value or
//! a typed error. The rules are those of Clerk's own code (`@clerk/backend` 3.25 and `@clerk/shared`
//! 4.41), or stricter where a database has reason to be; `docs/security.md` lists each such case.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod authorization;
pub mod authorization_header;
pub mod backend_api;
pub mod claims;
pub mod endpoint;
pub mod instance;
pub mod key_refresh;
pub mod key_set;
pub mod permissions;
pub mod policy;
pub mod publishable_key;
pub mod reason;
pub mod resource;
pub mod retry;
pub mod time;
pub mod token;
pub mod webhook;

mod base64url;
mod json_text;
