//! Tests of `clerk_core` from outside, as one binary: its dependencies are linked once.

mod addresses;
mod assumed;
mod authorization;
mod clerk_verdicts;
mod inspection;
mod issuers;
mod key_refresh;
mod key_set;
mod made_tokens;
mod permissions;
mod properties;
mod restrictions;
mod session;
mod signer;
mod stricter;
mod times;
mod token_form;
mod vectors;
