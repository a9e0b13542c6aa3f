//! Tokens of those who are gone: looked at once a statement, where a superuser wants it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use clerk_core::time::UnixMicros;
use pgrx::pg_sys::Datum;

use super::{CACHE, CachedSession};
use crate::errors::SessionError;
use crate::storage::people;

thread_local! {
    /// Who was looked at last, and the start of the statement.
    static CHECKED: RefCell<Option<(Rc<CachedSession>, UnixMicros)>> = const { RefCell::new(None) };
    /// While the question itself runs.
    static CHECKING: Cell<bool> = const { Cell::new(false) };
}

/// Refuses the session in force where its user was banned or deleted, or the session has ended.
pub(super) fn check(now: UnixMicros) -> Result<(), SessionError> {
    struct Checking;
    impl Drop for Checking {
        fn drop(&mut self) {
            CHECKING.set(false);
        }
    }
    if CHECKING.get() {
        return Ok(());
    }
    // The cache is not borrowed while a statement runs.
    let session = CACHE.with_borrow_mut(|cache| {
        cache.resolve(now)?;
        Ok::<_, SessionError>(cache.current.clone())
    })?;
    let Some(session) = session else {
        return Ok(());
    };
    let is_checked = CHECKED.with_borrow(|checked| {
        checked
            .as_ref()
            .is_some_and(|(known, then)| Rc::ptr_eq(known, &session) && *then == now)
    });
    if is_checked {
        return Ok(());
    }
    CHECKING.set(true);
    let _checking = Checking;
    if people::is_gone(text(session.session.user_id())) {
        return Err(SessionError::Revoked("the user was banned or deleted"));
    }
    if let Some(id) = session.session.session_id()
        && people::has_ended(text(id))
    {
        return Err(SessionError::Revoked("the session has ended"));
    }
    CHECKED.set(Some((session, now)));
    Ok(())
}

fn text(text: &str) -> Datum {
    pgrx::IntoDatum::into_datum(text).unwrap_or(Datum::null())
}
