//! What the worker's processes and all backends share: a slot for each database that has a worker.
//!
//! Atomics only, so that no lock is needed. All zeroes after a start and after a crash. A server that
//! does not preload the library has none of it, and nothing here does anything then.

use std::mem::size_of;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering};

use pgrx::prelude::*;

/// How many databases of a server can have a worker.
pub(super) const MOST_DATABASES: usize = 64;

/// The place of one database.
#[repr(C)]
pub(super) struct Slot {
    /// Oid of the database; 0 where the slot is free. Written by the launcher only.
    database: AtomicU32,
    /// The worker that serves it; 0 where there is none.
    pid: AtomicI32,
    /// Counts the calls for fresh keys, and wraps around.
    nudges: AtomicU32,
}

#[repr(C)]
struct Shared {
    slots: [Slot; MOST_DATABASES],
}

/// Set by the postmaster, and so in every process that it starts.
static SHARED: AtomicPtr<Shared> = AtomicPtr::new(ptr::null_mut());

static mut NEXT_STARTUP: pg_sys::shmem_startup_hook_type = None;
#[cfg(not(feature = "pg14"))]
static mut NEXT_REQUEST: pg_sys::shmem_request_hook_type = None;

/// Asks for the memory. Called by the postmaster while it preloads the library.
pub(super) fn request() {
    // SAFETY: the usual way to chain hooks, on the postmaster's only thread.
    unsafe {
        #[cfg(feature = "pg14")]
        pg_sys::RequestAddinShmemSpace(size_of::<Shared>());
        #[cfg(not(feature = "pg14"))]
        {
            NEXT_REQUEST = pg_sys::shmem_request_hook;
            pg_sys::shmem_request_hook = Some(request_space);
        }
        NEXT_STARTUP = pg_sys::shmem_startup_hook;
        pg_sys::shmem_startup_hook = Some(attach);
    }
}

#[cfg(not(feature = "pg14"))]
#[pg_guard]
unsafe extern "C-unwind" fn request_space() {
    // SAFETY: called by Postgres when space may be asked for.
    unsafe {
        if let Some(next) = NEXT_REQUEST {
            next();
        }
        pg_sys::RequestAddinShmemSpace(size_of::<Shared>());
    }
}

/// Runs in the postmaster, at its start and after a crash of a backend.
#[pg_guard]
unsafe extern "C-unwind" fn attach() {
    /// `AddinShmemInitLock` in lwlocknames.h, the same in all versions.
    const ADDIN_SHMEM_INIT_LOCK: usize = 21;
    // SAFETY: called by Postgres when shared memory is there. Zeroes are valid atomics.
    unsafe {
        if let Some(next) = NEXT_STARTUP {
            next();
        }
        let lock = &raw mut (*pg_sys::MainLWLockArray.add(ADDIN_SHMEM_INIT_LOCK)).lock;
        pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
        let mut found = false;
        let shared =
            pg_sys::ShmemInitStruct(c"clerk_sync".as_ptr(), size_of::<Shared>(), &raw mut found)
                .cast::<Shared>();
        if !found {
            ptr::write_bytes(shared, 0, 1);
        }
        pg_sys::LWLockRelease(lock);
        SHARED.store(shared, Ordering::Release);
    }
}

/// All slots; none where the library was not preloaded.
fn slots() -> &'static [Slot] {
    // SAFETY: null, or memory that stays as long as the process.
    unsafe {
        SHARED
            .load(Ordering::Acquire)
            .as_ref()
            .map_or(&[], |shared| &shared.slots)
    }
}

/// Asks the worker of this database, if there is one, to fetch its keys soon.
pub(crate) fn ask_for_keys() {
    // SAFETY: reads a variable of this process.
    let database = unsafe { pg_sys::MyDatabaseId }.to_u32();
    for slot in slots() {
        if slot.database.load(Ordering::Relaxed) == database {
            slot.nudges.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The slot that the launcher gave a worker.
pub(super) fn slot(number: usize) -> Option<&'static Slot> {
    slots().get(number)
}

/// The slot of a database and its number, taken where there is none yet; None where all are taken. For
/// the launcher, of which there is one.
pub(super) fn find_or_take(database: pg_sys::Oid) -> Option<(usize, &'static Slot)> {
    let with = |oid: u32| {
        slots()
            .iter()
            .enumerate()
            .find(|(_, slot)| slot.database.load(Ordering::Relaxed) == oid)
    };
    with(database.to_u32()).or_else(|| {
        with(0).inspect(|(_, slot)| slot.database.store(database.to_u32(), Ordering::Relaxed))
    })
}

/// Frees the slots of other databases than these, where no worker is left. For the launcher.
pub(super) fn free_others(databases: &[pg_sys::Oid]) {
    for slot in slots() {
        let database = slot.database();
        if database != pg_sys::InvalidOid && !databases.contains(&database) && !slot.is_served() {
            slot.database.store(0, Ordering::Relaxed);
        }
    }
}

impl Slot {
    /// The database, or the invalid oid.
    pub(super) fn database(&self) -> pg_sys::Oid {
        pg_sys::Oid::from(self.database.load(Ordering::Relaxed))
    }

    /// Whether a worker serves it.
    pub(super) fn is_served(&self) -> bool {
        self.pid.load(Ordering::Relaxed) != 0
    }

    /// Calls for fresh keys so far.
    pub(super) fn nudges(&self) -> u32 {
        self.nudges.load(Ordering::Relaxed)
    }

    /// Makes this process the slot's worker until it exits; false where there is one already.
    pub(super) fn claim(&'static self) -> bool {
        // SAFETY: reads a variable of this process.
        let pid = unsafe { pg_sys::MyProcPid };
        let claimed = self
            .pid
            .compare_exchange(0, pid, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if claimed {
            let slot = pg_sys::Datum::from(ptr::from_ref(self).cast_mut());
            // SAFETY: the callback and what it is given live as long as the process.
            unsafe { pg_sys::on_shmem_exit(Some(give_up), slot) };
        }
        claimed
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn give_up(_code: i32, slot: pg_sys::Datum) {
    // SAFETY: the slot that was given in `claim`.
    unsafe {
        (*slot.cast_mut_ptr::<Slot>())
            .pid
            .store(0, Ordering::Relaxed);
    }
}
