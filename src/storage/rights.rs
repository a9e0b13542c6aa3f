//! Statements with the rights of another role.

use pgrx::pg_sys::{self, Oid};

use super::search_path::restoring_settings;

/// Runs with the rights of a role, as Postgres' own checks of foreign keys do.
#[inline]
pub(crate) fn with_rights_of<R>(role: Oid, run: impl FnOnce() -> R) -> R {
    with_context(role, pg_sys::SECURITY_LOCAL_USERID_CHANGE, run)
}

/// Runs with the rights that the transaction will have at its commit, outside of all functions, and puts back what is set
/// meanwhile.
pub(crate) fn with_rights_of_commit<R>(run: impl FnOnce() -> R) -> R {
    // SAFETY: reads a variable of this backend.
    let role = unsafe { pg_sys::GetOuterUserId() };
    restoring_settings(|| with_rights_of(role, run))
}

/// Runs what somebody else wrote with the rights of that role, and keeps it from getting more: as VACUUM and
/// ANALYZE call the functions of a table's indexes. Settings that it changes are put back.
///
/// Parsing is enough to need it: the literal of an array of a domain is checked by the domain's constraint.
pub(crate) fn confined_to<R>(role: Oid, run: impl FnOnce() -> R) -> R {
    confine(role, 0, run)
}

/// The same for the owner of a table, to read it whole: FORCE ROW LEVEL SECURITY does not hold, as in
/// Postgres' own checks of foreign keys.
pub(crate) fn confined_to_owner<R>(owner: Oid, run: impl FnOnce() -> R) -> R {
    confine(owner, pg_sys::SECURITY_NOFORCE_RLS, run)
}

/// The same with the rights that there are.
pub(crate) fn confined<R>(run: impl FnOnce() -> R) -> R {
    // SAFETY: reads a variable of this backend.
    confine(unsafe { pg_sys::GetUserId() }, 0, run)
}

fn confine<R>(role: Oid, flags: u32, run: impl FnOnce() -> R) -> R {
    let flags =
        flags | pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
    restoring_settings(|| with_context(role, flags, run))
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
