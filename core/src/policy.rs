//! Row security from one line: a [`Specification`] and the [`facts`] of a table made into statements.
//!
//! Data flows one way. [`plan`](plan()) checks the specification against the facts, refuses what would
//! not protect, and says what the table should have: policies, guards, indexes, defaults, grants. The
//! functions of [`change`] write that as SQL, whole or as the difference to what is there. Every
//! policy carries a [`note::Note`] in its comment, so that what was made can be listed, compared,
//! replaced and taken back, after a dump and restore as well.

pub mod change;
pub mod facts;
pub mod names;
pub mod note;
pub mod predicate;
pub mod refusal;
pub mod specification;
pub mod via;

mod checks;
mod condition;
mod plan;
mod resolve;

pub use condition::DEEPEST;
pub use plan::{Grant, Guard, GuardKind, Plan, Policy, plan};
pub use refusal::{Refusal, RefusalKind};
pub use specification::{Command, Specification, Template};
