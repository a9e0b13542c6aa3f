//! Tables brought to their specifications: what the catalogs know goes to `clerk_core`, and the
//! statements that come back are run.

use clerk_core::policy::change::{self, Change};
use clerk_core::policy::facts::{PolicyFacts, TableFacts};
use clerk_core::policy::note::Note;
use clerk_core::policy::via::Via;
use clerk_core::policy::{Plan, Policy, Refusal, Specification, plan};
use pgrx::pg_sys::Oid;

use crate::errors::{Administration, AdministrationError};
use crate::storage::rights::confined_to;
use crate::storage::subtransaction::{in_subtransaction, is_of_specification};
use crate::storage::{expressions, search_path, tables};

/// A table, and the tables whose rows its rows follow.
pub(crate) struct Family {
    oid: Oid,
    pub(crate) table: TableFacts,
    parents: Vec<TableFacts>,
    /// Of those, the nearest first.
    parent_oids: Vec<Oid>,
}

/// What was done to tables that follow another one.
#[derive(Default)]
pub(crate) struct Refreshed {
    pub(crate) changes: Vec<Change>,
    /// Tables for which it failed, with the reason.
    pub(crate) stale: Vec<(String, String)>,
}

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
    /// Reads a table and those it follows: by the specification to come, and by those in force.
    pub(crate) fn read(oid: Oid, coming: Option<&Specification>) -> Administration<Self> {
        let table = tables::read_facts(oid)?.ok_or(AdministrationError::UnknownTable)?;
        let mut family = Self {
            oid,
            table,
            parents: Vec::new(),
            parent_oids: Vec::new(),
        };
        let mut vias: Vec<String> = coming
            .and_then(|coming| coming.via.clone())
            .into_iter()
            .collect();
        vias.extend(vias_of(&family.table));
        while let Some(via) = vias.pop() {
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
                vias.extend(vias_of(&facts));
                family.parents.push(facts);
                family.parent_oids.push(parent);
            }
        }
        Ok(family)
    }

    /// Lets those who change the policies of these tables take turns, from the farthest parent down, until the
    /// transaction ends. What was read before must be read again.
    pub(crate) fn lock(&self) {
        for &parent in self.parent_oids.iter().rev() {
            tables::lock(parent);
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
            let present = Oid::from(present.oid);
            let compare = || {
                confined_to(self.owner(), || {
                    expressions::is_same(policy, present, self.oid)
                })
            };
            let same = if plan.has_predicates {
                search_path::with_caller(caller_path, compare)
            } else {
                compare()
            };
            same.unwrap_or_else(|error| {
                failed.replace(Some(error));
                false
            })
        };
        let changes = change::write_difference(plan, &others, &self.table, &is_same)?;
        match failed.take() {
            Some(error) => Err(error.into()),
            None => Ok(changes),
        }
    }

    /// Brings a set of the table to what it means now, and says what was changed.
    fn refresh(
        &self,
        specification: &Specification,
        caller_path: &str,
    ) -> Administration<Vec<Change>> {
        let plan = self.plan(specification)?;
        if plan.writes_by_reading {
            return Err(AdministrationError::UnknownParent);
        }
        let changes = self.difference(&plan, caller_path)?;
        self.apply(&changes, &plan, caller_path)?;
        Ok(changes)
    }

    /// Runs the statements. A policy may hold what somebody wrote: it is made with the rights of the table's
    /// owner, and its names are looked up on the caller's path where there is a predicate.
    pub(crate) fn apply(
        &self,
        changes: &[Change],
        plan: &Plan,
        caller_path: &str,
    ) -> Administration<()> {
        for statement in changes.iter().flat_map(|change| &change.statements) {
            if !statement.starts_with("CREATE POLICY ") {
                tables::execute(statement)?;
                continue;
            }
            let create = || confined_to(self.owner(), || tables::execute(statement));
            if plan.has_predicates {
                search_path::with_caller(caller_path, create)?;
            } else {
                create()?;
            }
        }
        Ok(())
    }

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

/// The parent that a `via` names.
pub(crate) fn find_parent(via: &Via, caller_path: &str) -> Administration<Option<Oid>> {
    Ok(tables::find(
        via.schema.as_deref(),
        &via.table,
        caller_path,
    )?)
}

/// Runs statements that hold nothing but names.
pub(crate) fn run(changes: &[Change]) -> Administration<()> {
    for statement in changes.iter().flat_map(|change| &change.statements) {
        tables::execute(statement)?;
    }
    Ok(())
}

/// Runs a statement with the rights of a table's owner, which the caller must have, and no others.
pub(crate) fn execute_as_owner(oid: Oid, statement: &str) -> Administration<()> {
    let table = tables::read_facts(oid)?.ok_or(AdministrationError::UnknownTable)?;
    table.check_owned()?;
    confined_to(Oid::from(table.owner), || tables::execute(statement))?;
    Ok(())
}

/// Brings the tables that follow this one, and those that follow them, to what their specifications
/// now mean.
pub(crate) fn refresh_children(
    parent: &TableFacts,
    caller_path: &str,
) -> Administration<Refreshed> {
    let mut refreshed = Refreshed::default();
    let mut changed = vec![(parent.schema.clone(), parent.name.clone())];
    let mut at = 0;
    while let Some((schema, name)) = changed.get(at).cloned() {
        at += 1;
        for oid in tables::list_children()? {
            // A child that cannot be brought up to date keeps nobody from protecting the parent.
            match in_subtransaction(is_of_specification, || {
                refresh_child(oid, &schema, &name, caller_path)
            }) {
                Ok((changes, _)) if changes.is_empty() => {}
                Ok((changes, child)) => {
                    refreshed.changes.extend(changes);
                    if !changed.contains(&child) {
                        changed.push(child);
                    }
                }
                Err(error) => refreshed.stale.push((tables::name(oid)?, error)),
            }
        }
    }
    Ok(refreshed)
}

/// Names of the tables whose rows follow this one's.
pub(crate) fn list_children(parent: &TableFacts) -> Administration<Vec<String>> {
    let mut names = Vec::new();
    for oid in tables::list_children()? {
        let Some(child) = tables::read_facts(oid)? else {
            continue;
        };
        let sets = child.made_sets();
        if sets
            .iter()
            .any(|set| follows(&set.specification, &parent.schema, &parent.name))
        {
            names.push(child.quoted());
        }
    }
    Ok(names)
}

/// Brings the sets of a table that follow the parent up to date. Gives the changes, and which table it is.
fn refresh_child(
    oid: Oid,
    schema: &str,
    name: &str,
    caller_path: &str,
) -> Administration<(Vec<Change>, (String, String))> {
    let is_child = |family: &Family| {
        let sets = family.table.made_sets();
        sets.iter()
            .any(|set| follows(&set.specification, schema, name))
    };
    let mut family = Family::read(oid, None)?;
    if is_child(&family) {
        family.table.check_protectable()?;
        family.lock();
        family = Family::read(oid, None)?;
    }
    let mut done = Vec::new();
    for set in family.table.made_sets() {
        if follows(&set.specification, schema, name) {
            done.extend(family.refresh(&set.specification, caller_path)?);
        }
    }
    let quoted = family.table.quoted();
    for change in &mut done {
        change.summary = format!("{quoted}: {}", change.summary);
    }
    Ok((done, (family.table.schema, family.table.name)))
}

fn follows(specification: &Specification, schema: &str, name: &str) -> bool {
    let via = specification
        .via
        .as_deref()
        .and_then(|via| Via::parse(via).ok());
    via.is_some_and(|via| via.schema.as_deref() == Some(schema) && via.table == name)
}

fn vias_of(table: &TableFacts) -> impl Iterator<Item = String> {
    table
        .made_sets()
        .into_iter()
        .filter_map(|set| set.specification.via)
}

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
