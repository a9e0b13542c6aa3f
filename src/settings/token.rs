//! `clerk_sync.token`: the envelope that carries a session token into a transaction.
//!
//! Any role may set it, because nothing is believed before the signature is checked. What the hooks
//! add is the answer to one question: did *this* transaction set the value? On a pooled connection a
//! value that an earlier transaction left behind belongs to somebody else.
//!
//! The check hook writes the local transaction id behind the token, after [`MARK`]. It travels with
//! the value: a rollback to a savepoint brings back the old value with its own id, and a parallel
//! worker receives both from its leader. The show hook hides it. No hook touches a catalog or
//! raises an error.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

use clerk_core::time::UnixMicros;
use clerk_core::token::MAX_TOKEN_BYTES;
use pgrx::prelude::*;

use super::{TokenScope, record};
use crate::clock;

/// Separates the token from the transaction id in the stored value. No JWT holds this byte.
const MARK: u8 = 0x1f;
/// Begins a value that [`assume`] made: claims without a signature follow, or nothing. The check hook
/// lets nobody else write it at the beginning of a value. No JWT holds this byte either.
const ASSUMED: u8 = 0x02;
/// What a forged [`ASSUMED`] becomes: no JWT begins with it, so that the value is refused when used.
const FORGED: u8 = b'?';
/// `MARK` and eight hexadecimal digits.
const MARK_LEN: usize = 9;
const NAME: &CStr = c"clerk_sync.token";

/// What the setting holds at the moment.
#[derive(Copy, Clone)]
pub(crate) struct TokenSetting {
    text: *const u8,
    len: usize,
    transaction: u32,
    /// When a running statement set it, by the clock: what is set in the course of a statement is not
    /// judged by the statement's start. The beginning of time for a value from elsewhere, and for none.
    pub(crate) set_at: UnixMicros,
    /// Grows with each assignment: equal numbers mean the same value, without comparing bytes.
    pub(crate) generation: u64,
}

thread_local! {
    static CURRENT: Cell<TokenSetting> = const {
        Cell::new(TokenSetting {
            text: ptr::null(),
            len: 0,
            transaction: 0,
            set_at: UnixMicros::MIN,
            generation: 0,
        })
    };
    /// Values that a placeholder held before the library was loaded come in by the check hook too.
    static ADOPTING_PLACEHOLDER: Cell<bool> = const { Cell::new(false) };
    /// While [`assume`] sets the setting.
    static ASSUMING: Cell<bool> = const { Cell::new(false) };
    static SHOWN: RefCell<CString> = RefCell::new(CString::default());
}

/// The variable that Postgres assigns. Only Postgres and [`adopt_placeholder`] write to it.
static mut VALUE: *mut c_char = ptr::null_mut();

impl TokenSetting {
    /// The setting as of now.
    #[inline]
    pub(crate) fn current() -> Self {
        CURRENT.get()
    }

    /// Whether no token is set; the empty string counts as none.
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Whether the value counts: the running transaction set it, or the scope is the session.
    #[inline]
    pub(crate) fn is_in_scope(self) -> bool {
        (self.transaction != 0 && self.transaction == local_transaction_id())
            || super::token_scope() == TokenScope::Session
    }

    /// A copy of the token's bytes; a setting is in the server's encoding, not always UTF-8.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        if self.len == 0 {
            return Vec::new();
        }
        // SAFETY: the assign hook took pointer and length from the value that Postgres holds until
        // the next assignment, which calls the hook again before it frees the old value.
        unsafe { std::slice::from_raw_parts(self.text, self.len) }.to_vec()
    }
}

/// Claims that a value made by [`assume`] carries: None for a token; empty where nobody is assumed.
pub(crate) fn assumed_claims(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(&[ASSUMED])
}

/// Puts claims that nobody has signed into force, or explicitly nobody, as SET LOCAL does: a rollback to a
/// savepoint takes them back, and parallel workers get them.
///
/// The caller must have checked who asks, and that the claims are a session: they hold no control
/// character then, as JSON.
pub(crate) fn assume(claims: Option<&str>) {
    struct Assuming;
    impl Drop for Assuming {
        fn drop(&mut self) {
            ASSUMING.set(false);
        }
    }
    let mut value = vec![ASSUMED];
    value.extend_from_slice(claims.unwrap_or_default().as_bytes());
    let value = CString::new(value).unwrap_or_default();
    ASSUMING.set(true);
    // Also where Postgres raises an error, which pgrx turns into unwinding.
    let _assuming = Assuming;
    // SAFETY: static and owned C strings. At level 0 it raises an ERROR where it refuses.
    unsafe {
        pg_sys::set_config_option(
            NAME.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// Defines the setting. Called once, by `_PG_init`.
pub(super) fn register() {
    ADOPTING_PLACEHOLDER.set(true);
    // GUC_NO_SHOW_ALL hides it from pg_settings and SHOW ALL; RESET ALL and DISCARD ALL clear it.
    // GUC_ALLOW_IN_PARALLEL: the library may be loaded while a parallel query runs.
    let flags = pg_sys::GUC_NO_SHOW_ALL
        | pg_sys::GUC_NOT_IN_SAMPLE
        | pg_sys::GUC_DISALLOW_IN_FILE
        | pg_sys::GUC_ALLOW_IN_PARALLEL;
    // SAFETY: static strings and a static variable; the hooks have the types Postgres expects.
    unsafe {
        pg_sys::DefineCustomStringVariable(
            NAME.as_ptr(),
            c"The Clerk session token of the current transaction.".as_ptr(),
            c"Set it with SET LOCAL or set_config(..., true) inside the transaction.".as_ptr(),
            &raw mut VALUE,
            c"".as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            flags as c_int,
            Some(check),
            Some(assign),
            Some(show),
        );
    }
    ADOPTING_PLACEHOLDER.set(false);
    adopt_placeholder();
}

/// Writes the transaction id behind the new value.
#[pg_guard]
unsafe extern "C-unwind" fn check(
    newval: *mut *mut c_char,
    _extra: *mut *mut c_void,
    source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: Postgres passes the address of a C string that the hook may replace.
    unsafe {
        if (*newval).is_null() || **newval == 0 {
            return true;
        }
        let of_leader = pg_sys::InitializingParallelWorker
            && source >= pg_sys::GucSource::PGC_S_SESSION
            && !ADOPTING_PLACEHOLDER.get();
        if **newval as u8 == ASSUMED && !ASSUMING.get() && !of_leader {
            **newval = FORGED as c_char;
        }
        if pg_sys::InitializingParallelWorker {
            // The leader's value, mark included: it says which of the leader's transactions set it.
            return true;
        }
        let value = CStr::from_ptr(*newval).to_bytes();
        let transaction = if ADOPTING_PLACEHOLDER.get() || source < pg_sys::GucSource::PGC_S_SESSION
        {
            0
        } else {
            local_transaction_id()
        };
        // One byte more than is accepted is enough to be refused.
        let value = &value[..value.len().min(MAX_TOKEN_BYTES + 1)];
        let token_len = value
            .iter()
            .position(|&byte| byte == MARK)
            .unwrap_or(value.len());
        let mut marked = Vec::with_capacity(token_len + MARK_LEN + 1);
        marked.extend_from_slice(&value[..token_len]);
        marked.extend_from_slice(&mark(transaction));
        marked.push(0);
        let replacement = allocate(marked.len());
        if replacement.is_null() {
            // Out of memory. A refusal would quote the token; without a mark it does not count.
            return true;
        }
        ptr::copy_nonoverlapping(marked.as_ptr(), replacement, marked.len());
        release(*newval);
        *newval = replacement.cast();
    }
    true
}

/// Notes where the value now in force lies. Runs on SET, RESET, rollback and restore alike.
#[pg_guard]
unsafe extern "C-unwind" fn assign(newval: *const c_char, _extra: *mut c_void) {
    let generation = CURRENT.get().generation + 1;
    let value = if newval.is_null() {
        &[]
    } else {
        // SAFETY: Postgres passes a C string that stays until the next assignment.
        unsafe { CStr::from_ptr(newval) }.to_bytes()
    };
    let (len, transaction) = split_mark(value);
    // SAFETY: reads a variable of this process.
    let is_copy = ADOPTING_PLACEHOLDER.get() || unsafe { pg_sys::InitializingParallelWorker };
    let set_at = if len == 0 || is_copy {
        UnixMicros::MIN
    } else {
        clock::now()
    };
    CURRENT.set(TokenSetting {
        text: value.as_ptr(),
        len,
        transaction,
        set_at,
        generation,
    });
}

/// Shows the token without the mark, to `current_setting` and SHOW, and only where it counts: the next
/// client of a pooled connection must not be able to copy what another left behind. Assumed claims are
/// never shown: they are no token, and nobody could set them again.
#[pg_guard]
unsafe extern "C-unwind" fn show() -> *const c_char {
    let setting = TokenSetting::current();
    let mut token = Vec::new();
    if setting.is_in_scope() {
        token = setting.to_bytes();
    }
    if assumed_claims(&token).is_some() {
        token.clear();
    }
    SHOWN.with_borrow_mut(|shown| {
        *shown = CString::new(token).unwrap_or_default();
        shown.as_ptr()
    })
}

/// A value that was set before the library was loaded counts only if this transaction set it.
///
/// Postgres hands the placeholder's values to the check hook, which cannot know when they were set; but
/// it also rebuilds the stack of values to restore. What lies at its bottom, or alone, was there before
/// this transaction; all else is of this transaction.
fn adopt_placeholder() {
    // SAFETY: the record belongs to the variable just defined and lives as long as the process. The
    // values were allocated by the check hook, with a mark of fixed length at their end.
    unsafe {
        let record = record::find(NAME);
        if record.is_null() || (*record).stack.is_null() {
            return;
        }
        let transaction = local_transaction_id();
        set_mark(VALUE, transaction);
        let mut entry = (*record).stack;
        while !entry.is_null() {
            if (*entry).state == pg_sys::GucStackState::GUC_SET_LOCAL {
                set_mark((*entry).masked.val.stringval, transaction);
            }
            if !(*entry).prev.is_null() {
                set_mark((*entry).prior.val.stringval, transaction);
            }
            entry = (*entry).prev;
        }
        let setting = TokenSetting::current();
        if !setting.is_empty() {
            CURRENT.set(TokenSetting {
                transaction,
                ..setting
            });
        }
    }
}

/// Overwrites the transaction id behind a value that has one.
///
/// # Safety
/// NULL, or a value that the check hook allocated or that has no mark.
unsafe fn set_mark(value: *mut c_char, transaction: u32) {
    if value.is_null() {
        return;
    }
    // SAFETY: the caller's promise; only the bytes of the mark are written.
    unsafe {
        let (len, _) = split_mark(CStr::from_ptr(value).to_bytes());
        if CStr::from_ptr(value).count_bytes() == len + MARK_LEN {
            let text = mark(transaction);
            ptr::copy_nonoverlapping(text.as_ptr(), value.cast::<u8>().add(len), MARK_LEN);
        }
    }
}

/// The local id of the running transaction; in a parallel worker, of its leader's.
#[inline]
fn local_transaction_id() -> u32 {
    // SAFETY: MyProc is set in every process that runs transactions, and a parallel worker joins its
    // leader's lock group before it restores settings. The leader outlives the worker, and reading
    // an aligned u32 cannot tear.
    unsafe {
        let mut process = pg_sys::MyProc;
        if process.is_null() {
            return 0;
        }
        if pg_sys::ParallelWorkerNumber >= 0 && !(*process).lockGroupLeader.is_null() {
            process = (*process).lockGroupLeader;
        }
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        return (*process).lxid;
        #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
        return (*process).vxid.lxid;
    }
}

fn mark(transaction: u32) -> [u8; MARK_LEN] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [MARK; MARK_LEN];
    for (place, digit) in text[1..].iter_mut().rev().enumerate() {
        *digit = DIGITS[(transaction >> (4 * place)) as usize & 15];
    }
    text
}

/// Length of the token and the transaction id behind it; 0 where there is no mark.
fn split_mark(value: &[u8]) -> (usize, u32) {
    let Some(at) = value.iter().rposition(|&byte| byte == MARK) else {
        return (value.len(), 0);
    };
    let transaction = std::str::from_utf8(&value[at + 1..])
        .ok()
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    (at, transaction.unwrap_or(0))
}

/// Memory as the settings machinery frees it.
unsafe fn allocate(len: usize) -> *mut u8 {
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    // SAFETY: plain malloc; the caller checks for NULL.
    return unsafe { libc::malloc(len) }.cast();
    #[cfg(not(any(feature = "pg14", feature = "pg15")))]
    // SAFETY: at LOG level guc_malloc returns NULL instead of raising an error.
    return unsafe { pg_sys::guc_malloc(pg_sys::LOG as c_int, len) }.cast();
}

/// Frees a value that the settings machinery allocated.
unsafe fn release(value: *mut c_char) {
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    // SAFETY: string values are malloc'ed before Postgres 16.
    unsafe {
        libc::free(value.cast());
    }
    #[cfg(not(any(feature = "pg14", feature = "pg15")))]
    // SAFETY: string values come from guc_malloc since Postgres 16.
    unsafe {
        pg_sys::guc_free(value.cast());
    }
}
