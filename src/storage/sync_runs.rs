//! `clerk.sync_runs` and what a run finds.

use std::time::Duration;

use clerk_core::resource::Kind;
use clerk_core::time::UnixMillis;
use pgrx::prelude::*;
use serde::Serialize;

use super::statement::Statement;

macro_rules! file {
    ($file:literal, [$($argument:ident),*]) => {
        Statement::new(
            include_str!(concat!("../../sql/statements/", $file, ".sql")),
            &[$(PgBuiltInOids::$argument),*],
        )
    };
}

thread_local! {
    static BEGIN: Statement = const { file!("begin_run", [TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID]) };
    static RESUME: Statement = const { file!("resume_run", [TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID]) };
    static CUT_OFF_CALL: Statement = const { file!("cut_off_call", [TEXTOID, TEXTARRAYOID]) };
    static DONE_KINDS: Statement = const { Statement::new(
        "SELECT kind FROM clerk.sync_runs
        WHERE purpose = $1 AND instance_id = $2 AND source = $3 AND called_at = clerk._time($4) AND status IN ('done', 'skipped')",
        &[PgBuiltInOids::TEXTOID, PgBuiltInOids::TEXTOID, PgBuiltInOids::TEXTOID, PgBuiltInOids::INT8OID],
    ) };
    // Those that failed go on by their own cursors, and by themselves.
    static CLOSE_CALL: Statement = const { Statement::new(
        "UPDATE clerk.sync_runs SET called_at = started_at
        WHERE purpose = $1 AND called_at = clerk._time($2) AND status = 'failed'",
        &[PgBuiltInOids::TEXTOID, PgBuiltInOids::INT8OID],
    ) };
    static ADVANCE: Statement = const { file!("advance_run", [INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID,
        INT8OID, INT8OID, INT8OID, INT8OID]) };
    static END: Statement = const { file!("end_run", [INT8OID, TEXTOID, TEXTOID, INT8OID, INT8OID]) };
    static NOTE_FINDINGS: Statement = const { file!("note_findings", [INT8OID, TEXTOID, TEXTOID]) };
    static NOTE_SEEN: Statement = const { Statement::new(
        "INSERT INTO clerk.sync_seen (run_id, object_id) SELECT $1, id FROM pg_catalog.unnest($2) AS id ON CONFLICT DO NOTHING",
        &[PgBuiltInOids::INT8OID, PgBuiltInOids::TEXTARRAYOID],
    ) };
    // What earlier runs of the kind left behind, which nobody is at.
    static FORGET_SEEN: Statement = const { Statement::new(
        "DELETE FROM clerk.sync_seen WHERE run_id <> $1
            AND run_id IN (SELECT id FROM clerk.sync_runs WHERE kind = $2 AND purpose <> 'backfill')",
        &[PgBuiltInOids::INT8OID, PgBuiltInOids::TEXTOID],
    ) };
    static FIND_EXTRA: Statement = const { Statement::new(
        "SELECT live, extra FROM clerk._find_extra($1)",
        &[PgBuiltInOids::INT8OID],
    ) };
    static UNCHECKED: Statement = const { Statement::new(
        "SELECT object_id FROM clerk.sync_findings
        WHERE run_id = $1 AND finding = 'extra' AND checked_at IS NULL AND object_id > $2 ORDER BY object_id LIMIT 1",
        &[PgBuiltInOids::INT8OID, PgBuiltInOids::TEXTOID],
    ) };
    static NOTE_CHECK: Statement = const { Statement::new(
        "UPDATE clerk.sync_findings SET checked_at = pg_catalog.clock_timestamp(),
            repaired_at = CASE WHEN $3 THEN pg_catalog.clock_timestamp() END
        WHERE run_id = $1 AND object_id = $2",
        &[PgBuiltInOids::INT8OID, PgBuiltInOids::TEXTOID, PgBuiltInOids::BOOLOID],
    ) };
    static TAKE_BACK: Statement = const { Statement::new(
        "WITH gone AS (DELETE FROM clerk.sync_findings WHERE run_id = $1 AND object_id = $2),
        seen AS (INSERT INTO clerk.sync_seen (run_id, object_id) VALUES ($1, $2) ON CONFLICT DO NOTHING)
        UPDATE clerk.sync_runs SET extra = extra - 1 WHERE id = $1",
        &[PgBuiltInOids::INT8OID, PgBuiltInOids::TEXTOID],
    ) };
    static INSTANCE_OF: Statement = const { Statement::new(
        "SELECT instance_id FROM clerk.sync_runs WHERE source = $1 ORDER BY id DESC LIMIT 1",
        &[PgBuiltInOids::TEXTOID],
    ) };
    static IS_TRUSTED: Statement = const { Statement::new(
        "SELECT EXISTS (SELECT FROM clerk.signing_keys WHERE kid = $1) OR NOT EXISTS (SELECT FROM clerk.instances)",
        &[PgBuiltInOids::TEXTOID],
    ) };
    static ONLY_INSTANCE: Statement = const { Statement::new(
        "SELECT pg_catalog.min(kid) FROM clerk.signing_keys HAVING pg_catalog.count(DISTINCT kid) = 1",
        &[],
    ) };
    // By the kind that was compared least lately; a report is no repair.
    static SINCE_LAST: Statement = const { Statement::new(
        "SELECT CASE WHEN pg_catalog.bool_and(last.started_at IS NOT NULL)
                THEN extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.min(last.started_at))::float8 END,
            extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.max(last.updated_at)
                FILTER (WHERE last.status IN ('failed', 'running')))::float8
        FROM pg_catalog.unnest($1) AS kinds (kind) LEFT JOIN LATERAL (
            SELECT r.started_at, r.updated_at, r.status FROM clerk.sync_runs AS r
            WHERE r.kind = kinds.kind AND r.purpose IN ($2, 'repair') ORDER BY r.id DESC LIMIT 1
        ) AS last ON true",
        &[PgBuiltInOids::TEXTARRAYOID, PgBuiltInOids::TEXTOID],
    ) };
}

/// A run that has begun, or was taken up again.
pub(crate) struct Begun {
    pub(crate) id: i64,
    /// Its checkpoint, as JSON.
    pub(crate) cursor: Option<String>,
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
}

/// What a page, or a run, brought.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) written: i64,
    pub(crate) unchanged: i64,
    pub(crate) refused: i64,
    pub(crate) missing: i64,
    pub(crate) stale: i64,
}

/// Requests and how long they took.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) requests: i64,
    pub(crate) time: Duration,
}

/// An object that differs.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) object_id: String,
    pub(crate) finding: &'static str,
    pub(crate) here: Option<i64>,
    pub(crate) there: Option<UnixMillis>,
    pub(crate) is_repaired: bool,
    pub(crate) reason: Option<String>,
}

impl Cost {
    fn micros(self) -> i64 {
        i64::try_from(self.time.as_micros()).unwrap_or(i64::MAX)
    }
}

/// Begins a run, or takes the last one up again where `resume` is set and that can be done.
pub(crate) fn begin(
    purpose: &str,
    kind: Kind,
    instance_id: &str,
    source: &str,
    called_at: i64,
    resume: bool,
) -> Result<Begun, spi::Error> {
    let arguments = [
        purpose.into(),
        kind.table().into(),
        instance_id.into(),
        source.into(),
        called_at.into(),
    ];
    let read = |mut rows: spi::SpiTupleTable<'_>| {
        let Some(row) = rows.next() else {
            return Ok(None);
        };
        let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        Ok(Some(Begun {
            id: row.get(1)?.unwrap_or_default(),
            cursor: row.get(2)?,
            done: count(row.get(3)?).unwrap_or_default(),
            total: count(row.get(4)?),
        }))
    };
    let resumed = if resume {
        RESUME.with(|statement| statement.run(&arguments, read))?
    } else {
        None
    };
    let begun = match resumed {
        Some(begun) => Some(begun),
        None => BEGIN.with(|statement| statement.run(&arguments, read))?,
    };
    let begun = begun.ok_or(spi::Error::InvalidPosition)?;
    FORGET_SEEN
        .with(|statement| statement.run(&[begun.id.into(), kind.table().into()], |_| Ok(())))?;
    Ok(begun)
}

/// The call that was cut off, in milliseconds.
pub(crate) fn cut_off_call(purpose: &str, kinds: &[Kind]) -> Result<Option<i64>, spi::Error> {
    let tables: Vec<&str> = kinds.iter().map(|kind| kind.table()).collect();
    CUT_OFF_CALL.with(|statement| {
        statement.look(&[purpose.into(), tables.into()], |mut rows| {
            rows.next().map_or(Ok(None), |row| row.get(1))
        })
    })
}

/// The tables of those kinds that came to their end in a call, for an instance.
pub(crate) fn done_kinds(
    purpose: &str,
    instance_id: &str,
    source: &str,
    called_at: i64,
) -> Result<Vec<String>, spi::Error> {
    let arguments = [
        purpose.into(),
        instance_id.into(),
        source.into(),
        called_at.into(),
    ];
    DONE_KINDS.with(|statement| {
        statement.look(&arguments, |rows| {
            let kinds: Result<Vec<Option<String>>, _> = rows.map(|row| row.get(1)).collect();
            Ok(kinds?.into_iter().flatten().collect())
        })
    })
}

/// Notes that a call came to its end, with kinds that failed.
pub(crate) fn close_call(purpose: &str, called_at: i64) -> Result<(), spi::Error> {
    CLOSE_CALL.with(|statement| statement.run(&[purpose.into(), called_at.into()], |_| Ok(())))
}

/// Sets the checkpoint of a run, and adds what the page brought.
pub(crate) fn advance(
    run: i64,
    cursor: &str,
    done: u64,
    total: Option<u64>,
    counts: Counts,
    cost: Cost,
) -> Result<(), spi::Error> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let arguments = [
        run.into(),
        cursor.into(),
        signed(done).into(),
        total.map(signed).into(),
        counts.written.into(),
        counts.unchanged.into(),
        counts.refused.into(),
        counts.missing.into(),
        counts.stale.into(),
        cost.requests.into(),
        cost.micros().into(),
    ];
    ADVANCE.with(|statement| statement.run(&arguments, |_| Ok(())))
}

/// Ends a run.
pub(crate) fn end(
    run: i64,
    status: &str,
    error: Option<&str>,
    cost: Cost,
) -> Result<(), spi::Error> {
    let arguments = [
        run.into(),
        status.into(),
        error.into(),
        cost.requests.into(),
        cost.micros().into(),
    ];
    END.with(|statement| statement.run(&arguments, |_| Ok(())))
}

/// Notes what differs.
pub(crate) fn note_findings(run: i64, kind: Kind, findings: &[Finding]) -> Result<(), spi::Error> {
    if findings.is_empty() {
        return Ok(());
    }
    let findings = serde_json::to_string(findings).unwrap_or_default();
    let arguments = [run.into(), findings.as_str().into(), kind.table().into()];
    NOTE_FINDINGS.with(|statement| statement.run(&arguments, |_| Ok(())))
}

/// Notes which objects a run has seen.
pub(crate) fn note_seen(run: i64, ids: Vec<&str>) -> Result<(), spi::Error> {
    NOTE_SEEN.with(|statement| statement.run(&[run.into(), ids.into()], |_| Ok(())))
}

/// Notes the rows that a run has not seen; gives how many rows there are, and how many of these.
pub(crate) fn find_extra(run: i64) -> Result<(i64, i64), spi::Error> {
    FIND_EXTRA.with(|statement| {
        statement.run(&[run.into()], |rows| {
            let row = rows.first();
            Ok((
                row.get(1)?.unwrap_or_default(),
                row.get(2)?.unwrap_or_default(),
            ))
        })
    })
}

/// The first of the rows that a run has not seen and that was not asked for, behind this one.
pub(crate) fn next_unchecked(run: i64, behind: &str) -> Result<Option<String>, spi::Error> {
    UNCHECKED.with(|statement| {
        statement.run(&[run.into(), behind.into()], |mut rows| {
            rows.next().map_or(Ok(None), |row| row.get(1))
        })
    })
}

/// Notes that Clerk said of this object that it is gone.
pub(crate) fn note_check(run: i64, id: &str, is_repaired: bool) -> Result<(), spi::Error> {
    NOTE_CHECK
        .with(|statement| statement.run(&[run.into(), id.into(), is_repaired.into()], |_| Ok(())))
}

/// Clerk has it after all.
pub(crate) fn take_back(run: i64, id: &str) -> Result<(), spi::Error> {
    TAKE_BACK.with(|statement| statement.run(&[run.into(), id.into()], |_| Ok(())))
}

/// The instance that a key at an address belongs to, where an earlier run has asked.
pub(crate) fn instance_of(source: &str) -> Result<Option<String>, spi::Error> {
    INSTANCE_OF.with(|statement| {
        statement.run(&[source.into()], |mut rows| {
            rows.next().map_or(Ok(None), |row| row.get(1))
        })
    })
}

/// Whether the instance is one of those configured here, by its key; any is where none is.
pub(crate) fn is_trusted(instance_id: &str) -> Result<bool, spi::Error> {
    IS_TRUSTED.with(|statement| {
        statement.look(&[instance_id.into()], |rows| {
            Ok(rows.first().get_one()?.unwrap_or_default())
        })
    })
}

/// How long ago the comparison for a purpose began of the kind that was compared least lately, and how long ago one was cut off or
/// failed, if it was.
pub(crate) fn since_last_comparison(
    purpose: &str,
    kinds: &[Kind],
) -> Result<(Option<Duration>, Option<Duration>), spi::Error> {
    let tables: Vec<&str> = kinds.iter().map(|kind| kind.table()).collect();
    SINCE_LAST.with(|statement| {
        statement.look(&[tables.into(), purpose.into()], |rows| {
            let row = rows.first();
            let time = |seconds: Option<f64>| seconds.map(|s| Duration::from_secs_f64(s.max(0.0)));
            Ok((time(row.get(1)?), time(row.get(2)?)))
        })
    })
}

/// The one instance whose keys are here; None where there are several, or none.
pub(crate) fn only_instance() -> Result<Option<String>, spi::Error> {
    ONLY_INSTANCE.with(|statement| {
        statement.look(&[], |mut rows| {
            rows.next().map_or(Ok(None), |row| row.get(1))
        })
    })
}
