//! From a plan to statements.

use super::statements::{
    alter_table, comment_policy, create_guard, create_index, create_policy, drop_default,
    drop_policy, drop_unneeded_guards, drop_unneeded_indexes, enable_trigger, grant, is_whole,
    leads, revoke, set_default,
};
use super::{Change, IsSame};
use crate::policy::facts::{ColumnFacts, TableFacts};
use crate::policy::names::{free_name, quote_name};
use crate::policy::note::{LONGEST_NOTE, Made, Note};
use crate::policy::plan::{Guard, Plan};
use crate::policy::refusal::{Refusal, RefusalKind};

pub(super) struct Steps<'a> {
    plan: &'a Plan,
    others: &'a [Plan],
    table: &'a TableFacts,
    /// None: every statement is written.
    is_same: Option<IsSame<'a>>,
    changes: Vec<Change>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        others: &'a [Plan],
        table: &'a TableFacts,
        is_same: Option<IsSame<'a>>,
    ) -> Self {
        Self {
            plan,
            others,
            table,
            is_same,
            changes: Vec::new(),
        }
    }

    /// Indexes come first: they take long, and what follows locks readers out until the transaction
    /// ends. Then row security, then policies.
    pub(super) fn write(mut self) -> Result<Vec<Change>, Refusal> {
        let mut plans = vec![self.plan];
        plans.extend(self.others);
        let mut made = self.made_before();
        self.write_indexes()?;
        self.write_row_security();
        self.write_defaults(&mut made, &plans);
        let privileges = self.privileges(&mut made, &plans);
        self.write_policies(made)?;
        self.write_guards();
        if self.knows_others() {
            self.changes
                .extend(drop_unneeded_guards(self.table, &plans));
            self.changes
                .extend(drop_unneeded_indexes(self.table, &plans));
        }
        self.changes.extend(privileges);
        Ok(self.changes)
    }

    fn knows_others(&self) -> bool {
        let prefix = self.plan.specification.prefix();
        self.table.knows_others(Some(prefix), self.others.len())
    }

    fn writes_all(&self) -> bool {
        self.is_same.is_none()
    }

    fn write_row_security(&mut self) {
        let table = self.table;
        let mut push = |summary: &str, action: &str| {
            self.changes
                .push(alter_table(table, summary.to_owned(), action));
        };
        let all = self.is_same.is_none();
        if all || !table.row_security {
            push("enable row security", "ENABLE ROW LEVEL SECURITY");
        }
        match self.plan.specification.force {
            Some(true) if all || !table.force_row_security => {
                push("force row security", "FORCE ROW LEVEL SECURITY");
            }
            Some(false) if table.force_row_security => {
                push(
                    "no longer force row security",
                    "NO FORCE ROW LEVEL SECURITY",
                );
            }
            _ => {}
        }
    }

    /// What was made for this set before.
    fn made_before(&self) -> Made {
        let prefix = self.plan.specification.prefix();
        let sets = self.table.made_sets();
        let own = sets.into_iter().find(|set| set.prefix() == prefix);
        own.map_or_else(Made::default, |set| set.made)
    }

    fn write_defaults(&mut self, made: &mut Made, plans: &[&Plan]) {
        let knows_others = self.knows_others();
        made.defaults.retain(|column| {
            let is_filled = !knows_others || plans.iter().any(|plan| plan.fills(column));
            let facts = self.table.column(column);
            if !is_filled && facts.is_some_and(ColumnFacts::has_session_default) {
                self.changes.push(drop_default(column, self.table));
            }
            is_filled && facts.is_some()
        });
        for (column, function) in &self.plan.defaults {
            let Some(facts) = self.table.column(column) else {
                continue;
            };
            let is_made = made.defaults.contains(column);
            if facts.is_generated || (facts.default.is_some() && !is_made) {
                continue;
            }
            if self.writes_all() || facts.default.is_none() {
                self.changes.push(set_default(column, function, self.table));
            }
            if !is_made {
                made.defaults.push(column.clone());
            }
        }
    }

    fn privileges(&self, made: &mut Made, plans: &[&Plan]) -> Vec<Change> {
        let mut changes = Vec::new();
        made.grants.retain(|(role, privilege)| {
            let is_wanted =
                !self.knows_others() || plans.iter().any(|plan| plan.grants_to(role, privilege));
            if !is_wanted && self.table.has_role(role) {
                changes.extend(revoke(role, privilege, self.table));
            }
            is_wanted
        });
        for wanted in &self.plan.grants {
            let pair = (wanted.role.clone(), wanted.privilege.clone());
            let is_made = made.grants.contains(&pair);
            let is_there = self.table.has_grant(&wanted.role, &wanted.privilege);
            if is_there && !(self.writes_all() && is_made) {
                continue;
            }
            if !is_made {
                made.grants.push(pair);
            }
            changes.extend(grant(&wanted.role, &wanted.privilege, self.table));
        }
        changes
    }

    fn write_policies(&mut self, made: Made) -> Result<(), Refusal> {
        let table = self.table;
        let note = Note {
            specification: self.plan.specification.clone(),
            made,
        };
        let comment = note.to_comment();
        if comment.len() > LONGEST_NOTE {
            return Err(Refusal::new(
                RefusalKind::Option,
                "the options are too long to be kept",
            )
            .detail(format_args!(
                "They have {} bytes as JSON, and {LONGEST_NOTE} are read.",
                comment.len()
            ))
            .hint("Put long conditions into a function, and long lists of roles into one role."));
        }
        for policy in &self.plan.policies {
            let present = table
                .policies
                .iter()
                .find(|known| known.name == policy.name);
            if let Some(present) = present {
                if present
                    .note()
                    .is_none_or(|known| known.prefix() != note.prefix())
                {
                    return Err(self.refuse_taken(&policy.name));
                }
                if self.is_same.is_some_and(|is_same| is_same(policy, present)) {
                    if present.comment.as_deref() != Some(&comment) {
                        self.changes
                            .push(comment_policy(&policy.name, &note, table));
                    }
                    continue;
                }
            }
            let replaces = present.is_some();
            self.changes
                .push(create_policy(policy, &note, table, replaces));
        }
        for (known, theirs) in table.made_policies() {
            if theirs.prefix() == note.prefix() && !note.policies().contains(&known.name) {
                self.changes.push(drop_policy(&known.name, table));
            }
        }
        Ok(())
    }

    fn refuse_taken(&self, name: &str) -> Refusal {
        Refusal::new(
            RefusalKind::Taken,
            format_args!(
                "policy {} of {} was made by somebody else",
                quote_name(name),
                self.table.quoted()
            ),
        )
        .hint("Give another prefix, or drop that policy first.")
    }

    fn write_guards(&mut self) {
        let present = |guard: &Guard| {
            self.table.triggers.iter().find(|trigger| {
                trigger.guard.as_deref() == Some(guard.kind.function())
                    && trigger.column.as_deref() == Some(&guard.column)
            })
        };
        let mut taken: Vec<_> = self
            .table
            .triggers
            .iter()
            .map(|trigger| trigger.name.clone())
            .collect();
        for guard in &self.plan.guards {
            let present = present(guard);
            if let Some(trigger) = present
                && !self.writes_all()
                && is_whole(trigger, guard, self.table)
            {
                if !trigger.is_enabled {
                    self.changes.push(enable_trigger(&trigger.name, self.table));
                }
                continue;
            }
            let name = match present {
                Some(trigger) => trigger.name.clone(),
                None => free_name(guard.kind.name_prefix(), &guard.column, |name| {
                    taken.iter().any(|taken| taken == name)
                }),
            };
            self.changes.push(create_guard(&name, guard, self.table));
            taken.push(name);
        }
    }

    fn write_indexes(&mut self) -> Result<(), Refusal> {
        let concurrently = self.plan.specification.indexes.as_deref() == Some("concurrently");
        let mut taken = self.table.taken_names.clone();
        for columns in &self.plan.indexed {
            let present = self
                .table
                .indexes
                .iter()
                .find(|index| leads(index, columns));
            let name = match present {
                Some(index) if self.writes_all() && index.is_made() => index.name.clone(),
                Some(_) => continue,
                None => {
                    let front = format!("{}_{}", self.table.name, columns.join("_"));
                    free_name(&front, "clerk_idx", |name| {
                        taken.iter().any(|taken| taken == name)
                    })
                }
            };
            if concurrently && !self.writes_all() {
                return Err(Refusal::new(
                    RefusalKind::Unsupported,
                    "an index cannot be created concurrently in a transaction",
                )
                .hint(
                    "Run the statements of clerk.policy_sql() one by one, or leave indexes out.",
                ));
            }
            self.changes
                .push(create_index(&name, columns, concurrently, self.table));
            taken.push(name);
        }
        Ok(())
    }
}
