//! Tables that follow another one, brought to what they mean now.

use clerk_core::policy::Specification;
use clerk_core::policy::change::Change;
use clerk_core::policy::facts::TableFacts;
use clerk_core::policy::via::Via;
use pgrx::pg_sys::{self, Oid};

use super::Family;
use crate::errors::{Administration, AdministrationError};
use crate::storage::subtransaction::in_subtransaction;
use crate::storage::tables;

/// What was done to tables that follow another one.
#[derive(Default)]
pub(crate) struct Refreshed {
    pub(crate) changes: Vec<Change>,
    /// Tables for which it failed, with the reason.
    pub(crate) stale: Vec<(String, String)>,
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
        for oid in tables::list_children(|note| follows(&note.specification, &schema, &name))? {
            let Some(owner) = tables::owner(oid)? else {
                continue;
            };
            // SAFETY: reads a variable of this backend.
            let is_own = unsafe { pg_sys::GetUserId() } == owner;
            // A child that cannot be brought up to date keeps nobody from protecting the parent: least of all
            // by an error that its owner thought of.
            match in_subtransaction(
                |failure| !is_own || failure.is_of_specification(),
                || refresh_child(oid, &schema, &name, caller_path),
            ) {
                Ok((_, changes)) if changes.is_empty() => {}
                Ok((child, changes)) => {
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
    tables::list_children(|note| follows(&note.specification, &parent.schema, &parent.name))?
        .into_iter()
        .map(|oid| Ok(tables::name(oid)?))
        .collect()
}

/// Brings the sets of a table that follow the parent up to date, and says what was changed in which table.
fn refresh_child(
    oid: Oid,
    schema: &str,
    name: &str,
    caller_path: &str,
) -> Administration<((String, String), Vec<Change>)> {
    let family = Family::read(oid, None)?;
    family.table.check_protectable()?;
    family.lock();
    let family = Family::read(oid, None)?;
    let mut done = Vec::new();
    for set in family.table.made_sets() {
        if follows(&set.specification, schema, name) {
            done.extend(refresh_set(&family, &set.specification, caller_path)?);
        }
    }
    let quoted = family.table.quoted();
    for change in &mut done {
        change.summary = format!("{quoted}: {}", change.summary);
    }
    let child = (family.table.schema.clone(), family.table.name.clone());
    Ok((child, done))
}

/// Brings a set of the table to what it means now.
fn refresh_set(
    family: &Family,
    specification: &Specification,
    caller_path: &str,
) -> Administration<Vec<Change>> {
    let plan = family.plan(specification)?;
    if plan.writes_by_reading {
        return Err(AdministrationError::UnknownParent);
    }
    let changes = family.difference(&plan, caller_path)?;
    family.apply(&changes, &plan, false, caller_path)?;
    Ok(changes)
}

fn follows(specification: &Specification, schema: &str, name: &str) -> bool {
    let via = specification
        .via
        .as_deref()
        .and_then(|via| Via::parse(via).ok());
    via.is_some_and(|via| via.schema.as_deref() == Some(schema) && via.table == name)
}
