//! `clerk.configure` and `clerk.remove_instance`. Their SQL is in `sql/administration.sql`.

use clerk_core::endpoint;
use clerk_core::publishable_key::PublishableKey;
use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::signing_keys::refuse_read_only;
use crate::errors::{Administration, AdministrationError};
use crate::key_refresh::refresh;
use crate::storage::instances::{self, InstanceSettings};

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
    deletion: Option<&str>,
    deletion_hold: Option<Interval>,
    event_retention: Option<Interval>,
    mirror_sessions: Option<bool>,
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
    if deletion.is_some_and(|deletion| !["erase", "keep", "remove"].contains(&deletion)) {
        return Err(AdministrationError::Deletion.into());
    }
    check_interval("deletion_hold", deletion_hold.as_ref())?;
    check_interval("event_retention", event_retention.as_ref())?;
    let settings = InstanceSettings {
        publishable_key: text,
        environment: key.environment().as_str(),
        frontend_api: key.frontend_api(),
        jwks_url,
        default_jwks_url: &key.jwks_url(),
        authorized_parties: check_list("authorized_parties", authorized_parties)?,
        audiences: check_list("audiences", audiences)?,
        clock_skew,
        allow_templates,
        allow_pending,
        deletion,
        deletion_hold,
        event_retention,
        mirror_sessions,
    };
    check_origins(settings.authorized_parties.as_deref())?;
    let report = save_instance(&key, issuer, settings, fetch_keys.unwrap_or(true))?;
    Ok(TableIterator::new(report))
}

/// Stores the instance, fetches its keys, and says what was done, an item a row.
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
    let created = instances::save(&issuer, settings)?;
    let source = instances::list_key_sources(Some(&issuer))?
        .pop()
        .ok_or(AdministrationError::UnknownIssuer)?;
    let fetched = if fetch_keys {
        refresh(&source)?.detail
    } else {
        "not fetched, as asked".to_owned()
    };
    let report = [
        (
            "instance",
            if created { "created" } else { "updated" }.to_owned(),
        ),
        ("environment", key.environment().as_str().to_owned()),
        ("issuer", issuer),
        ("jwks_url", source.jwks_url),
        ("signing_keys", fetched),
    ];
    Ok(report.map(|(item, value)| (item.to_owned(), value)).into())
}

#[pg_extern(sql = false)]
fn remove_instance(issuer: &str) -> Result<bool, ErrorReport> {
    refuse_read_only(c"clerk.remove_instance()");
    Ok(instances::delete(issuer).map_err(AdministrationError::from)?)
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

/// A token carries its origin without a slash at the end, and is compared exactly: what no token can
/// carry would lock everybody out.
fn check_origins(origins: Option<&[String]>) -> Administration<()> {
    for origin in origins.unwrap_or_default() {
        endpoint::check_origin(origin).map_err(AdministrationError::AuthorizedParty)?;
    }
    Ok(())
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

/// A thousand years: beyond it there are no timestamps to count with.
const LONGEST_MICROS: i128 = 1000 * 360 * 86_400_000_000;

fn check_interval(name: &'static str, interval: Option<&Interval>) -> Administration<()> {
    if interval.is_some_and(|interval| !(0..=LONGEST_MICROS).contains(&interval.as_micros())) {
        return Err(AdministrationError::OutOfRange(name));
    }
    Ok(())
}
