//! Tests of `clerk_core` from outside, as one binary: its dependencies are linked once.

mod addresses;
mod authorization;
mod clerk_verdicts;
mod inspection;
mod issuers;
mod key_set;
mod made_tokens;
mod permissions;
mod properties;
mod resource_lies;
mod resources;
mod restrictions;
mod retry;
mod session;
mod signer;
mod stricter;
mod times;
mod token_form;
mod unholdable;
mod vectors;
mod webhook_event;
mod webhook_payloads;
mod webhook_properties;
mod webhook_signature;
