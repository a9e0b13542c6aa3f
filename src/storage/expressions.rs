//! Expressions of policies, compared as Postgres understands them: as parsed, not as text.

use std::ffi::{CString, c_char};
use std::ptr;

use clerk_core::policy::Policy;
use pgrx::pg_sys::Node;
use pgrx::prelude::*;

use super::snapshot;

/// Whether the policy in the catalogs has this policy's kind, command, roles and conditions.
///
/// # Errors
/// Where the catalogs cannot be read. A condition that does not parse raises Postgres' own error.
pub(crate) fn is_same(
    policy: &Policy,
    present: pg_sys::Oid,
    table: pg_sys::Oid,
) -> Result<bool, spi::Error> {
    let statement = include_str!("../../sql/statements/policy.sql");
    let row = snapshot::with_latest(|| {
        Spi::connect(|client| {
            let row = client
                .select(statement, Some(1), &[present.into()])?
                .first();
            Ok::<_, spi::Error>((
                row.get::<bool>(1)?,
                row.get::<String>(2)?,
                row.get::<Vec<String>>(3)?,
                row.get::<String>(4)?,
                row.get::<String>(5)?,
            ))
        })
    })?;
    let (permissive, command, roles, using, check) = row;
    let mut wanted = policy.roles.clone();
    wanted.sort();
    Ok(permissive == Some(policy.permissive)
        && command.as_deref() == Some(policy.command.catalog_letter().to_string().as_str())
        && roles == Some(wanted)
        && is_same_expression(policy.using.as_deref(), using.as_deref(), table)
        && is_same_expression(policy.check.as_deref(), check.as_deref(), table))
}

/// Compares a condition with the text of a parsed one, as `pg_policy` keeps it.
fn is_same_expression(wanted: Option<&str>, present: Option<&str>, table: pg_sys::Oid) -> bool {
    let (wanted, present) = match (wanted, present) {
        (None, None) => return true,
        (Some(wanted), Some(present)) => (wanted, present),
        _ => return false,
    };
    let (Ok(wanted), Ok(present)) = (
        CString::new(format!("SELECT {wanted}")),
        CString::new(present),
    ) else {
        return false;
    };
    // SAFETY: both are C strings; the second is a node that Postgres wrote. equal() reads the two
    // trees, which live in the current memory context.
    unsafe {
        let Some(node) = parse(wanted.as_ptr(), table) else {
            return false;
        };
        let present = pg_sys::stringToNode(present.as_ptr());
        pg_sys::equal(node.cast(), present)
    }
}

/// Parses `SELECT condition` over the table's columns, as CREATE POLICY does with its condition.
///
/// # Safety
/// `statement` must be a C string that outlives the call.
unsafe fn parse(statement: *const c_char, table: pg_sys::Oid) -> Option<*mut Node> {
    unsafe extern "C-unwind" {
        fn transformWhereClause(
            pstate: *mut pg_sys::ParseState,
            clause: *mut Node,
            kind: pg_sys::ParseExprKind::Type,
            construct: *const c_char,
        ) -> *mut Node;
    }
    // SAFETY: the calls of CREATE POLICY, in its order, with the lock that it needs to read the
    // table's columns. transformWhereClause, which pgrx does not bind, runs in pgrx' guard.
    unsafe {
        let statements = pg_sys::raw_parser(statement, pg_sys::RawParseMode::RAW_PARSE_DEFAULT);
        let raw = first::<pg_sys::RawStmt>(statements)?;
        let select = (*raw).stmt.cast::<pg_sys::SelectStmt>();
        let target = first::<pg_sys::ResTarget>((*select).targetList)?;

        let relation = pg_sys::relation_open(table, pg_sys::AccessShareLock as i32);
        let state = pg_sys::make_parsestate(ptr::null_mut());
        (*state).p_sourcetext = statement;
        let item = pg_sys::addRangeTableEntryForRelation(
            state,
            relation,
            pg_sys::AccessShareLock as i32,
            ptr::null_mut(),
            false,
            false,
        );
        pg_sys::addNSItemToQuery(state, item, false, true, true);
        let node = pg_sys::ffi::pg_guard_ffi_boundary(|| {
            transformWhereClause(
                state,
                (*target).val,
                pg_sys::ParseExprKind::EXPR_KIND_POLICY,
                c"POLICY".as_ptr(),
            )
        });
        pg_sys::assign_expr_collations(state, node);
        pg_sys::free_parsestate(state);
        pg_sys::relation_close(relation, pg_sys::NoLock as i32);
        Some(node)
    }
}

/// The one element of a list; None where there is not exactly one.
///
/// # Safety
/// The list's elements must be pointers to `T`.
unsafe fn first<T>(list: *mut pg_sys::List) -> Option<*mut T> {
    // SAFETY: the caller's promise; an empty list is NULL.
    unsafe {
        if list.is_null() || (*list).length != 1 {
            return None;
        }
        Some((*(*list).elements).ptr_value.cast())
    }
}
