//! What `clerk.explain_access()` runs with the rights of others. Its SQL is in `sql/explain.sql`.

use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::errors::{Administration, AdministrationError};
use crate::storage::rights::{confined, confined_to, confined_to_owner};
use crate::storage::{search_path, tables};

/// What stands in policies is parsed with the rights of the table's owner, which the caller must have.
#[pg_extern(sql = false)]
fn execute_as_owner(target: Oid, statement: &str) -> Result<(), ErrorReport> {
    let owner = owner_of(target)?;
    confined_to(owner, || tables::execute(statement)).map_err(AdministrationError::from)?;
    Ok(())
}

/// A row is read with them too: whoever owns a table can write casts of its rows.
#[pg_extern(sql = false)]
fn read_as_owner(
    target: Oid,
    statement: &str,
    row_key: Option<&str>,
) -> Result<Option<String>, ErrorReport> {
    let owner = owner_of(target)?;
    let row = confined_to_owner(owner, || tables::select_one(statement, &[row_key.into()]));
    Ok(row.map_err(AdministrationError::from)?)
}

/// The expression of a policy is called in a function of the asked role, on the path of requests, and leaves
/// nothing of the session changed: no setting, no prepared statement.
#[pg_extern(sql = false)]
fn evaluate_clause(place: i32, row: &str, request_path: &str) -> Result<Option<bool>, ErrorReport> {
    let statement = format!("SELECT pg_temp.clerk_explain_{place}($1)");
    let answer = confined(|| {
        search_path::with_exactly(request_path, || {
            tables::call::<bool>(&statement, &[row.into()])
        })
    });
    Ok(answer.map_err(AdministrationError::from)?)
}

fn owner_of(target: Oid) -> Administration<Oid> {
    let table = tables::read_facts(target)?.ok_or(AdministrationError::UnknownTable)?;
    table.check_owned()?;
    Ok(Oid::from(table.owner))
}
