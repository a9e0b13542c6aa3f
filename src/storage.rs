//! The extension's tables: one statement a function, typed in and out.

pub(crate) mod api_slots;
pub(crate) mod expressions;
pub(crate) mod instances;
pub(crate) mod locks;
pub(crate) mod memberships;
pub(crate) mod mirror;
pub(crate) mod people;
pub(crate) mod rights;
pub(crate) mod search_path;
pub(crate) mod secret_file;
pub(crate) mod secrets;
pub(crate) mod signing_keys;
pub(crate) mod snapshot;
mod statement;
pub(crate) mod stored;
pub(crate) mod subtransaction;
pub(crate) mod sync_runs;
pub(crate) mod tables;
pub(crate) mod trust;
pub(crate) mod webhook_events;
