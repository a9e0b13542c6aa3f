//! `clerk.configure` and the functions for instances and keys. Their SQL is in
//! `sql/administration.sql`.

use std::ffi::CStr;

use clerk_core::endpoint;
use clerk_core::key_set::{KeySet, MAX_JWKS_BYTES};
use clerk_core::publishable_key::PublishableKey;
use pgrx::datum::{AnyElement, Interval};
use pgrx::direct_function_call;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::clerk_api;
use crate::errors::AdministrationError;
use crate::storage::instances::{self, InstanceSettings, KeySource};
use crate::storage::signing_keys::{self, KeyOrigin};

type Administration<T> = Result<T, AdministrationError>;

#[pg_extern(sql = false)]
#[expect(
    clippy::too_many_arguments,
    reason = "one for each parameter of the SQL function"
)]
fn configure(
    publishable_key: Option<&str>,
    issuer: Option<&str>,
    jwks_url: Option<&str>,
    authorized_parties: Option<Vec<Option<String>>>,
    audiences: Option<Vec<Option<String>>>,
    clock_skew: Option<Interval>,
    allow_templates: Option<bool>,
    allow_pending: Option<bool>,
    fetch_keys: Option<bool>,
) -> Result<TableIterator<'static, (name!(item, String), name!(value, String))>, ErrorReport> {
    refuse_read_only(c"clerk.configure()");
    let text = publishable_key.ok_or(AdministrationError::MissingArgument("publishable_key"))?;
    let key = PublishableKey::parse(text).map_err(AdministrationError::from)?;
    if let Some(issuer) = issuer {
        endpoint::check_issuer(issuer).map_err(AdministrationError::Issuer)?;
    }
    if let Some(url) = jwks_url {
        endpoint::check_jwks_url(url).map_err(AdministrationError::JwksUrl)?;
    }
    check_clock_skew(clock_skew.as_ref())?;
    let settings = InstanceSettings {
        issuer: "",
        publishable_key: text,
        environment: key.environment().as_str(),
        frontend_api: key.frontend_api(),
        jwks_url,
        authorized_parties: check_list("authorized_parties", authorized_parties)?,
        audiences: check_list("audiences", audiences)?,
        clock_skew,
        allow_templates,
        allow_pending,
    };
    let report = save_instance(&key, issuer, settings, fetch_keys.unwrap_or(true))?;
    Ok(TableIterator::new(report))
}

fn save_instance(
    key: &PublishableKey,
    issuer: Option<&str>,
    settings: InstanceSettings<'_>,
    fetch_keys: bool,
) -> Administration<Vec<(String, String)>> {
    instances::lock_table()?;
    let stored = instances::find_issuer(settings.publishable_key)?;
    let issuer = match (issuer, &stored) {
        (Some(issuer), _) => issuer.to_owned(),
        (None, Some(stored)) => stored.clone(),
        (None, None) => key.issuer(),
    };
    if let Some(other) = instances::find_publishable_key(&issuer)?
        && other != settings.publishable_key
    {
        return Err(AdministrationError::IssuerTaken);
    }
    if stored.is_some_and(|stored| stored != issuer) {
        instances::change_issuer(settings.publishable_key, &issuer)?;
    }
    let created = instances::save(InstanceSettings {
        issuer: &issuer,
        ..settings
    })?;
    let source = instances::list_key_sources(Some(&issuer))?
        .pop()
        .ok_or(AdministrationError::UnknownIssuer)?;
    let mut report = vec![
        (
            "instance",
            if created { "created" } else { "updated" }.to_owned(),
        ),
        ("environment", key.environment().as_str().to_owned()),
        ("issuer", issuer),
        ("jwks_url", source.jwks_url.clone()),
    ];
    report.push((
        "signing_keys",
        if fetch_keys {
            refresh(&source)?.2
        } else {
            "not fetched, as asked".to_owned()
        },
    ));
    Ok(report
        .into_iter()
        .map(|(item, value)| (item.to_owned(), value))
        .collect())
}

#[pg_extern(sql = false)]
fn remove_instance(issuer: &str) -> Result<bool, ErrorReport> {
    refuse_read_only(c"clerk.remove_instance()");
    Ok(instances::delete(issuer).map_err(AdministrationError::from)?)
}

#[pg_extern(sql = false)]
fn add_signing_keys(
    issuer: &str,
    jwks: AnyElement,
) -> Result<TableIterator<'static, (name!(kid, Option<String>), name!(outcome, String))>, ErrorReport>
{
    refuse_read_only(c"clerk.add_signing_keys()");
    // As Postgres writes it: a parser of ours would have limits of its own before the checks begin.
    // SAFETY: the argument's type is jsonb, and jsonb_out gives a C string.
    let text = unsafe {
        let text = direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(jwks.datum())]);
        text.unwrap_or_default().to_string_lossy()
    };
    let outcomes = store_added_keys(issuer, &text)?;
    Ok(TableIterator::new(outcomes))
}

fn store_added_keys(issuer: &str, jwks: &str) -> Administration<Vec<(Option<String>, String)>> {
    if jwks.len() > MAX_JWKS_BYTES {
        return Err(AdministrationError::KeySetTooLong);
    }
    let set = KeySet::parse(jwks)?;
    if !instances::lock(issuer)? {
        return Err(AdministrationError::UnknownIssuer);
    }
    let mut outcomes = Vec::new();
    for key in set.keys() {
        let outcome = signing_keys::save(issuer, key, KeyOrigin::Added)?;
        outcomes.push((Some(key.kid().to_owned()), outcome));
    }
    for skipped in set.skipped() {
        outcomes.push((skipped.kid.clone(), format!("skipped: {}", skipped.why)));
    }
    Ok(outcomes)
}

#[pg_extern(sql = false)]
fn remove_signing_key(issuer: &str, kid: &str) -> Result<bool, ErrorReport> {
    refuse_read_only(c"clerk.remove_signing_key()");
    Ok(signing_keys::delete(issuer, kid).map_err(AdministrationError::from)?)
}

#[pg_extern(sql = false)]
fn refresh_signing_keys(
    issuer: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(instance, String),
            name!(ok, bool),
            name!(keys, i32),
            name!(detail, String),
        ),
    >,
    ErrorReport,
> {
    refuse_read_only(c"clerk.refresh_signing_keys()");
    let sources = instances::list_key_sources(issuer).map_err(AdministrationError::from)?;
    if sources.is_empty() {
        let error = match issuer {
            Some(_) => AdministrationError::UnknownIssuer,
            None => AdministrationError::NotConfigured,
        };
        return Err(error.into());
    }
    let mut rows = Vec::new();
    for source in sources {
        let (ok, keys, detail) = refresh(&source)?;
        rows.push((source.issuer, ok, keys, detail));
    }
    Ok(TableIterator::new(rows))
}

/// Fetches and stores the keys of one instance. A failed fetch is noted and reported, not raised:
/// the last good keys stay, and the other instances get their turn.
fn refresh(source: &KeySource) -> Administration<(bool, i32, String)> {
    let set = match clerk_api::fetch_key_set(&source.jwks_url) {
        Ok(set) => set,
        Err(error) => {
            let error = error.to_string();
            instances::record_fetch(&source.issuer, Some(&error))?;
            ereport!(
                PgLogLevel::WARNING,
                PgSqlErrorCode::ERRCODE_CONNECTION_FAILURE,
                "signing keys could not be fetched; the last good ones stay",
                format!("{}: {error}", source.jwks_url)
            );
            return Ok((false, 0, format!("not fetched: {error}")));
        }
    };
    if !instances::lock(&source.issuer)? {
        return Err(AdministrationError::UnknownIssuer);
    }
    for key in set.keys() {
        signing_keys::save(&source.issuer, key, KeyOrigin::Fetched)?;
    }
    let published: Vec<&str> = set.keys().iter().map(|key| key.kid()).collect();
    let removed = signing_keys::delete_unpublished(&source.issuer, &published)?;
    instances::record_fetch(&source.issuer, None)?;
    let mut detail = format!("fetched: {}", published.join(", "));
    if removed > 0 {
        detail.push_str(&format!("; removed: {removed}"));
    }
    if !set.skipped().is_empty() {
        detail.push_str(&format!("; skipped: {}", set.skipped().len()));
    }
    Ok((
        true,
        i32::try_from(published.len()).unwrap_or(i32::MAX),
        detail,
    ))
}

/// Raises Postgres' own error 25006 in a read-only transaction and on a standby, before any work.
fn refuse_read_only(command: &CStr) {
    // SAFETY: a static C string.
    unsafe { pg_sys::PreventCommandIfReadOnly(command.as_ptr()) };
}

fn check_list(
    name: &'static str,
    list: Option<Vec<Option<String>>>,
) -> Administration<Option<Vec<String>>> {
    let Some(list) = list else { return Ok(None) };
    let entries: Option<Vec<String>> = list
        .into_iter()
        .map(|entry| entry.filter(|entry| !entry.is_empty()))
        .collect();
    entries
        .map(Some)
        .ok_or(AdministrationError::EmptyEntry(name))
}

fn check_clock_skew(skew: Option<&Interval>) -> Administration<()> {
    const FIVE_MINUTES: i128 = 300_000_000;
    match skew.map(Interval::as_micros) {
        Some(micros) if !(0..=FIVE_MINUTES).contains(&micros) => {
            Err(AdministrationError::ClockSkew)
        }
        _ => Ok(()),
    }
}
