//! Statements with the rights of another role.

use pgrx::pg_sys::{self, Oid};

/// Runs with the rights of a role, as Postgres' own checks of foreign keys do.
#[inline]
pub(crate) fn with_rights_of<R>(role: Oid, run: impl FnOnce() -> R) -> R {
    with_context(role, pg_sys::SECURITY_LOCAL_USERID_CHANGE, run)
}

/// Runs what somebody else wrote with the rights of that role, and keeps it from getting more: as VACUUM and
/// ANALYZE call the functions of a table's indexes.
///
/// Parsing is enough to need it: the literal of an array of a domain is checked by the domain's constraint.
pub(crate) fn confined_to<R>(role: Oid, run: impl FnOnce() -> R) -> R {
    with_context(
        role,
        pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION,
        run,
    )
}

#[inline]
fn with_context<R>(role: Oid, flags: u32, run: impl FnOnce() -> R) -> R {
    let (mut caller, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: the present role is put back after the work. After an error it is the end of the transaction,
    // or subtransaction, that does so.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&raw mut caller, &raw mut context);
        pg_sys::SetUserIdAndSecContext(role, context | flags as i32);
        let answer = run();
        pg_sys::SetUserIdAndSecContext(caller, context);
        answer
    }
}
