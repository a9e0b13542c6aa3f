//! Tables of the user and what the catalogs know of them: one statement a function.

use std::cell::RefCell;

use clerk_core::policy::facts::TableFacts;
use clerk_core::policy::names::quote_name;
use clerk_core::policy::note::Note;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;

use super::{search_path, snapshot};

/// Why a table's facts could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    #[error("{0}")]
    Statement(#[from] spi::Error),
    #[error("the facts of a table are not as expected: {0}")]
    Facts(#[from] serde_json::Error),
}

/// The oid of `pg_policy`, which pgrx does not name.
const PG_POLICY: pg_sys::Oid = pg_sys::Oid::from_u32(3256);

thread_local! {
    /// The plan of `table_facts.sql`: planning it takes longer than running it.
    static FACTS: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
}

/// What the catalogs know of the table; None where there is none.
pub(crate) fn read_facts(table: pg_sys::Oid) -> Result<Option<TableFacts>, TableError> {
    let statement = include_str!("../../sql/statements/table_facts.sql");
    let read = || {
        Spi::connect(|client| {
            let kept = FACTS.take();
            let prepared = match kept {
                Some(prepared) => prepared,
                None => {
                    let types = [PgBuiltInOids::OIDOID.oid()];
                    client.prepare(statement, &types)?.keep()
                }
            };
            let rows = client.select(&prepared, Some(1), &[table.into()])?;
            let json = if rows.is_empty() {
                None
            } else {
                rows.first().get::<String>(1)?
            };
            FACTS.set(Some(prepared));
            Ok::<_, spi::Error>(json)
        })
    };
    let json = snapshot::with_latest(read)?;
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

/// Who owns the table; None where there is none.
pub(crate) fn owner(table: pg_sys::Oid) -> Result<Option<pg_sys::Oid>, TableError> {
    let statement = "SELECT relowner FROM pg_catalog.pg_class WHERE oid = $1";
    Ok(select_one(statement, &[table.into()])?)
}

/// The table's name with its schema, quoted; its number where there is none.
pub(crate) fn name(table: pg_sys::Oid) -> Result<String, TableError> {
    let name = select_one::<String>("SELECT $1::pg_catalog.regclass::text", &[table.into()])?;
    Ok(name.unwrap_or_default())
}

/// All tables with policies that were made here.
pub(crate) fn list_protected() -> Result<Vec<pg_sys::Oid>, TableError> {
    let mut tables: Vec<_> = list_notes("")?
        .into_iter()
        .map(|(table, _)| table)
        .collect();
    tables.dedup();
    Ok(tables)
}

/// Tables that follow another one, by the notes of which this is said.
pub(crate) fn list_children(
    follows: impl Fn(&Note) -> bool,
) -> Result<Vec<pg_sys::Oid>, TableError> {
    let mut children: Vec<_> = list_notes(r#""via":"#)?
        .into_iter()
        .filter(|(_, comment)| Note::parse(comment).is_some_and(|note| follows(&note)))
        .map(|(table, _)| table)
        .collect();
    children.dedup();
    Ok(children)
}

/// Tables and the comments of their policies, in the tables' order.
fn list_notes(holding: &str) -> Result<Vec<(pg_sys::Oid, String)>, TableError> {
    let statement = include_str!("../../sql/statements/policy_notes.sql");
    snapshot::with_latest(|| {
        Spi::connect(|client| {
            client
                .select(statement, None, &[holding.into()])?
                .map(|row| {
                    let table = row.get::<pg_sys::Oid>(1)?.unwrap_or(pg_sys::InvalidOid);
                    Ok((table, row.get::<String>(2)?.unwrap_or_default()))
                })
                .collect()
        })
    })
}

/// Lets those who change the table's policies take turns; readers and writers of its rows go on.
pub(crate) fn lock(table: pg_sys::Oid) {
    // SAFETY: takes locks that the transaction holds until it ends; an error passes through. By its oid: the
    // name may mean another table meanwhile.
    unsafe { pg_sys::LockRelationOid(table, pg_sys::ShareUpdateExclusiveLock as i32) };
    take_turns(table, pg_sys::ExclusiveLock);
}

/// Keeps the table's policies from being changed here, whoever owns it: nothing else waits for that, least of
/// all its rows.
pub(crate) fn hold(table: pg_sys::Oid) {
    take_turns(table, pg_sys::ShareLock);
}

fn take_turns(table: pg_sys::Oid, mode: u32) {
    // SAFETY: as above. The object is the policies of the table, which has no lock of its own in Postgres: no
    // statement takes this one.
    unsafe { pg_sys::LockDatabaseObject(PG_POLICY, table, 0, mode as i32) };
}

/// Keeps others from the table, or from writing to it, until the transaction ends: so that no statement waits
/// for them, and finds another table by that name afterwards.
pub(crate) fn keep_for(table: pg_sys::Oid, statement: &str) {
    let mode = if statement.starts_with("CREATE INDEX ") {
        pg_sys::ShareLock
    } else {
        pg_sys::AccessExclusiveLock
    };
    // SAFETY: takes a lock that the transaction holds until it ends; an error passes through.
    unsafe { pg_sys::LockRelationOid(table, mode as i32) };
}

/// Runs a statement that was written for the table.
pub(crate) fn execute(statement: &str) -> Result<(), TableError> {
    Spi::connect_mut(|client| {
        client.update(statement, None, &[])?;
        Ok(())
    })
}

/// Calls a function that may write, and gives its answer.
pub(crate) fn call<T: FromDatum + IntoDatum>(
    statement: &str,
    arguments: &[pgrx::datum::DatumWithOid<'_>],
) -> Result<Option<T>, spi::Error> {
    Spi::connect_mut(|client| client.update(statement, Some(1), arguments)?.first().get(1))
}

/// The first column of the first row; None where there is no row.
pub(crate) fn select_one<T: FromDatum + IntoDatum>(
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
