//! What reads from Clerk's Backend API. The SQL is in `sql/backfill.sql`.

use clerk_core::resource::Kind;
use clerk_core::time::UnixMillis;
use pgrx::JsonB;
use pgrx::datum::{AnyElement, TimestampWithTimeZone};
use pgrx::pg_sys::FunctionCallInfo;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::call::jsonb_text;
use super::memberships::owner_of_function;
use super::signing_keys::refuse_read_only;
use crate::clock;
use crate::settings;
use crate::storage::search_path;
use crate::sync::backend::error::SyncError;
use crate::sync::backend::run::{self, Order, Purpose, kinds_of};
use crate::sync::backend::surroundings::{Function, Procedure};
use crate::sync::backend::{import, refetch};
use crate::sync::batch;

type Kinds = Option<Vec<Option<String>>>;

#[pg_extern(sql = false)]
fn backfill(
    kinds: Kinds,
    resume: Option<bool>,
    instance: Option<String>,
    fcinfo: FunctionCallInfo,
) -> Result<(), ErrorReport> {
    refuse_read_only(c"clerk.backfill()");
    let order = Order {
        kinds: kinds_of(kinds)?,
        purpose: Purpose::Backfill,
        resume: resume.ok_or(SyncError::MissingArgument("resume"))?,
        instance,
    };
    call("clerk.backfill()", &order, fcinfo)
}

#[pg_extern(sql = false)]
fn reconcile(
    kinds: Kinds,
    mode: Option<&str>,
    force: Option<bool>,
    max_deletions: Option<f64>,
    instance: Option<String>,
    fcinfo: FunctionCallInfo,
) -> Result<(), ErrorReport> {
    refuse_read_only(c"clerk.reconcile()");
    let repair = match mode {
        Some("report") => false,
        Some("repair") => true,
        Some(_) => return Err(SyncError::Mode.into()),
        None => return Err(SyncError::MissingArgument("mode").into()),
    };
    let force = force.ok_or(SyncError::MissingArgument("force"))?;
    let share = max_deletions.unwrap_or_else(settings::backend_api::reconcile_max_deletions);
    if !(0.0..=1.0).contains(&share) {
        return Err(SyncError::MaxDeletions.into());
    }
    let order = Order {
        kinds: kinds_of(kinds)?,
        purpose: Purpose::Reconcile {
            repair,
            max_deletions: (!force).then_some(share),
        },
        resume: true,
        instance,
    };
    call("clerk.reconcile()", &order, fcinfo)
}

fn call(name: &'static str, order: &Order, fcinfo: FunctionCallInfo) -> Result<(), ErrorReport> {
    check_isolation()?;
    let owner = owner_of_function(fcinfo);
    let mut procedure = Procedure::of(fcinfo, owner).ok_or(SyncError::Atomic(name))?;
    run::carry_out(order, &mut procedure)?;
    procedure.finish();
    Ok(())
}

#[pg_extern(sql = false)]
fn refetch(
    kind: Option<&str>,
    id: Option<&str>,
    instance: Option<&str>,
) -> Result<String, ErrorReport> {
    refuse_read_only(c"clerk.refetch()");
    check_isolation()?;
    let kind = kind_of(kind)?;
    let id = id.ok_or(SyncError::MissingArgument("id"))?;
    let mut function = Function::begin().ok_or(SyncError::Dropped)?;
    Ok(refetch::refetch(kind, id, instance, &mut function)?.to_owned())
}

#[pg_extern(sql = false)]
fn import_json(
    kind: Option<&str>,
    objects: Option<AnyElement>,
    instance: Option<&str>,
    exported_at: Option<TimestampWithTimeZone>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(read, i64),
            name!(written, i64),
            name!(unchanged, i64),
            name!(refused, JsonB),
        ),
    >,
    ErrorReport,
> {
    refuse_read_only(c"clerk.import_json()");
    check_isolation()?;
    let kind = kind_of(kind)?;
    let objects = objects.ok_or(SyncError::MissingArgument("objects"))?;
    let exported_at = exported_at.ok_or(SyncError::MissingArgument("exported_at"))?;
    let millis = clock::from_timestamp(exported_at.into()).0.div_euclid(1000);
    let now = clock::now_millis();
    // What is said to come from the future would outrank everything.
    let as_of = UnixMillis::from_millis(millis.min(now)).ok_or(SyncError::ExportedAt)?;
    let text = jsonb_text(objects.datum());
    let imported = search_path::with_catalog(|| import::import(kind, &text, instance, as_of))?;
    let refused = serde_json::from_str(&imported.refused).unwrap_or_default();
    Ok(TableIterator::once((
        imported.read,
        imported.counts.written,
        imported.counts.unchanged,
        JsonB(refused),
    )))
}

fn kind_of(name: Option<&str>) -> Result<Kind, SyncError> {
    let name = name.ok_or(SyncError::MissingArgument("kind"))?;
    Kind::from_name(name).ok_or_else(|| SyncError::UnknownKind(name.to_owned()))
}

/// What is compared with what is stored must see what others committed.
fn check_isolation() -> Result<(), ErrorReport> {
    if batch::sees_commits() {
        Ok(())
    } else {
        Err(SyncError::OneSnapshot.into())
    }
}
