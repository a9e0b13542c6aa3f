//! The extension's tables: one statement a function, typed in and out.

pub(crate) mod expressions;
pub(crate) mod instances;
pub(crate) mod locks;
pub(crate) mod memberships;
pub(crate) mod search_path;
pub(crate) mod signing_keys;
pub(crate) mod subtransaction;
pub(crate) mod tables;
pub(crate) mod trust;
