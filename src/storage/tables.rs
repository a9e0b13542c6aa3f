//! Tables of the user and what the catalogs know of them: one statement a function.

use clerk_core::policy::facts::TableFacts;
use clerk_core::policy::names::quote_name;
use pgrx::prelude::*;

use super::{search_path, snapshot};

/// Why a table's facts could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    #[error("{0}")]
    Statement(#[from] spi::Error),
    #[error("the facts of a table are not as expected: {0}")]
    Facts(#[from] serde_json::Error),
}

/// What the catalogs know of the table; None where there is none.
pub(crate) fn read_facts(table: pg_sys::Oid) -> Result<Option<TableFacts>, TableError> {
    let json = select_one::<String>(
        include_str!("../../sql/statements/table_facts.sql"),
        &[table.into()],
    )?;
    Ok(json.map(|json| serde_json::from_str(&json)).transpose()?)
}

/// Finds a table by its name: on the caller's path where it has no schema, else whether or not the
/// caller may look into that schema.
pub(crate) fn find(
    schema: Option<&str>,
    name: &str,
    caller_path: &str,
) -> Result<Option<pg_sys::Oid>, TableError> {
    let Some(schema) = schema else {
        let quoted = quote_name(name);
        return search_path::with_caller(caller_path, || {
            let statement = "SELECT pg_catalog.to_regclass($1)::oid";
            Ok(select_one(statement, &[quoted.into()])?)
        });
    };
    let statement = "SELECT c.oid FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = $2";
    Ok(select_one(statement, &[schema.into(), name.into()])?)
}

/// The table's name with its schema, quoted; its number where there is none.
pub(crate) fn name(table: pg_sys::Oid) -> Result<String, TableError> {
    let name = select_one::<String>("SELECT $1::pg_catalog.regclass::text", &[table.into()])?;
    Ok(name.unwrap_or_default())
}

/// All tables with policies that were made here.
pub(crate) fn list_protected() -> Result<Vec<pg_sys::Oid>, TableError> {
    list_with_notes("")
}

/// Those whose rows follow another table's.
pub(crate) fn list_children() -> Result<Vec<pg_sys::Oid>, TableError> {
    list_with_notes(r#""via":"#)
}

fn list_with_notes(holding: &str) -> Result<Vec<pg_sys::Oid>, TableError> {
    let statement = include_str!("../../sql/statements/protected_tables.sql");
    snapshot::with_latest(|| {
        Spi::connect(|client| {
            client
                .select(statement, None, &[holding.into()])?
                .map(|row| Ok(row.get::<pg_sys::Oid>(1)?.unwrap_or(pg_sys::InvalidOid)))
                .collect()
        })
    })
}

/// Lets those who change the table's policies take turns; readers and writers of its rows go on. By its
/// oid, since it may be somebody else's, and renamed.
pub(crate) fn lock(table: pg_sys::Oid) {
    // SAFETY: takes a lock that the transaction holds until it ends; an error passes through.
    unsafe { pg_sys::LockRelationOid(table, pg_sys::ShareUpdateExclusiveLock as i32) };
}

/// Runs a statement that was written for the table.
pub(crate) fn execute(statement: &str) -> Result<(), TableError> {
    Spi::connect_mut(|client| {
        client.update(statement, None, &[])?;
        Ok(())
    })
}

fn select_one<T: FromDatum + IntoDatum>(
    statement: &str,
    arguments: &[pgrx::datum::DatumWithOid<'_>],
) -> Result<Option<T>, spi::Error> {
    snapshot::with_latest(|| {
        Spi::connect(|client| {
            let rows = client.select(statement, Some(1), arguments)?;
            if rows.is_empty() {
                Ok(None)
            } else {
                rows.first().get(1)
            }
        })
    })
}
