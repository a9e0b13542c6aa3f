//! What is read from Clerk's Backend API: whole lists, single objects, and what somebody else read.

pub(crate) mod error;
pub(crate) mod heal;
pub(crate) mod import;
mod objects;
pub(crate) mod reconcile;
pub(crate) mod refetch;
pub(crate) mod run;
mod session;
pub(crate) mod source;
mod subscriptions;
pub(crate) mod surroundings;
