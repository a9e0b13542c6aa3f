//! What SQL sees: functions that parse their arguments, call, and map the answer.

mod assumption;
mod backfill;
mod call;
mod claims;
mod configuration;
mod explanation;
mod inspection;
mod maintenance;
mod memberships;
mod people;
mod policies;
mod secrets;
mod session;
mod signing_keys;
mod webhooks;
