//! A plan as statements: whole, or the difference to what a table has; and the way back.

mod removal;
mod statements;
mod steps;

use super::facts::{PolicyFacts, TableFacts};
use super::plan::{Plan, Policy};
use super::refusal::Refusal;
use removal::Removal;
use steps::Steps;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it does, such as `create policy clerk_select`.
    pub summary: String,
    /// Its statements, without semicolons.
    pub statements: Vec<String>,
}

impl Change {
    pub(crate) fn new(summary: impl Into<String>, statement: String) -> Self {
        Self {
            summary: summary.into(),
            statements: vec![statement],
        }
    }

    /// The statements that change something, as one text; comments are shown where they are all.
    pub fn to_text(&self) -> String {
        let is_comment = |statement: &&String| statement.starts_with("COMMENT ON ");
        let (comments, changing): (Vec<_>, Vec<_>) = self.statements.iter().partition(is_comment);
        let shown = if changing.is_empty() {
            comments
        } else {
            changing
        };
        shown
            .into_iter()
            .map(|statement| format!("{statement};"))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Compares a policy with one in the catalogs, which only Postgres can.
pub type IsSame<'a> = &'a dyn Fn(&Policy, &PolicyFacts) -> bool;

/// All statements of a plan, for a table as it is: policies of the same set are dropped first, and what
/// can be said twice without harm is said again. `others` are the plans of the table's other sets.
///
/// # Errors
/// Where a policy of that name was made by somebody else.
pub fn write_script(
    plan: &Plan,
    others: &[Plan],
    table: &TableFacts,
) -> Result<Vec<Change>, Refusal> {
    Steps::new(plan, others, table, None).write()
}

/// The statements that make the table what the plan says, and none where it is.
///
/// # Errors
/// As [`write_script`], and where an index is missing that is asked for concurrently.
pub fn write_difference(
    plan: &Plan,
    others: &[Plan],
    table: &TableFacts,
    is_same: IsSame<'_>,
) -> Result<Vec<Change>, Refusal> {
    Steps::new(plan, others, table, Some(is_same)).write()
}

/// The statements that take back a set of policies, or all sets, and what was made for them and none
/// of the `remaining` sets needs. Row security stays enabled: the table is closed, not open.
pub fn write_removal(table: &TableFacts, prefix: Option<&str>, remaining: &[Plan]) -> Vec<Change> {
    Removal::new(table, prefix, remaining).write()
}
