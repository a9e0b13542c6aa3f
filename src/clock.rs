//! Postgres' times as the core counts them.

use clerk_core::time::UnixMicros;

/// Microseconds from 1970 to 2000, where Postgres' timestamps begin.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A `timestamptz` in Postgres' own representation.
#[inline]
pub(crate) fn from_timestamp(timestamp: i64) -> UnixMicros {
    UnixMicros(timestamp.saturating_add(POSTGRES_EPOCH))
}

/// The time by the clock.
pub(crate) fn now() -> UnixMicros {
    // SAFETY: reads the clock.
    from_timestamp(unsafe { pgrx::pg_sys::GetCurrentTimestamp() })
}

/// The same in milliseconds since 1970, as Clerk counts.
pub(crate) fn now_millis() -> i64 {
    now().0.div_euclid(1000)
}

/// Start of the running transaction, as `now()` gives it.
pub(crate) fn transaction_start() -> UnixMicros {
    // SAFETY: reads a variable of this process.
    from_timestamp(unsafe { pgrx::pg_sys::GetCurrentTransactionStartTimestamp() })
}

/// Start of the current statement: the same for every row.
#[inline]
pub(crate) fn statement_start() -> UnixMicros {
    unsafe extern "C-unwind" {
        // Without pgrx's guard: it returns a variable, for every row.
        fn GetCurrentStatementStartTimestamp() -> i64;
    }
    // SAFETY: reads a variable of this process.
    from_timestamp(unsafe { GetCurrentStatementStartTimestamp() })
}
