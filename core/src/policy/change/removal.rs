//! The way back.

use super::Change;
use super::statements::{
    comment_policy, drop_default, drop_policy, drop_unneeded_guards, drop_unneeded_indexes, revoke,
};
use crate::policy::facts::{ColumnFacts, TableFacts};
use crate::policy::note::{Made, Note};
use crate::policy::plan::Plan;

pub(super) struct Removal<'a> {
    table: &'a TableFacts,
    prefix: Option<&'a str>,
    remaining: &'a [Plan],
    changes: Vec<Change>,
}

impl<'a> Removal<'a> {
    pub(super) fn new(
        table: &'a TableFacts,
        prefix: Option<&'a str>,
        remaining: &'a [Plan],
    ) -> Self {
        Self {
            table,
            prefix,
            remaining,
            changes: Vec::new(),
        }
    }

    pub(super) fn write(mut self) -> Vec<Change> {
        if !self.table.made_sets().iter().any(|set| self.removes(set)) {
            return self.changes;
        }
        for (policy, note) in self.table.made_policies() {
            if self.removes(&note) {
                self.changes.push(drop_policy(&policy.name, self.table));
            }
        }
        if self.table.knows_others(self.prefix, self.remaining.len()) {
            let remaining: Vec<_> = self.remaining.iter().collect();
            self.changes
                .extend(drop_unneeded_guards(self.table, &remaining));
            self.changes
                .extend(drop_unneeded_indexes(self.table, &remaining));
            self.take_back();
        }
        self.changes
    }

    fn removes(&self, set: &Note) -> bool {
        self.prefix.is_none_or(|prefix| prefix == set.prefix())
    }

    /// Defaults and privileges that were made for the set. What a remaining set needs becomes its own.
    fn take_back(&mut self) {
        let (removed, kept): (Vec<_>, Vec<_>) = self
            .table
            .made_sets()
            .into_iter()
            .partition(|set| self.removes(set));
        let mut made = Made::default();
        for set in &removed {
            made.absorb(&set.made);
        }
        for column in &made.defaults {
            let facts = self.table.column(column);
            let has_default = facts.is_some_and(ColumnFacts::has_session_default);
            if has_default && !self.remaining.iter().any(|plan| plan.fills(column)) {
                self.changes.push(drop_default(column, self.table));
            }
        }
        for (role, privilege) in &made.grants {
            let is_wanted = self
                .remaining
                .iter()
                .any(|plan| plan.grants_to(role, privilege));
            if !is_wanted && self.table.has_role(role) {
                self.changes.extend(revoke(role, privilege, self.table));
            }
        }
        for set in kept {
            self.hand_over(set, &made);
        }
    }

    fn hand_over(&mut self, mut set: Note, made: &Made) {
        let Some(plan) = self
            .remaining
            .iter()
            .find(|plan| plan.specification.prefix() == set.prefix())
        else {
            return;
        };
        let before = set.made.clone();
        let mut needed = made.clone();
        needed.defaults.retain(|column| plan.fills(column));
        needed
            .grants
            .retain(|(role, privilege)| plan.grants_to(role, privilege));
        set.made.absorb(&needed);
        if set.made == before {
            return;
        }
        for (policy, note) in self.table.made_policies() {
            if note.prefix() == set.prefix() {
                self.changes
                    .push(comment_policy(&policy.name, &set, self.table));
            }
        }
    }
}
