//! Policies from one line. Their SQL is in `sql/policies.sql`.

use clerk_core::policy::change::{self, Change};
use clerk_core::policy::via::Via;
use clerk_core::policy::{Plan, Specification};
use pgrx::datum::AnyElement;
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::call::jsonb_text;
use super::signing_keys::refuse_read_only;
use crate::errors::{self, Administration, AdministrationError};
use crate::protection::{self, Family, SetReport};
use crate::storage::subtransaction::in_subtransaction;
use crate::storage::{search_path, tables};

#[pg_extern(sql = false)]
fn policy_sql(
    target: Option<Oid>,
    options: Option<AnyElement>,
) -> Result<SetOfIterator<'static, String>, ErrorReport> {
    let caller_path = search_path::current();
    let changes = search_path::with_catalog(|| {
        let (family, plan) = read(target, options.as_ref(), &caller_path)?;
        for child in protection::list_children(&family.table)? {
            notice!(
                "{child} follows this table and is not in this text: call clerk.policy_sql() for it afterwards"
            );
        }
        let others = family.other_plans(Some(plan.specification.prefix()));
        let script = change::write_script(&plan, &others, &family.table);
        Ok::<_, AdministrationError>(script?)
    })?;
    let statements = changes.into_iter().flat_map(|change| change.statements);
    Ok(SetOfIterator::new(
        statements.map(|statement| format!("{statement};")),
    ))
}

#[pg_extern(sql = false)]
fn protect(
    target: Option<Oid>,
    options: Option<AnyElement>,
) -> Result<TableIterator<'static, (name!(change, String), name!(statement, String))>, ErrorReport>
{
    refuse_read_only(c"clerk.protect()");
    let caller_path = search_path::current();
    let changes = search_path::with_catalog(|| {
        // What is refused keeps nobody waiting.
        let (family, _) = read(target, options.as_ref(), &caller_path)?;
        family.lock();
        let (family, plan) = read(target, options.as_ref(), &caller_path)?;
        let changes = family.difference(&plan, &caller_path)?;
        family.apply(&changes, &plan, true, &caller_path)?;
        for notice in &plan.notices {
            notice!("{notice}");
        }
        with_children(changes, &family, &caller_path)
    })?;
    Ok(rows_of(changes))
}

#[pg_extern(sql = false)]
fn unprotect(
    target: Option<Oid>,
    prefix: Option<&str>,
) -> Result<TableIterator<'static, (name!(change, String), name!(statement, String))>, ErrorReport>
{
    refuse_read_only(c"clerk.unprotect()");
    let caller_path = search_path::current();
    let changes = search_path::with_catalog(|| {
        let target = target.ok_or(AdministrationError::MissingArgument("target"))?;
        let family = Family::read(target, None)?;
        family.table.check_protectable()?;
        family.lock();
        let family = Family::read(target, None)?;
        let remaining = prefix.map_or_else(Vec::new, |prefix| family.other_plans(Some(prefix)));
        let changes = change::write_removal(&family.table, prefix, &remaining);
        family.run(&changes)?;
        let left = Family::read(target, None)?.table.policies;
        if !changes.is_empty() && left.is_empty() {
            errors::notice_of_closed_table(&family.table.quoted());
        }
        with_children(changes, &family, &caller_path)
    })?;
    Ok(rows_of(changes))
}

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "one for each column of the view")]
fn list_policies() -> Result<
    TableIterator<
        'static,
        (
            name!(target, Oid),
            name!(policy, String),
            name!(prefix, String),
            name!(template, String),
            name!(specification, String),
            name!(status, String),
            name!(detail, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let caller_path = search_path::current();
    let rows = search_path::with_catalog(|| {
        let mut rows = Vec::new();
        for target in tables::list_protected()? {
            // What one owner wrote hides no other's.
            let reports = match in_subtransaction(|_| true, || report(target, &caller_path)) {
                Ok(reports) => reports,
                Err(error) => {
                    let target = target.to_u32();
                    warning!("the policies of the table with oid {target} are left out: {error}");
                    continue;
                }
            };
            for set in reports {
                let specification = &set.note.specification;
                for (policy, standing, detail) in set.policies {
                    rows.push((
                        target,
                        policy,
                        specification.prefix().to_owned(),
                        specification.template.clone(),
                        specification.to_json(),
                        standing.as_str().to_owned(),
                        Some(detail).filter(|detail| !detail.is_empty()),
                    ));
                }
            }
        }
        Ok::<_, AdministrationError>(rows)
    })?;
    Ok(TableIterator::new(rows))
}

/// How the sets of a table stand; none where it was dropped meanwhile.
fn report(target: Oid, caller_path: &str) -> Administration<Vec<SetReport>> {
    match Family::read(target, None) {
        Err(AdministrationError::UnknownTable) => Ok(Vec::new()),
        family => family?.report(caller_path),
    }
}

/// The table as it is, and what the options ask of it.
fn read(
    target: Option<Oid>,
    options: Option<&AnyElement>,
    caller_path: &str,
) -> Administration<(Family, Plan)> {
    let target = target.ok_or(AdministrationError::MissingArgument("target"))?;
    let options = options.ok_or(AdministrationError::MissingArgument("options"))?;
    let mut specification = Specification::parse(&jsonb_text(options.datum()))?;
    if let Some(via) = &specification.via {
        specification.via = Some(qualify(Via::parse(via)?, caller_path)?.to_string());
    }
    let family = Family::read(target, Some(&specification))?;
    let plan = family.plan(&specification)?;
    Ok((family, plan))
}

/// The parent with its schema, as the caller's path finds it.
fn qualify(via: Via, caller_path: &str) -> Administration<Via> {
    let Some(parent) = protection::find_parent(&via, caller_path)? else {
        return Ok(via);
    };
    let facts = tables::read_facts(parent)?.ok_or(AdministrationError::UnknownTable)?;
    Ok(Via {
        schema: Some(facts.schema),
        table: facts.name,
        ..via
    })
}

/// What was changed, with what followed from it in the tables that follow this one.
fn with_children(
    mut changes: Vec<Change>,
    family: &Family,
    caller_path: &str,
) -> Administration<Vec<Change>> {
    if changes.is_empty() {
        notice!("nothing to change");
        return Ok(changes);
    }
    let refreshed = protection::refresh_children(&family.table, caller_path)?;
    changes.extend(refreshed.changes);
    for (table, reason) in refreshed.stale {
        errors::warn_of_stale_child(&table, &reason);
    }
    Ok(changes)
}

fn rows_of(
    changes: Vec<Change>,
) -> TableIterator<'static, (name!(change, String), name!(statement, String))> {
    TableIterator::new(changes.into_iter().map(|change| {
        let text = change.to_text();
        (change.summary, text)
    }))
}
