//! The extension's tables: one statement a function, typed in and out.

pub(crate) mod instances;
pub(crate) mod memberships;
pub(crate) mod signing_keys;
pub(crate) mod trust;
