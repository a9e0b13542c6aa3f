//! `clerk_ensure_user` and its trigger. Their SQL is in `sql/people.sql`.

use pgrx::pg_sys::{self, Datum, FunctionCallInfo};

use super::call::{c_functions, text_datum};
use super::memberships::owner_of_function;

use crate::errors::SessionError;
use crate::session_cache::with_session;
use crate::storage::rights::with_rights_of;
use crate::storage::{people, search_path};

c_functions! {
    fn clerk_ensure_user(fcinfo) {
        match ensure(fcinfo)? {
            Some(user) => Ok(Some(text_datum(&user))),
            None => Err(SessionError::UserRequired),
        }
    }

    /// Gives the new row as it is. Where nobody is signed in it does nothing: that is the application's own work.
    fn clerk_ensure_user_trigger(fcinfo) {
        ensure(fcinfo)?;
        Ok(Some(new_row(fcinfo)))
    }
}

/// The signed-in user, who has a row from now on.
fn ensure(fcinfo: FunctionCallInfo) -> Result<Option<String>, SessionError> {
    let signed_in =
        with_session(|cached| cached.map(|cached| cached.session.user_id().to_owned()))?;
    let Some(user) = signed_in else {
        return Ok(None);
    };
    let is_welcome = with_rights_of(owner_of_function(fcinfo), || {
        search_path::with_catalog(|| people::ensure(&user))
    })
    .map_err(SessionError::UserNotStored)?;
    if is_welcome {
        Ok(Some(user))
    } else {
        Err(SessionError::UserDeleted)
    }
}

/// What a BEFORE trigger for each row hands on; nothing where it is called as another one.
fn new_row(fcinfo: FunctionCallInfo) -> Datum {
    // SAFETY: Postgres' own call data; a trigger's context is its data.
    unsafe {
        let context = (*fcinfo).context.cast::<pg_sys::TriggerData>();
        if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
            return Datum::null();
        }
        let is_update =
            (*context).tg_event & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_UPDATE;
        Datum::from(if is_update {
            (*context).tg_newtuple
        } else {
            (*context).tg_trigtuple
        })
    }
}
