//! Tests of `clerk_core` from outside, as one binary: its dependencies are linked once.

mod addresses;
mod authorization;
mod clerk_verdicts;
mod inspection;
mod issuers;
mod key_set;
mod made_tokens;
mod permissions;
mod policy_catalog;
mod policy_change;
mod policy_facts;
mod policy_inherit;
mod policy_option_refusals;
mod policy_options;
mod policy_refusals;
mod policy_templates;
mod policy_tokens;
mod properties;
mod restrictions;
mod session;
mod signer;
mod stricter;
mod times;
mod token_form;
mod vectors;
