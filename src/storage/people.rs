//! `clerk.users` and `clerk.sessions`, as requests ask them: whether somebody is known, and still welcome.

use std::ffi::CStr;

use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::*;

use super::memberships::Question;
use super::statement::Statement;

thread_local! {
    static IS_KNOWN: Statement = const { Statement::new(
        "SELECT deleted_at IS NOT NULL FROM clerk.users WHERE id = $1",
        &[PgBuiltInOids::TEXTOID],
    ) };
    static ENSURE: Statement = const { Statement::new(
        include_str!("../../sql/statements/ensure_user.sql"),
        &[PgBuiltInOids::TEXTOID],
    ) };
    static IS_GONE: Question = const { Question::new(
        c"SELECT FROM clerk.users WHERE id OPERATOR(pg_catalog.=) $1 AND (deleted_at IS NOT NULL OR banned)",
        &[pg_sys::TEXTOID],
    ) };
    static HAS_ENDED: Question = const { Question::new(
        c"SELECT FROM clerk.sessions WHERE id OPERATOR(pg_catalog.=) $1 \
            AND (status OPERATOR(pg_catalog.=) 'ended' OR status OPERATOR(pg_catalog.=) 'removed' \
                OR status OPERATOR(pg_catalog.=) 'revoked')",
        &[pg_sys::TEXTOID],
    ) };
}

/// Makes sure that the user has a row: one without anything but the id, where none is there. False where the
/// user was deleted.
///
/// # Errors
/// As SPI reports them; errors of Postgres pass through.
pub(crate) fn ensure(user_id: &str) -> Result<bool, spi::Error> {
    let find = || {
        IS_KNOWN.with(|statement| {
            statement.look(&[user_id.into()], |mut rows| {
                rows.next().map_or(Ok(None), |row| row.get::<bool>(1))
            })
        })
    };
    let is_deleted = match find()? {
        Some(is_deleted) => is_deleted,
        None => {
            ENSURE.with(|statement| statement.run(&[user_id.into()], |_| Ok(())))?;
            find()?.unwrap_or_default()
        }
    };
    Ok(!is_deleted)
}

/// Whether the user was deleted or banned, by what the running statement sees.
pub(crate) fn is_gone(user_id: Datum) -> bool {
    owner_of(c"users")
        .is_some_and(|owner| IS_GONE.with(|ask| ask.has_answer(owner, &mut [user_id])))
}

/// Whether the session has ended.
pub(crate) fn has_ended(session_id: Datum) -> bool {
    owner_of(c"sessions")
        .is_some_and(|owner| HAS_ENDED.with(|ask| ask.has_answer(owner, &mut [session_id])))
}

/// The owner of a table in the schema clerk; None where the extension is not installed.
pub(crate) fn owner_of(table: &CStr) -> Option<Oid> {
    // SAFETY: catalog lookups inside a transaction; the entry is released after its field was read.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"clerk".as_ptr(), true);
        if schema == pg_sys::InvalidOid {
            return None;
        }
        let relation = pg_sys::get_relname_relid(table.as_ptr(), schema);
        let entry = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::RELOID as i32,
            Datum::from(relation),
        );
        if entry.is_null() {
            return None;
        }
        let owner = (*pg_sys::GETSTRUCT(entry).cast::<pg_sys::FormData_pg_class>()).relowner;
        pg_sys::ReleaseSysCache(entry);
        Some(owner)
    }
}
