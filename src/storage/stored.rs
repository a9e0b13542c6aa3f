//! What is stored of objects that Clerk sends, by kind.

use std::collections::{HashMap, HashSet};

use clerk_core::resource::Kind;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;

use super::statement::Statement;
use crate::clock;

thread_local! {
    static COMPARE: Statement = const { Statement::new(
        "SELECT id, updated_at, deleted_at, is_same FROM clerk._compare($1, $2, $3)",
        &[
            PgBuiltInOids::TEXTOID,
            PgBuiltInOids::TEXTARRAYOID,
            PgBuiltInOids::TEXTARRAYOID,
        ],
    ) };
    static KNOWN: Statement = const { Statement::new(
        "SELECT id FROM clerk._known($1, $2) AS id",
        &[PgBuiltInOids::TEXTOID, PgBuiltInOids::TEXTARRAYOID],
    ) };
    static OWNERS: Statement = const { Statement::new(
        "SELECT instance_id, user_id, organization_id FROM clerk._owners_of($1, $2)",
        &[PgBuiltInOids::TEXTOID, PgBuiltInOids::TEXTOID],
    ) };
    static COUNT_PAYERS: Statement = const { Statement::new(
        "SELECT (SELECT pg_catalog.count(*) FROM clerk.users WHERE instance_id = $1 AND deleted_at IS NULL)
            + (SELECT pg_catalog.count(*) FROM clerk.organizations WHERE instance_id = $1 AND deleted_at IS NULL)",
        &[PgBuiltInOids::TEXTOID],
    ) };
    static NEXT_PAYER: Statement = const { Statement::new(
        "SELECT id FROM (
            (SELECT id FROM clerk.users WHERE instance_id = $1 AND deleted_at IS NULL AND id > $2 ORDER BY id LIMIT 1)
            UNION ALL
            (SELECT id FROM clerk.organizations WHERE instance_id = $1 AND deleted_at IS NULL AND id > $2 ORDER BY id LIMIT 1)
        ) AS x ORDER BY id LIMIT 1",
        &[PgBuiltInOids::TEXTOID, PgBuiltInOids::TEXTOID],
    ) };
}

/// How many users and organizations of an instance there are.
pub(crate) fn count_payers(instance_id: &str) -> Result<Option<u64>, spi::Error> {
    COUNT_PAYERS.with(|statement| {
        statement.look(&[instance_id.into()], |rows| {
            let count: Option<i64> = rows.first().get_one()?;
            Ok(count.and_then(|count| u64::try_from(count).ok()))
        })
    })
}

/// The next of them behind this id.
pub(crate) fn next_payer(instance_id: &str, behind: &str) -> Result<Option<String>, spi::Error> {
    NEXT_PAYER.with(|statement| {
        statement.look(&[instance_id.into(), behind.into()], |mut rows| {
            rows.next().map_or(Ok(None), |row| row.get(1))
        })
    })
}

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Milliseconds since 1970.
    pub(crate) updated_at: Option<i64>,
    /// Of a tombstone.
    pub(crate) deleted_at: Option<i64>,
    /// Whether it holds the very object that was compared.
    pub(crate) is_same: bool,
}

/// To what an object belongs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    pub(crate) instance_id: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) organization_id: Option<String>,
}

/// Which of these ids there are rows of.
pub(crate) fn known(kind: Kind, ids: Vec<&str>) -> Result<HashSet<String>, spi::Error> {
    KNOWN.with(|statement| {
        statement.look(&[kind.table().into(), ids.into()], |rows| {
            rows.filter_map(|row| row.get(1).transpose()).collect()
        })
    })
}

/// The rows that there are of objects with these ids; `data` is the text of each object.
pub(crate) fn compare(
    kind: Kind,
    ids: Vec<&str>,
    data: Vec<&str>,
) -> Result<HashMap<String, Stored>, spi::Error> {
    let millis = |time: Option<TimestampWithTimeZone>| {
        time.map(|time| clock::from_timestamp(time.into()).0.div_euclid(1000))
    };
    COMPARE.with(|statement| {
        let arguments = [kind.table().into(), ids.into(), data.into()];
        statement.look(&arguments, |rows| {
            rows.map(|row| {
                let stored = Stored {
                    updated_at: millis(row.get(2)?),
                    deleted_at: millis(row.get(3)?),
                    is_same: row.get(4)?.unwrap_or_default(),
                };
                Ok((row.get(1)?.unwrap_or_default(), stored))
            })
            .collect()
        })
    })
}

/// To what the object with the id belongs; None where it is not here.
pub(crate) fn owners_of(kind: Kind, id: &str) -> Result<Option<Owners>, spi::Error> {
    OWNERS.with(|statement| {
        statement.look(&[kind.table().into(), id.into()], |mut rows| {
            let Some(row) = rows.next() else {
                return Ok(None);
            };
            Ok(Some(Owners {
                instance_id: row.get(1)?,
                user_id: row.get(2)?,
                organization_id: row.get(3)?,
            }))
        })
    })
}
