//! What SQL sees: functions that parse their arguments, call, and map the answer.

mod assumption;
mod call;
mod claims;
mod configuration;
mod explanation;
mod inspection;
mod memberships;
mod policies;
mod session;
mod signing_keys;
