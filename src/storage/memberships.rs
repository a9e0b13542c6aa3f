//! `clerk.organization_memberships`, as policies ask it: one kept plan a question.
//!
//! By SPI itself and not by pgrx's client, for two reasons. The questions belong to the statement that asks, so they
//! see what it sees: its own snapshot, read-only, also in a transaction that has written. And they may be asked for
//! every row, so each is planned once a backend.
//!
//! They run with the rights of a given role, as Postgres' own checks of foreign keys do, so they name the schema of
//! everything.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_long};
use std::{ptr, slice};

use pgrx::pg_sys::{self, Datum, Oid};

use super::rights::with_rights_of;
use pgrx::varlena;

/// A statement with its plan, of this backend. Postgres plans it anew where the table changes.
pub(super) struct Question {
    statement: &'static CStr,
    argument_types: &'static [Oid],
    plan: Cell<pg_sys::SPIPlanPtr>,
}

thread_local! {
    static MEMBER: Question = const { Question::new(
        c"SELECT FROM clerk.organization_memberships WHERE deleted_at IS NULL \
            AND user_id OPERATOR(pg_catalog.=) $1 AND organization_id OPERATOR(pg_catalog.=) $2",
        &[pg_sys::TEXTOID, pg_sys::TEXTOID],
    ) };
    static ROLE: Question = const { Question::new(
        c"SELECT FROM clerk.organization_memberships WHERE deleted_at IS NULL \
            AND user_id OPERATOR(pg_catalog.=) $1 AND organization_id OPERATOR(pg_catalog.=) $2 \
            AND role OPERATOR(pg_catalog.=) $3",
        &[pg_sys::TEXTOID, pg_sys::TEXTOID, pg_sys::TEXTOID],
    ) };
    static ORGANIZATIONS: Question = const { Question::new(
        c"SELECT organization_id FROM clerk.organization_memberships \
            WHERE deleted_at IS NULL AND user_id OPERATOR(pg_catalog.=) $1 ORDER BY organization_id",
        &[pg_sys::TEXTOID],
    ) };
    static ORGANIZATIONS_BY_ROLE: Question = const { Question::new(
        c"SELECT organization_id FROM clerk.organization_memberships \
            WHERE deleted_at IS NULL AND user_id OPERATOR(pg_catalog.=) $1 AND role OPERATOR(pg_catalog.=) ANY (ARRAY( \
                SELECT CASE WHEN pg_catalog.starts_with(asked, 'org:') THEN asked \
                    ELSE 'org:' OPERATOR(pg_catalog.||) asked END FROM pg_catalog.unnest($2) AS asked)) \
            ORDER BY organization_id",
        &[pg_sys::TEXTOID, pg_sys::TEXTARRAYOID],
    ) };
}

/// Who asks, with whose rights.
#[derive(Copy, Clone)]
pub(crate) struct Reader {
    /// The role that may read the table.
    pub(crate) role: Oid,
    /// The id of the signed-in user, a text.
    pub(crate) user: Datum,
}

/// Whether the user belongs to the organization, a text.
pub(crate) fn is_member(reader: Reader, organization: Datum) -> bool {
    MEMBER.with(|question| question.has_answer(reader.role, &mut [reader.user, organization]))
}

/// Whether the user has the role, a text with prefix, in the organization.
pub(crate) fn has_role(reader: Reader, organization: Datum, role: Datum) -> bool {
    ROLE.with(|question| question.has_answer(reader.role, &mut [reader.user, organization, role]))
}

/// The organizations of the user, a text array: sorted, each once.
pub(crate) fn organizations(reader: Reader) -> Datum {
    ORGANIZATIONS.with(|question| question.list_answers(reader.role, &mut [reader.user]))
}

/// Those in which the user has one of the roles, a text array in which the prefix is optional.
pub(crate) fn organizations_by_role(reader: Reader, roles: Datum) -> Datum {
    ORGANIZATIONS_BY_ROLE
        .with(|question| question.list_answers(reader.role, &mut [reader.user, roles]))
}

impl Question {
    pub(super) const fn new(statement: &'static CStr, argument_types: &'static [Oid]) -> Self {
        Self {
            statement,
            argument_types,
            plan: Cell::new(ptr::null_mut()),
        }
    }

    /// Whether there is a row.
    pub(super) fn has_answer(&self, role: Oid, arguments: &mut [Datum]) -> bool {
        // SAFETY: a counter, read while SPI holds the rows.
        self.ask(role, arguments, 1, || unsafe { pg_sys::SPI_processed > 0 })
    }

    /// The first column of all rows, sorted texts, as an array without repetitions.
    fn list_answers(&self, role: Oid, arguments: &mut [Datum]) -> Datum {
        // SAFETY: SPI holds the rows of a statement with one column, a text that is not NULL.
        self.ask(role, arguments, 0, || unsafe { collect_texts() })
    }

    /// Runs the statement, for at most so many rows (0: all), and reads its rows. Errors of Postgres pass through.
    fn ask<R>(
        &self,
        role: Oid,
        arguments: &mut [Datum],
        most: c_long,
        read: impl FnOnce() -> R,
    ) -> R {
        assert_eq!(arguments.len(), self.argument_types.len());
        // SAFETY: SPI's own sequence, on the backend's thread. The plan takes as many arguments as are given, none of
        // them NULL.
        with_rights_of(role, || unsafe {
            let connected = pg_sys::SPI_connect();
            assert_eq!(connected, pg_sys::SPI_OK_CONNECT as i32, "SPI_connect");
            let plan = self.plan();
            let status =
                pg_sys::SPI_execute_plan(plan, arguments.as_mut_ptr(), ptr::null(), true, most);
            assert_eq!(status, pg_sys::SPI_OK_SELECT as i32, "SPI_execute_plan");
            let answer = read();
            pg_sys::SPI_finish();
            answer
        })
    }

    /// The plan, made at the first use; the same for all values, so that none is planned again.
    ///
    /// # Safety
    /// SPI must be connected.
    unsafe fn plan(&self) -> pg_sys::SPIPlanPtr {
        if self.plan.get().is_null() {
            // SAFETY: the statement is a C string, and the types are only read.
            unsafe {
                let plan = pg_sys::SPI_prepare_cursor(
                    self.statement.as_ptr(),
                    self.argument_types.len() as i32,
                    self.argument_types.as_ptr().cast_mut(),
                    pg_sys::CURSOR_OPT_GENERIC_PLAN as i32,
                );
                assert!(!plan.is_null(), "SPI_prepare_cursor");
                assert_eq!(pg_sys::SPI_keepplan(plan), 0, "SPI_keepplan");
                self.plan.set(plan);
            }
        }
        self.plan.get()
    }
}

/// Neighbours that are equal become one. The array lies in the caller's memory context, not in SPI's.
///
/// # Safety
/// SPI must hold the rows of a statement whose first column is a text that is not NULL.
unsafe fn collect_texts() -> Datum {
    // SAFETY: the caller's promise: as many tuples as SPI says, and each value is a text that lives as long as SPI is
    // connected.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        let tuples = slice::from_raw_parts((*table).vals, pg_sys::SPI_processed as usize);
        let mut texts: Vec<Datum> = Vec::with_capacity(tuples.len());
        let mut last: &[u8] = &[];
        for &tuple in tuples {
            let mut is_null = false;
            let text = pg_sys::SPI_getbinval(tuple, (*table).tupdesc, 1, &raw mut is_null);
            let start = pg_sys::pg_detoast_datum_packed(text.cast_mut_ptr());
            let bytes = slice::from_raw_parts(
                varlena::vardata_any(start).cast::<u8>(),
                varlena::varsize_any_exhdr(start),
            );
            // No id is empty.
            if bytes != last {
                texts.push(Datum::from(start));
                last = bytes;
            }
        }
        let array = pg_sys::construct_array(
            texts.as_mut_ptr(),
            texts.len() as i32,
            pg_sys::TEXTOID,
            -1,
            false,
            pg_sys::TYPALIGN_INT as c_char,
        );
        pg_sys::SPI_datumTransfer(Datum::from(array), false, -1)
    }
}
