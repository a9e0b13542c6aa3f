//! Clerk's events on their way into the tables: received, applied, put off, tried again.

pub(crate) mod backend;
pub(crate) mod batch;
pub(crate) mod drain;
pub(crate) mod flood;
pub(crate) mod intake;
