//! How the policies of a table stand to their specifications.

use clerk_core::policy::change::Change;
use clerk_core::policy::facts::TableFacts;
use clerk_core::policy::note::Note;
use clerk_core::policy::{Plan, Refusal};

use super::Family;
use crate::errors::{Administration, AdministrationError};
use crate::storage::subtransaction::in_subtransaction;

/// How a set of policies stands.
pub(crate) struct SetReport {
    pub(crate) note: Note,
    /// A policy of the set, how it stands, and what is the matter.
    pub(crate) policies: Vec<(String, Standing, String)>,
}

/// Whether a policy is what its specification makes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is.
    Ok,
    /// It is not there.
    Missing,
    /// It is another now.
    Differs,
    /// It is, but not all that belongs to the set.
    Incomplete,
    /// The specification no longer holds for the table.
    Broken,
    /// It cannot be compared.
    Unknown,
    /// Row security of the table is off.
    Disabled,
}

impl Family {
    /// How each set of the table stands.
    pub(crate) fn report(&mut self, caller_path: &str) -> Administration<Vec<SetReport>> {
        // Whoever may look may compare.
        self.table.is_owned = true;
        let sets = self.table.made_sets();
        sets.into_iter()
            .map(|note| self.report_set(note, caller_path))
            .collect()
    }

    fn compare(&self, plan: &Plan, caller_path: &str) -> Administration<Compared> {
        match self.difference(plan, caller_path) {
            Ok(changes) => Ok(Ok(changes)),
            Err(AdministrationError::Policy(refusal)) => Ok(Err(refusal)),
            Err(error) => Err(error),
        }
    }

    fn report_set(&self, note: Note, caller_path: &str) -> Administration<SetReport> {
        let names = note.policies();
        let all = |standing, detail: &str| {
            let policy = |name: &String| (name.clone(), standing, detail.to_owned());
            names.iter().map(policy).collect()
        };
        let policies = match self.plan(&note.specification) {
            Err(refusal) => all(Standing::Broken, &refusal.to_string()),
            Ok(_) if !self.table.row_security => {
                all(Standing::Disabled, "row security is disabled")
            }
            Ok(plan) => match in_subtransaction(|_| true, || self.compare(&plan, caller_path)) {
                Ok(Ok(changes)) => {
                    let policy = |name: &String| judge(name, &self.table, &changes);
                    names.iter().map(policy).collect()
                }
                Ok(Err(refusal)) => all(Standing::Broken, &refusal.to_string()),
                // Whoever owns a table writes its comments: what is wrong with one hides no other.
                Err(error) => all(Standing::Unknown, &error),
            },
        };
        Ok(SetReport { note, policies })
    }
}

/// What is asked of the database in a subtransaction, and a refusal apart from what failed there.
type Compared = Result<Vec<Change>, Refusal>;

fn judge(name: &str, table: &TableFacts, changes: &[Change]) -> (String, Standing, String) {
    let is_there = table.policies.iter().any(|policy| policy.name == name);
    let replacement = format!("replace policy {name}");
    let is_replaced = changes.iter().any(|change| change.summary == replacement);
    let (standing, detail) = if !is_there {
        (Standing::Missing, "dropped, or renamed".to_owned())
    } else if is_replaced {
        let detail = "not what its specification makes: changed by hand, or the table has changed";
        (Standing::Differs, detail.to_owned())
    } else if let Some(first) = changes.iter().find(|change| !is_of_policies(change)) {
        (
            Standing::Incomplete,
            format!("clerk.protect() would {}", first.summary),
        )
    } else {
        (Standing::Ok, String::new())
    };
    (name.to_owned(), standing, detail)
}

/// Whether the change is of a policy, which is judged by itself.
fn is_of_policies(change: &Change) -> bool {
    [
        "create policy ",
        "replace policy ",
        "drop policy ",
        "comment on policy ",
    ]
    .iter()
    .any(|verb| change.summary.starts_with(verb))
}

impl Standing {
    /// As `clerk.policies` shows it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Differs => "differs",
            Self::Incomplete => "incomplete",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
            Self::Disabled => "disabled",
        }
    }
}
