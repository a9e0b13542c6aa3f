//! Locks that let two sessions never do the same work, and those who write what belongs to a user or an
//! organization take turns with the deletion of that.
//!
//! On the extension's own object, not advisory ones: any role can take an advisory lock, and could so
//! keep the keys from being refreshed, or a deletion from being applied.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use clerk_core::resource::Kind;
use pgrx::{pg_guard, pg_sys};

/// Owners share this many locks: however many a transaction names, it takes no more from the server's lock table. The
/// numbers of the sub-objects follow those of [`Work`].
const OWNER_LOCKS: u64 = 512;
const FIRST_OWNER_LOCK: u16 = 256;

/// Work that one session of a database does at a time. The number is the sub-object that is locked.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Fetching signing keys.
    KeyRefresh = 1,
    /// Deleting what is past its retention.
    Purge = 2,
    /// Applying more than one batch of events in a transaction.
    Drain = 3,
}

/// Keeps the extension from being dropped until the transaction ends, and gives its oid; None where it
/// is not installed, or being dropped.
///
/// By a lock on one of its tables, which DROP EXTENSION takes exclusively and strangers cannot: the extension's own object
/// is locked by whoever writes `ALTER FUNCTION ... DEPENDS ON EXTENSION`, without any right on it.
pub(crate) fn hold_extension() -> Option<pg_sys::Oid> {
    // SAFETY: catalog lookups inside a transaction. Looked up again under the lock: what holds the
    // schema's name after a DROP EXTENSION may be a stranger's.
    unsafe {
        let (extension, table) = find_table_of_extension()?;
        let tag = pg_sys::LOCKTAG {
            locktag_field1: pg_sys::MyDatabaseId.to_u32(),
            locktag_field2: table.to_u32(),
            locktag_field3: 0,
            locktag_field4: 0,
            locktag_type: pg_sys::LockTagType::LOCKTAG_RELATION as u8,
            locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
        };
        let is_held = acquire(&tag, pg_sys::AccessShareLock, false);
        pg_sys::AcceptInvalidationMessages();
        (is_held && find_table_of_extension() == Some((extension, table))).then_some(extension)
    }
}

/// Claims the work until the transaction ends, without waiting; false where another session is at it.
pub(crate) fn claim_until_commit(work: Work, extension: pg_sys::Oid) -> bool {
    // SAFETY: inside a transaction.
    unsafe {
        let tag = extension_tag(extension, work as u16);
        acquire(&tag, pg_sys::ExclusiveLock, false)
    }
}

/// Claims what only one transaction at a time may do with events: hold what one batch locked while it applies more. Two would
/// wait for each other.
pub(crate) fn claim_drain() -> bool {
    hold_extension().is_some_and(|extension| claim_until_commit(Work::Drain, extension))
}

/// Claims the work beyond the transaction, until [`release`] or the end of the session.
pub(crate) fn claim_for_session(work: Work, extension: pg_sys::Oid) -> bool {
    // SAFETY: on the backend's thread.
    unsafe {
        let tag = extension_tag(extension, work as u16);
        acquire(&tag, pg_sys::ExclusiveLock, true)
    }
}

/// Gives up what [`claim_for_session`] claimed.
pub(crate) fn release(work: Work, extension: pg_sys::Oid) {
    // SAFETY: the lock is held by this session.
    unsafe {
        let tag = extension_tag(extension, work as u16);
        pg_sys::LockRelease(&raw const tag, pg_sys::ExclusiveLock as i32, true);
    }
}

/// Locks users and organizations by their ids until the transaction ends, and waits for those who hold them: exclusively
/// (true) who deletes them, shared who writes what belongs to them. The next statement sees what was committed meanwhile.
pub(crate) fn hold_owners<'a>(owners: impl Iterator<Item = (&'a str, bool)>) {
    // In one order, lest two wait for each other.
    let mut locks: BTreeMap<u16, bool> = BTreeMap::new();
    for (id, exclusive) in owners {
        // The same in all processes: they run the same library.
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let number = FIRST_OWNER_LOCK + (hasher.finish() % OWNER_LOCKS) as u16;
        *locks.entry(number).or_default() |= exclusive;
    }
    if locks.is_empty() {
        return;
    }
    // SAFETY: inside a transaction; the tag is copied. Waiting ends by a cancel or a timeout, as everywhere.
    unsafe {
        let extension = find_extension();
        for (number, exclusive) in locks {
            let mode = if exclusive {
                pg_sys::ExclusiveLock
            } else {
                pg_sys::ShareLock
            };
            let tag = extension_tag(extension, number);
            pg_sys::LockAcquire(&raw const tag, mode as i32, false, false);
        }
    }
}

/// Whether somebody drops or renames the database, moves it, or copies it as a template: all of these
/// lock it first, and then wait at most 5 s until nobody is connected to it.
pub(crate) fn is_database_wanted(database: pg_sys::Oid) -> bool {
    let tag = pg_sys::LOCKTAG {
        locktag_field1: 0,
        locktag_field2: pg_sys::DatabaseRelationId.to_u32(),
        locktag_field3: database.to_u32(),
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    // SAFETY: inside a transaction; the mode is the one that a new connection takes.
    unsafe {
        let is_free = acquire(&tag, pg_sys::RowExclusiveLock, false);
        if is_free {
            pg_sys::LockRelease(&raw const tag, pg_sys::RowExclusiveLock as i32, false);
        }
        !is_free
    }
}

fn extension_tag(extension: pg_sys::Oid, part: u16) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        // SAFETY: reads a variable of this process.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: pg_sys::ExtensionRelationId.to_u32(),
        locktag_field3: extension.to_u32(),
        locktag_field4: part,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        // The method of advisory locks, whose functions cannot name such an object: what is held for a session outlasts
        // the abort of a transaction, and ends with the process wherever that ends.
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// The extension and its table of instances, as long as that is the extension's.
unsafe fn find_table_of_extension() -> Option<(pg_sys::Oid, pg_sys::Oid)> {
    // SAFETY: the caller is in a transaction.
    unsafe {
        let extension = find_extension();
        let schema = pg_sys::get_namespace_oid(c"clerk".as_ptr(), true);
        if extension == pg_sys::InvalidOid || schema == pg_sys::InvalidOid {
            return None;
        }
        let table = pg_sys::get_relname_relid(c"instances".as_ptr(), schema);
        let is_member = table != pg_sys::InvalidOid
            && pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, table) == extension;
        is_member.then_some((extension, table))
    }
}

unsafe fn find_extension() -> pg_sys::Oid {
    // SAFETY: the caller is in a transaction.
    unsafe { pg_sys::get_extension_oid(c"clerk_sync".as_ptr(), true) }
}

/// Without waiting.
unsafe fn acquire(tag: &pg_sys::LOCKTAG, mode: u32, for_session: bool) -> bool {
    // SAFETY: the tag is copied; a lock that is not for the session needs a transaction, which the
    // caller has.
    unsafe {
        pg_sys::LockAcquire(&raw const *tag, mode as i32, for_session, true)
            != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
    }
}

/// The claim on a kind for a run, beyond transactions: no other session runs one for it. Ends with this value; after an error
/// with the transaction that fails, or by [`RunClaim::end`].
pub(crate) struct RunClaim;

/// Numbers of the sub-objects that stand for kinds: `clerk._is_at_work()` looks for them.
const FIRST_RUN_LOCK: u16 = 16;

thread_local! {
    /// What is claimed: the extension and the sub-object.
    static CLAIMED: Cell<Option<(pg_sys::Oid, u16)>> = const { Cell::new(None) };
    /// Whether the end of a transaction is none of the run's.
    static IS_KEPT: Cell<bool> = const { Cell::new(false) };
    static IS_REGISTERED: Cell<bool> = const { Cell::new(false) };
}

impl RunClaim {
    /// None where another session is at it.
    pub(crate) fn take(kind: Kind, extension: pg_sys::Oid) -> Option<Self> {
        let number = Kind::ALL.iter().position(|&known| known == kind)?;
        let part = FIRST_RUN_LOCK + u16::try_from(number).ok()?;
        if !IS_REGISTERED.replace(true) {
            // SAFETY: once a process; the callback is static.
            unsafe { pg_sys::RegisterXactCallback(Some(release_at_abort), std::ptr::null_mut()) };
        }
        // One at a time: a run that calls another one, by a trigger, is refused.
        if CLAIMED.get().is_some() {
            return None;
        }
        // SAFETY: on the backend's thread.
        let is_mine =
            unsafe { acquire(&extension_tag(extension, part), pg_sys::ExclusiveLock, true) };
        if !is_mine {
            return None;
        }
        CLAIMED.set(Some((extension, part)));
        Some(Self)
    }

    /// Ends what an error left, where no transaction ended with it.
    pub(crate) fn end() {
        release_claim();
    }

    /// Runs what may roll back a transaction without the run ending by it.
    pub(crate) fn keep<R>(run: impl FnOnce() -> R) -> R {
        struct Kept;
        impl Drop for Kept {
            fn drop(&mut self) {
                IS_KEPT.set(false);
            }
        }
        let _kept = Kept;
        IS_KEPT.set(true);
        run()
    }
}

impl Drop for RunClaim {
    fn drop(&mut self) {
        // After an error Postgres may hold what the release needs: it is left to the end of the transaction.
        if !std::thread::panicking() {
            release_claim();
        }
    }
}

fn release_claim() {
    if let Some((extension, part)) = CLAIMED.take() {
        let tag = extension_tag(extension, part);
        // SAFETY: the lock is held by this session.
        unsafe { pg_sys::LockRelease(&raw const tag, pg_sys::ExclusiveLock as i32, true) };
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn release_at_abort(
    event: pg_sys::XactEvent::Type,
    _argument: *mut std::ffi::c_void,
) {
    if event == pg_sys::XactEvent::XACT_EVENT_ABORT && !IS_KEPT.get() {
        release_claim();
    }
}
