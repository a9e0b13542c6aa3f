//! Reading what this very statement has changed.

use pgrx::pg_sys;

/// Runs read-only statements that see all that the transaction has done so far, and all that others have
/// committed, at any isolation level: what a lock was waited for.
///
/// SPI would give them the snapshot of the statement that called us, and a new one only where this
/// subtransaction has written itself. Nothing is assigned or written, so that it works on a standby too.
pub(crate) fn with_latest<R>(read: impl FnOnce() -> R) -> R {
    // SAFETY: Postgres' own calls, in pairs. After an error the end of the (sub)transaction takes the
    // snapshot off its stack.
    unsafe {
        pg_sys::CommandCounterIncrement();
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        let answer = read();
        pg_sys::PopActiveSnapshot();
        answer
    }
}
