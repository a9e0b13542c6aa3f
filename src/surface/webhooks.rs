//! The functions that receive and apply webhooks. Their SQL is in `sql/webhooks.sql`.

use std::ffi::{CStr, CString};

use pgrx::datum::AnyElement;
use pgrx::pg_sys::FunctionCallInfo;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::call::jsonb_text;
use super::memberships::owner_of_function;
use super::signing_keys::refuse_read_only;
use crate::errors::AdministrationError;
use crate::request::RequestSetting;
use crate::storage::mirror;
use crate::storage::rights::with_rights_of;
use crate::storage::search_path;
use crate::sync::{batch, drain, intake};

#[pg_extern(sql = false)]
fn receive_webhook(
    headers: Option<AnyElement>,
    body: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(status, i32),
            name!(outcome, String),
            name!(detail, String),
        ),
    >,
    ErrorReport,
> {
    refuse_read_only(c"clerk.receive_webhook()");
    let headers = headers.map(|headers| jsonb_text(headers.datum()));
    let answer = search_path::with_catalog(|| intake::receive(headers.as_deref(), body))
        .map_err(AdministrationError::from)?;
    Ok(TableIterator::once((
        answer.status,
        answer.outcome.to_owned(),
        answer.detail,
    )))
}

/// As PostgREST calls it: the body is the one argument, of type json, which keeps its text. Not SECURITY DEFINER
/// with a search path of its own: Postgres would take back `response.status` at the function's end.
#[pg_extern(sql = false)]
fn clerk_webhook(body: Option<&str>, fcinfo: FunctionCallInfo) -> Result<String, ErrorReport> {
    refuse_read_only(c"clerk_webhook()");
    let headers =
        RequestSetting::Headers.with(|headers| headers.and_then(|value| value.to_owned()));
    let headers = headers.as_deref().map(CStr::to_string_lossy);
    let answer = with_rights_of(owner_of_function(fcinfo), || {
        search_path::with_catalog(|| intake::receive(headers.as_deref(), body))
    })
    .map_err(AdministrationError::from)?;
    set_response_status(answer.status);
    Ok(serde_json::json!({ "outcome": answer.outcome, "detail": answer.detail }).to_string())
}

#[pg_extern(sql = false)]
fn drain_webhooks(most: i32) -> Result<i32, ErrorReport> {
    refuse_read_only(c"clerk._drain()");
    if !batch::sees_commits() {
        return Err(AdministrationError::OneSnapshot.into());
    }
    Ok(search_path::with_catalog(|| drain::drain(most)).map_err(AdministrationError::from)?)
}

#[pg_extern(sql = false)]
fn remove_object(mirrored: &str, object_id: &str) -> Result<bool, ErrorReport> {
    Ok(mirror::remove(mirrored, object_id).map_err(AdministrationError::from)?)
}

#[pg_extern(sql = false)]
fn check_deferred() -> Result<(), ErrorReport> {
    Ok(mirror::check_deferred().map_err(AdministrationError::from)?)
}

/// What PostgREST answers with, for this transaction.
fn set_response_status(status: i32) {
    let status = CString::new(status.to_string()).unwrap_or_default();
    // SAFETY: C strings; as set_config(name, value, true).
    unsafe {
        pg_sys::set_config_option(
            c"response.status".as_ptr(),
            status.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}
