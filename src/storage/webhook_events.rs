//! `clerk.webhook_events`, the ledger: one statement a function.

use pgrx::prelude::*;
use serde::Serialize;

use super::statement::Statement;

thread_local! {
    static STORE: Statement = const { Statement::new(
        include_str!("../../sql/statements/store_event.sql"),
        &[
            PgBuiltInOids::TEXTOID, PgBuiltInOids::TEXTOID, PgBuiltInOids::TEXTOID, PgBuiltInOids::TEXTOID,
            PgBuiltInOids::TEXTOID, PgBuiltInOids::INT8OID, PgBuiltInOids::TEXTOID, PgBuiltInOids::INT4OID,
            PgBuiltInOids::FLOAT8OID, PgBuiltInOids::TEXTOID, PgBuiltInOids::TEXTOID,
        ],
    ) };
    static SETTLE: Statement = const { Statement::new(
        include_str!("../../sql/statements/settle_events.sql"),
        &[PgBuiltInOids::TEXTOID],
    ) };
    static IS_DUE: Statement = const { Statement::new(
        include_str!("../../sql/statements/is_event_due.sql"),
        &[],
    ) };
    static DUE: Statement = const { Statement::new(
        include_str!("../../sql/statements/due_events.sql"),
        &[PgBuiltInOids::INT4OID],
    ) };
    static INSTANCES_TO_HEAL: Statement = const { Statement::new(
        "SELECT DISTINCT instance_id FROM clerk.webhook_events
        WHERE status = 'failed' AND refetched_at IS NULL AND attempts >= 2 AND object_id IS NOT NULL AND kind IS NOT NULL",
        &[],
    ) };
    // Each object once: what it is now makes all of its events superfluous.
    static TO_HEAL: Statement = const { Statement::new(
        "SELECT kind, object_id, (pg_catalog.array_agg(body ORDER BY event_at DESC))[1] FROM clerk.webhook_events
        WHERE status = 'failed' AND refetched_at IS NULL AND attempts >= 2 AND object_id IS NOT NULL AND kind IS NOT NULL
            AND instance_id = $1
        GROUP BY kind, object_id ORDER BY pg_catalog.min(received_at) LIMIT $2",
        &[PgBuiltInOids::TEXTOID, PgBuiltInOids::INT4OID],
    ) };
    static NOTE_REFETCH: Statement = const { Statement::new(
        "WITH noted AS (
            UPDATE clerk.webhook_events SET
                refetched_at = pg_catalog.clock_timestamp(),
                status = coalesce($4, status),
                applied_at = CASE WHEN $4 IS NOT NULL THEN pg_catalog.clock_timestamp() ELSE applied_at END,
                next_attempt_at = CASE WHEN $4 IS NULL THEN next_attempt_at END,
                last_error = CASE WHEN $4 IS NULL THEN last_error END
            WHERE kind = $1 AND object_id = $2 AND instance_id = $3 AND status = 'failed' AND refetched_at IS NULL
                AND attempts >= 2
            RETURNING 1)
        SELECT pg_catalog.count(*)::integer FROM noted",
        &[
            PgBuiltInOids::TEXTOID,
            PgBuiltInOids::TEXTOID,
            PgBuiltInOids::TEXTOID,
            PgBuiltInOids::TEXTOID,
        ],
    ) };
}

/// Where an event stands.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct State {
    /// received, applied, stale, ignored, failed or dead.
    pub(crate) status: &'static str,
    /// Table in the schema clerk; None where nothing is mirrored.
    pub(crate) kind: Option<&'static str>,
    pub(crate) object_id: Option<String>,
    /// How many attempts failed.
    pub(crate) attempts: i32,
    /// Seconds until it is due; None where it is not.
    pub(crate) delay: Option<f64>,
    /// SQLSTATE and message of the last failure.
    pub(crate) error: Option<String>,
}

impl State {
    /// Not looked into yet, and due at once: what it is about is read when it is applied.
    pub(crate) const WAITING: Self = Self {
        status: "received",
        kind: None,
        object_id: None,
        attempts: 0,
        delay: Some(0.0),
        error: None,
    };
}

/// A state to write back.
#[derive(Serialize)]
pub(crate) struct Settled<'a> {
    pub(crate) id: &'a str,
    #[serde(flatten)]
    pub(crate) state: &'a State,
    /// Whether the event wrote its object just now, so that it cannot be gone.
    pub(crate) is_alive: bool,
    /// Whether its body is of no use any more.
    pub(crate) is_done_with: bool,
}

/// What the ledger takes from the envelope.
pub(crate) struct Arrival<'a> {
    pub(crate) id: &'a str,
    pub(crate) instance_id: &'a str,
    pub(crate) event_type: &'a str,
    /// Milliseconds since 1970.
    pub(crate) event_at: i64,
    /// None where it is of no use.
    pub(crate) body: Option<&'a str>,
}

/// An event that is due.
pub(crate) struct Due {
    pub(crate) id: String,
    pub(crate) attempts: i32,
    /// None where it was erased.
    pub(crate) body: Option<String>,
}

/// Stores an event; false where it is stored already.
pub(crate) fn store(arrival: &Arrival<'_>, state: &State) -> Result<bool, spi::Error> {
    let arguments = [
        arrival.id.into(),
        arrival.instance_id.into(),
        arrival.event_type.into(),
        state.kind.into(),
        state.object_id.as_deref().into(),
        arrival.event_at.into(),
        state.status.into(),
        state.attempts.into(),
        state.delay.into(),
        state.error.as_deref().into(),
        arrival.body.into(),
    ];
    STORE.with(|statement| statement.run(&arguments, |rows| Ok(!rows.is_empty())))
}

/// Writes back what became of events.
pub(crate) fn settle(events: &[Settled<'_>]) -> Result<(), spi::Error> {
    let events = serde_json::to_string(events).unwrap_or_default();
    SETTLE.with(|statement| statement.run(&[events.as_str().into()], |_| Ok(())))
}

/// Whether an event is due; somebody else may be at work on it.
pub(crate) fn is_due() -> Result<bool, spi::Error> {
    IS_DUE.with(|statement| {
        statement.look(&[], |rows| Ok(rows.first().get_one()?.unwrap_or_default()))
    })
}

/// Takes events that are due, up to so many, and locks them.
pub(crate) fn take_due(most: i32) -> Result<Vec<Due>, spi::Error> {
    DUE.with(|statement| {
        statement.run(&[most.into()], |rows| {
            rows.map(|row| {
                Ok(Due {
                    id: row.get(1)?.unwrap_or_default(),
                    attempts: row.get(2)?.unwrap_or_default(),
                    body: row.get(3)?,
                })
            })
            .collect()
        })
    })
}

/// An object whose events failed.
pub(crate) struct ToHeal {
    pub(crate) kind: String,
    pub(crate) object_id: String,
    /// Of the newest of them.
    pub(crate) body: Option<String>,
}

/// Ids of the instances of which events failed twice, and Clerk was not asked yet.
pub(crate) fn instances_to_heal() -> Result<Vec<String>, spi::Error> {
    INSTANCES_TO_HEAL.with(|statement| {
        statement.look(&[], |rows| {
            let ids: Result<Vec<Option<String>>, _> = rows.map(|row| row.get(1)).collect();
            Ok(ids?.into_iter().flatten().collect())
        })
    })
}

/// The objects of such events of an instance.
pub(crate) fn list_to_heal(instance_id: &str, most: i32) -> Result<Vec<ToHeal>, spi::Error> {
    TO_HEAL.with(|statement| {
        statement.look(&[instance_id.into(), most.into()], |rows| {
            rows.map(|row| {
                Ok(ToHeal {
                    kind: row.get(1)?.unwrap_or_default(),
                    object_id: row.get(2)?.unwrap_or_default(),
                    body: row.get(3)?,
                })
            })
            .collect()
        })
    })
}

/// Notes that Clerk was asked for an object whose events failed, and gives their number; with a status they are dealt with.
pub(crate) fn note_refetch(
    table: &str,
    id: &str,
    instance_id: &str,
    status: Option<&str>,
) -> Result<i32, spi::Error> {
    let arguments = [table.into(), id.into(), instance_id.into(), status.into()];
    NOTE_REFETCH.with(|statement| {
        statement.run(&arguments, |rows| {
            Ok(rows.first().get_one()?.unwrap_or_default())
        })
    })
}
