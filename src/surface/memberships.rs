//! The functions that ask for the memberships of the signed-in user. Their SQL is in `sql/memberships.sql`.

use pgrx::pg_getarg_datum;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo, Oid};

use super::call::{Answer, c_functions, text_argument, text_datum};
use crate::errors::SessionError;
use crate::session_cache::with_session;
use crate::storage::memberships::{self, Reader};

c_functions! {
    fn clerk_is_member(fcinfo) {
        truth(match (reader(fcinfo)?, pg_getarg_datum(fcinfo, 0)) {
            (Some(reader), Some(organization)) => memberships::is_member(reader, organization),
            _ => false,
        })
    }

    fn clerk_has_role_in(fcinfo) {
        truth(match (reader(fcinfo)?, pg_getarg_datum(fcinfo, 0), text_argument(fcinfo, 1)) {
            (Some(reader), Some(organization), Some(role)) => {
                memberships::has_role(reader, organization, with_prefix(role))
            }
            _ => false,
        })
    }

    fn clerk_member_org_ids(fcinfo) {
        array(reader(fcinfo)?.map(memberships::organizations))
    }

    fn clerk_member_org_ids_by_role(fcinfo) {
        array(match (reader(fcinfo)?, pg_getarg_datum(fcinfo, 0)) {
            (Some(reader), Some(roles)) => Some(memberships::organizations_by_role(reader, roles)),
            _ => None,
        })
    }
}

/// The signed-in user, with the rights of the called function's owner. The id is a text of its own: nothing of the
/// cache is held while a statement runs.
#[inline]
fn reader(fcinfo: FunctionCallInfo) -> Result<Option<Reader>, SessionError> {
    let user = with_session(|cached| cached.map(|cached| text_datum(cached.session.user_id())))?;
    Ok(user.map(|user| Reader {
        role: owner_of_function(fcinfo),
        user,
    }))
}

/// Whose rights a function lends.
pub(super) fn owner_of_function(fcinfo: FunctionCallInfo) -> Oid {
    // SAFETY: Postgres' own call data; the entry is released after its field was read.
    unsafe {
        let function = (*(*fcinfo).flinfo).fn_oid;
        let entry = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::PROCOID as i32,
            Datum::from(function),
        );
        assert!(!entry.is_null(), "a function that is called exists");
        let owner = (*pg_sys::GETSTRUCT(entry).cast::<pg_sys::FormData_pg_proc>()).proowner;
        pg_sys::ReleaseSysCache(entry);
        owner
    }
}

fn truth(holds: bool) -> Answer {
    Ok(Some(Datum::from(holds)))
}

/// The array, or the empty one.
fn array(found: Option<Datum>) -> Answer {
    Ok(Some(found.unwrap_or_else(|| {
        // SAFETY: gives a new array in the current memory context.
        Datum::from(unsafe { pg_sys::construct_empty_array(pg_sys::TEXTOID) })
    })))
}

/// As the table has roles: the prefix is optional in the question, and counts once.
fn with_prefix(role: &str) -> Datum {
    if role.starts_with("org:") {
        text_datum(role)
    } else {
        text_datum(&format!("org:{role}"))
    }
}
