//! `clerk.organization_memberships`, as policies ask it: one kept plan a question.
//!
//! By SPI itself and not by pgrx's client, for two reasons. The questions belong to the statement that asks, so they
//! see what it sees: its own snapshot, read-only, also in a transaction that has written. And they may be asked for
//! every row, so each is planned once a backend.
//!
//! They run with the rights of a given role, as Postgres' own checks of foreign keys do, so they name the schema of
//! everything.

use std::cell::Cell;
use std::ffi::CStr;
use std::ptr;

use pgrx::pg_sys::{self, Datum, Oid};

/// A statement with its plan, of this backend. Postgres plans it anew where the table changes.
struct Question {
    statement: &'static CStr,
    argument_types: &'static [Oid],
    plan: Cell<pg_sys::SPIPlanPtr>,
}

/// What a [`Question`] finds: the first column of its first row.
struct Found {
    /// In the memory context of the caller.
    value: Datum,
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
        c"SELECT ARRAY(SELECT DISTINCT organization_id FROM clerk.organization_memberships \
            WHERE deleted_at IS NULL AND user_id OPERATOR(pg_catalog.=) $1 ORDER BY organization_id)",
        &[pg_sys::TEXTOID],
    ) };
    static ORGANIZATIONS_BY_ROLE: Question = const { Question::new(
        c"SELECT ARRAY(SELECT DISTINCT organization_id FROM clerk.organization_memberships \
            WHERE deleted_at IS NULL AND user_id OPERATOR(pg_catalog.=) $1 AND role OPERATOR(pg_catalog.=) ANY (ARRAY( \
                SELECT CASE WHEN pg_catalog.starts_with(asked, 'org:') THEN asked \
                    ELSE 'org:' OPERATOR(pg_catalog.||) asked END FROM pg_catalog.unnest($2) AS asked)) \
            ORDER BY organization_id)",
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
    MEMBER.with(|question| {
        question
            .ask(reader.role, &mut [reader.user, organization])
            .is_some()
    })
}

/// Whether the user has the role, a text with prefix, in the organization.
pub(crate) fn has_role(reader: Reader, organization: Datum, role: Datum) -> bool {
    ROLE.with(|question| {
        question
            .ask(reader.role, &mut [reader.user, organization, role])
            .is_some()
    })
}

/// The organizations of the user, a text array.
pub(crate) fn organizations(reader: Reader) -> Option<Datum> {
    ORGANIZATIONS.with(|question| {
        question
            .ask(reader.role, &mut [reader.user])
            .map(|found| found.value)
    })
}

/// Those in which the user has one of the roles, a text array in which the prefix is optional.
pub(crate) fn organizations_by_role(reader: Reader, roles: Datum) -> Option<Datum> {
    ORGANIZATIONS_BY_ROLE.with(|question| {
        question
            .ask(reader.role, &mut [reader.user, roles])
            .map(|found| found.value)
    })
}

impl Question {
    const fn new(statement: &'static CStr, argument_types: &'static [Oid]) -> Self {
        Self {
            statement,
            argument_types,
            plan: Cell::new(ptr::null_mut()),
        }
    }

    /// What the first row says; None where there is no row. An error of Postgres passes through.
    fn ask(&self, role: Oid, arguments: &mut [Datum]) -> Option<Found> {
        assert_eq!(arguments.len(), self.argument_types.len());
        let (mut caller, mut context) = (pg_sys::InvalidOid, 0);
        // SAFETY: SPI's own sequence, on the backend's thread. The plan takes as many arguments as are given, none of
        // them NULL; a value is copied into the caller's context before SPI's memory goes. After an error it is the
        // end of the transaction, or subtransaction, that gives the caller's role back.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut caller, &raw mut context);
            pg_sys::SetUserIdAndSecContext(
                role,
                context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32,
            );
            let connected = pg_sys::SPI_connect();
            assert_eq!(connected, pg_sys::SPI_OK_CONNECT as i32, "SPI_connect");
            let plan = self.plan();
            let status =
                pg_sys::SPI_execute_plan(plan, arguments.as_mut_ptr(), ptr::null(), true, 1);
            assert_eq!(status, pg_sys::SPI_OK_SELECT as i32, "SPI_execute_plan");
            let found = (pg_sys::SPI_processed > 0).then(|| first_value());
            pg_sys::SPI_finish();
            pg_sys::SetUserIdAndSecContext(caller, context);
            found
        }
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

/// # Safety
/// SPI must hold a row; if it has a column, that is an array.
unsafe fn first_value() -> Found {
    // SAFETY: the caller's promise.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if (*(*table).tupdesc).natts == 0 {
            return Found {
                value: Datum::null(),
            };
        }
        let mut is_null = false;
        let value = pg_sys::SPI_getbinval(*(*table).vals, (*table).tupdesc, 1, &raw mut is_null);
        assert!(!is_null, "an array is never NULL");
        Found {
            value: pg_sys::SPI_datumTransfer(value, false, -1),
        }
    }
}
