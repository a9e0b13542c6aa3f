//! Where a run takes place: how it commits, waits and tells.

use std::time::{Duration, Instant};

use pgrx::memcxt::PgMemoryContexts;
use pgrx::prelude::*;

use super::error::SyncError;
use crate::storage::locks::{self, RunClaim};
use crate::storage::rights::with_rights_of;
use crate::storage::search_path;

/// How long is slept at a time: a cancelled backend ends so soon.
const SLEEP: Duration = Duration::from_millis(50);

/// A procedure, a function, or the worker.
pub(crate) trait Surroundings {
    /// Does work that reads or writes tables, and commits it, where it is not part of something greater. What it allocates
    /// goes with it.
    fn transact<R>(&mut self, work: impl FnOnce() -> Result<R, SyncError>) -> Result<R, SyncError>;

    /// Asked every 50 ms of a wait: whether to go on with it.
    fn may_wait(&mut self) -> bool;

    /// Asked after each step of a run that was committed: whether another one may follow now.
    fn may_go_on(&mut self) -> bool {
        true
    }

    /// Tells whoever looks on.
    fn tell(&mut self, message: &str);

    /// Waits, open to interrupts.
    fn pause(&mut self, time: Duration) -> Result<(), SyncError> {
        let begun = Instant::now();
        while let Some(left) = time.checked_sub(begun.elapsed()).filter(|t| !t.is_zero()) {
            sleep(left.min(SLEEP));
            pgrx::check_for_interrupts!();
            if !self.may_wait() {
                return Err(SyncError::Abandoned);
            }
        }
        Ok(())
    }
}

/// A procedure that was called outside of transactions: commits, and holds neither a snapshot nor a lock between.
pub(crate) struct Procedure {
    owner: pg_sys::Oid,
    extension: pg_sys::Oid,
}

/// A function: part of its caller's transaction, for whose time the extension stays.
pub(crate) struct Function(());

impl Procedure {
    /// Takes the rights of the procedure's owner for each transaction. None where it is part of something greater: a
    /// transaction block, a function.
    pub(crate) fn of(fcinfo: pg_sys::FunctionCallInfo, owner: pg_sys::Oid) -> Option<Self> {
        // SAFETY: Postgres' own rule for who may commit; the node is checked before it is read.
        unsafe {
            let context = (*fcinfo).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_CallContext {
                return None;
            }
            // In a block with an exception handler nothing can be committed either.
            if (*context.cast::<pg_sys::CallContext>()).atomic || pg_sys::IsSubTransaction() {
                return None;
            }
        }
        let extension = locks::hold_extension()?;
        // SAFETY: as above.
        unsafe { pg_sys::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as i32) };
        Some(Self { owner, extension })
    }

    /// Ends it: the statement's own end comes after.
    pub(crate) fn finish(self) {
        // SAFETY: pairs with the connection of `of`; an error takes care of it by itself.
        unsafe { pg_sys::SPI_finish() };
    }
}

impl Function {
    /// None where the extension is being dropped.
    pub(crate) fn begin() -> Option<Self> {
        locks::hold_extension().map(|_| Self(()))
    }
}

impl Surroundings for Procedure {
    fn transact<R>(&mut self, work: impl FnOnce() -> Result<R, SyncError>) -> Result<R, SyncError> {
        // It may have been dropped since the last transaction, and its schema's name be a stranger's.
        let outcome = if locks::hold_extension() == Some(self.extension) {
            with_rights_of(self.owner, || search_path::with_catalog(|| within(work)))
        } else {
            Err(SyncError::Dropped)
        };
        // SAFETY: the connection of `of` is the current one, and it may commit. The next transaction begins at once,
        // without a snapshot or an id.
        unsafe {
            if outcome.is_ok() {
                pg_sys::SPI_commit();
            } else {
                RunClaim::keep(|| pg_sys::SPI_rollback());
            }
        }
        outcome
    }

    fn may_wait(&mut self) -> bool {
        true
    }

    fn tell(&mut self, message: &str) {
        notice!("{message}");
    }
}

impl Surroundings for Function {
    fn transact<R>(&mut self, work: impl FnOnce() -> Result<R, SyncError>) -> Result<R, SyncError> {
        search_path::with_catalog(|| within(work))
    }

    fn may_wait(&mut self) -> bool {
        true
    }

    fn tell(&mut self, _message: &str) {}
}

/// With a snapshot, and a memory context of its own.
pub(crate) fn within<R>(work: impl FnOnce() -> Result<R, SyncError>) -> Result<R, SyncError> {
    let mut context = PgMemoryContexts::new("clerk_sync run");
    // SAFETY: in pairs; after an error the end of the transaction takes the snapshot off its stack. Nothing that is
    // allocated in the context is used after it.
    unsafe {
        context.switch_to(|_| {
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            let outcome = work();
            pg_sys::PopActiveSnapshot();
            outcome
        })
    }
}

fn sleep(time: Duration) {
    // SAFETY: waits on the process' own latch, which is set where something is to be seen to.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            (pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH) as i32,
            i64::try_from(time.as_millis()).unwrap_or(50).max(1) as _,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
}
