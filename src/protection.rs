//! Tables brought to their specifications: what the catalogs know goes to `clerk_core`, and the
//! statements that come back are run.

mod children;
mod report;

use std::collections::VecDeque;

use clerk_core::policy::change::{self, Change};
use clerk_core::policy::facts::{PolicyFacts, TableFacts};
use clerk_core::policy::specification::Command;
use clerk_core::policy::via::Via;
use clerk_core::policy::{DEEPEST, Plan, Policy, Refusal, Specification, plan};
use pgrx::pg_sys::{self, Oid};

pub(crate) use self::children::{list_children, refresh_children};
pub(crate) use self::report::SetReport;
use crate::errors::{Administration, AdministrationError};
use crate::storage::rights::confined_to;
use crate::storage::subtransaction::in_undone_subtransaction;
use crate::storage::{expressions, search_path, tables};

/// How many tables are read because one follows them: whoever owns a table can write that it follows others.
const MOST_PARENTS: usize = 64;

/// A table, and the tables whose rows its rows follow.
pub(crate) struct Family {
    oid: Oid,
    pub(crate) table: TableFacts,
    parents: Vec<TableFacts>,
    /// Of those, the nearest first.
    parent_oids: Vec<Oid>,
}

impl Family {
    /// Reads a table and those it follows: by the specification to come, and by those in force.
    pub(crate) fn read(oid: Oid, coming: Option<&Specification>) -> Administration<Self> {
        let table = tables::read_facts(oid)?.ok_or(AdministrationError::UnknownTable)?;
        let mut family = Self {
            oid,
            table,
            parents: Vec::new(),
            parent_oids: Vec::new(),
        };
        let coming = coming.and_then(|coming| coming.via.clone());
        let mut ahead: VecDeque<(String, usize)> = coming
            .into_iter()
            .chain(vias_of(&family.table))
            .map(|via| (via, 0))
            .collect();
        while let Some((via, depth)) = ahead.pop_front() {
            if depth > DEEPEST || family.parents.len() == MOST_PARENTS {
                continue;
            }
            // What does not parse, or leads nowhere, is refused when it is planned.
            let Ok(via) = Via::parse(&via) else {
                continue;
            };
            let Some(parent) = find_parent(&via, "")? else {
                continue;
            };
            if !family.parent_oids.contains(&parent)
                && let Some(mut facts) = tables::read_facts(parent)?
            {
                // A parent is followed, not changed: it may be somebody else's.
                facts.is_owned = true;
                ahead.extend(vias_of(&facts).map(|via| (via, depth + 1)));
                family.parents.push(facts);
                family.parent_oids.push(parent);
            }
        }
        family.forget_altered_parents();
        Ok(family)
    }

    /// A parent's policy that somebody changed by hand says no more who may change the parent's rows: it counts
    /// as one that was not made here. One with a predicate is taken at its word, since its names may be looked up
    /// elsewhere now.
    fn forget_altered_parents(&mut self) {
        for at in (0..self.parents.len()).rev() {
            let parent = &self.parents[at];
            let mut altered = Vec::new();
            for set in parent.made_sets() {
                let Ok(plan) = plan(&set.specification, parent, &self.parents) else {
                    continue;
                };
                if plan.has_predicates {
                    continue;
                }
                let of_update = |policy: &&Policy| policy.command == Command::Update;
                for policy in plan.policies.iter().filter(of_update) {
                    let mut known = parent.policies.iter();
                    let present = known.position(|present| present.name == policy.name);
                    if let Some(place) = present {
                        let present = &parent.policies[place];
                        let (table, owner) = (self.parent_oids[at], Oid::from(parent.owner));
                        let is_same = in_undone_subtransaction(
                            |_| true,
                            || compare(policy, present, table, owner),
                        );
                        if is_same != Ok(true) {
                            altered.push(place);
                        }
                    }
                }
            }
            for place in altered {
                self.parents[at].policies[place].comment = None;
            }
        }
    }

    /// Lets those who change the policies of these tables take turns, from the farthest parent down, until the
    /// transaction ends. What was read before must be read again.
    pub(crate) fn lock(&self) {
        for &parent in self.parent_oids.iter().rev() {
            tables::hold(parent);
        }
        tables::lock(self.oid);
    }

    /// What the specification asks of the table.
    pub(crate) fn plan(&self, specification: &Specification) -> Result<Plan, Refusal> {
        plan(specification, &self.table, &self.parents)
    }

    fn owner(&self) -> Oid {
        Oid::from(self.table.owner)
    }

    /// The plans of the sets in force but for one of them, and those whose specification no longer
    /// holds left out.
    pub(crate) fn other_plans(&self, prefix: Option<&str>) -> Vec<Plan> {
        let sets = self.table.made_sets().into_iter();
        sets.filter(|set| prefix.is_some_and(|prefix| set.prefix() != prefix))
            .filter_map(|set| self.plan(&set.specification).ok())
            .collect()
    }

    /// What must be done to bring the table to the plan.
    pub(crate) fn difference(&self, plan: &Plan, caller_path: &str) -> Administration<Vec<Change>> {
        let others = self.other_plans(Some(plan.specification.prefix()));
        // The comparison cannot fail in core; what failed is said here.
        let failed = std::cell::RefCell::new(None);
        let is_same = |policy: &Policy, present: &PolicyFacts| {
            // It leaves nothing behind, and an error of Postgres, in a predicate for example, is the caller's.
            let compare = || compare(policy, present, self.oid, self.owner());
            let is_same = in_undone_subtransaction(
                |_| false,
                || {
                    if plan.has_predicates {
                        search_path::with_caller(caller_path, compare)
                    } else {
                        compare()
                    }
                },
            );
            is_same.unwrap_or_else(|error| {
                failed.replace(Some(AdministrationError::Comparison(error)));
                false
            })
        };
        let changes = change::write_difference(plan, &others, &self.table, &is_same)?;
        match failed.take() {
            Some(error) => Err(error),
            None => Ok(changes),
        }
    }

    /// Runs the statements of a plan. A policy may hold what somebody wrote: its names are looked up on the
    /// caller's path where there is a predicate. What others than the caller wrote is parsed for nobody but the
    /// owner of the table: parsing can run code.
    pub(crate) fn apply(
        &self,
        changes: &[Change],
        plan: &Plan,
        is_callers: bool,
        caller_path: &str,
    ) -> Administration<()> {
        // SAFETY: reads a variable of this backend.
        let is_owner = unsafe { pg_sys::GetUserId() } == self.owner();
        let is_foreign = plan.inherits_predicates || (plan.has_predicates && !is_callers);
        for statement in changes.iter().flat_map(|change| &change.statements) {
            if !statement.starts_with("CREATE POLICY ") {
                self.execute(statement)?;
            } else if is_foreign && !is_owner {
                return Err(AdministrationError::ForeignPredicate);
            } else if plan.has_predicates {
                search_path::with_caller(caller_path, || self.execute(statement))?;
            } else {
                self.execute(statement)?;
            }
        }
        Ok(())
    }

    /// Runs statements that hold nothing but names.
    pub(crate) fn run(&self, changes: &[Change]) -> Administration<()> {
        for statement in changes.iter().flat_map(|change| &change.statements) {
            self.execute(statement)?;
        }
        Ok(())
    }

    /// Runs a statement on the table, with its owner's rights where those do: it names the table, and a name may
    /// mean another one a moment later. So nobody can come in between, and it is looked at before and after.
    fn execute(&self, statement: &str) -> Administration<()> {
        tables::keep_for(self.oid, statement);
        self.check_name()?;
        if needs_caller(statement) {
            tables::execute(statement)?;
        } else {
            confined_to(self.owner(), || tables::execute(statement))?;
        }
        self.check_name()
    }

    fn check_name(&self) -> Administration<()> {
        let (schema, name) = (&self.table.schema, &self.table.name);
        if tables::find(Some(schema), name, "")? == Some(self.oid) {
            Ok(())
        } else {
            Err(AdministrationError::Renamed)
        }
    }
}

/// The functions of triggers and the schema of indexes are matters of privileges that a table's owner need not
/// have.
fn needs_caller(statement: &str) -> bool {
    ["CREATE OR REPLACE TRIGGER ", "CREATE INDEX "]
        .iter()
        .any(|verb| statement.starts_with(verb))
}

/// Compares a policy with one in the catalogs, with the rights of the table's owner: parsing can run code.
fn compare(
    policy: &Policy,
    present: &PolicyFacts,
    table: Oid,
    owner: Oid,
) -> Result<bool, pgrx::spi::Error> {
    let present = Oid::from(present.oid);
    confined_to(owner, || expressions::is_same(policy, present, table))
}

/// The parent that a `via` names.
pub(crate) fn find_parent(via: &Via, caller_path: &str) -> Administration<Option<Oid>> {
    Ok(tables::find(
        via.schema.as_deref(),
        &via.table,
        caller_path,
    )?)
}

fn vias_of(table: &TableFacts) -> impl Iterator<Item = String> + use<> {
    table
        .made_sets()
        .into_iter()
        .filter_map(|set| set.specification.via)
}
