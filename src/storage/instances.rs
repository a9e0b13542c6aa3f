//! `clerk.instances`: one statement a function.

use std::time::Duration;

use pgrx::datum::Interval;
use pgrx::prelude::*;

/// What [`save`] writes. None keeps what is stored, or takes the column's default.
pub(crate) struct InstanceSettings<'a> {
    pub(crate) publishable_key: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) frontend_api: &'a str,
    pub(crate) jwks_url: Option<&'a str>,
    /// For a new instance.
    pub(crate) default_jwks_url: &'a str,
    pub(crate) authorized_parties: Option<Vec<String>>,
    pub(crate) audiences: Option<Vec<String>>,
    pub(crate) clock_skew: Option<Interval>,
    pub(crate) allow_templates: Option<bool>,
    pub(crate) allow_pending: Option<bool>,
    pub(crate) deletion: Option<&'a str>,
    pub(crate) deletion_hold: Option<Interval>,
    pub(crate) event_retention: Option<Interval>,
    pub(crate) mirror_sessions: Option<bool>,
}

/// Where to fetch whose keys.
pub(crate) struct KeySource {
    pub(crate) issuer: String,
    pub(crate) jwks_url: String,
    /// Time since the last fetch with success.
    pub(crate) age: Option<Duration>,
    /// Whether the last fetch failed.
    pub(crate) failed: bool,
}

/// The issuer stored for a publishable key.
pub(crate) fn find_issuer(publishable_key: &str) -> Result<Option<String>, spi::Error> {
    find_text(
        "SELECT issuer FROM clerk.instances WHERE publishable_key = $1",
        publishable_key,
    )
}

/// The publishable key stored for an issuer.
pub(crate) fn find_publishable_key(issuer: &str) -> Result<Option<String>, spi::Error> {
    find_text(
        "SELECT publishable_key FROM clerk.instances WHERE issuer = $1",
        issuer,
    )
}

fn find_text(statement: &str, argument: &str) -> Result<Option<String>, spi::Error> {
    Spi::connect(|client| {
        client
            .select(statement, Some(1), &[argument.into()])?
            .next()
            .map_or(Ok(None), |row| row.get(1))
    })
}

/// Gives the instance of a publishable key another issuer; its keys follow.
pub(crate) fn change_issuer(publishable_key: &str, issuer: &str) -> Result<(), spi::Error> {
    Spi::connect_mut(|client| {
        client.update(
            "UPDATE clerk.instances SET issuer = $2 WHERE publishable_key = $1",
            None,
            &[publishable_key.into(), issuer.into()],
        )?;
        Ok(())
    })
}

/// Inserts or updates the instance; true where it is new.
pub(crate) fn save(issuer: &str, settings: InstanceSettings<'_>) -> Result<bool, spi::Error> {
    Spi::connect_mut(|client| {
        let inserted = client
            .update(
                include_str!("../../sql/statements/save_instance.sql"),
                None,
                &[
                    issuer.into(),
                    settings.publishable_key.into(),
                    settings.environment.into(),
                    settings.frontend_api.into(),
                    settings.jwks_url.into(),
                    settings.authorized_parties.into(),
                    settings.audiences.into(),
                    settings.clock_skew.into(),
                    settings.allow_templates.into(),
                    settings.allow_pending.into(),
                    settings.default_jwks_url.into(),
                    settings.deletion.into(),
                    settings.deletion_hold.into(),
                    settings.event_retention.into(),
                    settings.mirror_sessions.into(),
                ],
            )?
            .first()
            .get::<bool>(1)?;
        Ok(inserted.unwrap_or_default())
    })
}

/// Deletes the instance and, by its foreign key, its signing keys; false where there was none.
pub(crate) fn delete(issuer: &str) -> Result<bool, spi::Error> {
    Spi::connect_mut(|client| {
        let deleted = client.update(
            "DELETE FROM clerk.instances WHERE issuer = $1",
            None,
            &[issuer.into()],
        )?;
        Ok(!deleted.is_empty())
    })
}

/// One instance or all of them, with the address of their keys.
pub(crate) fn list_key_sources(issuer: Option<&str>) -> Result<Vec<KeySource>, spi::Error> {
    Spi::connect(|client| {
        client
            .select(LIST_KEY_SOURCES, None, &[issuer.into()])?
            .map(to_key_source)
            .collect()
    })
}

/// The same for all, by a snapshot of now: for who has just waited for, or got, a lock.
pub(crate) fn list_current_key_sources() -> Result<Vec<KeySource>, spi::Error> {
    Spi::connect_mut(|client| {
        client
            .update(LIST_KEY_SOURCES, None, &[None::<&str>.into()])?
            .map(to_key_source)
            .collect()
    })
}

const LIST_KEY_SOURCES: &str = "SELECT issuer, jwks_url, pg_catalog.date_part('epoch', \
     pg_catalog.clock_timestamp() - keys_fetched_at), keys_error IS NOT NULL \
     FROM clerk.instances WHERE $1 IS NULL OR issuer = $1 ORDER BY issuer";

fn to_key_source(row: spi::SpiHeapTupleData<'_>) -> Result<KeySource, spi::Error> {
    let age: Option<f64> = row.get(3)?;
    Ok(KeySource {
        issuer: row.get(1)?.unwrap_or_default(),
        jwks_url: row.get(2)?.unwrap_or_default(),
        // A time in the future, set back by a clock, counts as now.
        age: age.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()),
        failed: row.get(4)?.unwrap_or_default(),
    })
}

/// Lets configurations take turns, so that each sees what the one before stored.
pub(crate) fn lock_table() -> Result<(), spi::Error> {
    Spi::connect_mut(|client| {
        client.update(
            "LOCK TABLE clerk.instances IN SHARE ROW EXCLUSIVE MODE",
            None,
            &[],
        )?;
        Ok(())
    })
}

/// Locks the instance's row until the transaction ends, so that two writers of its keys take turns;
/// false where it is not configured.
pub(crate) fn lock(issuer: &str) -> Result<bool, spi::Error> {
    Spi::connect_mut(|client| {
        let locked = client.update(
            "SELECT FROM clerk.instances WHERE issuer = $1 FOR NO KEY UPDATE",
            None,
            &[issuer.into()],
        )?;
        Ok(!locked.is_empty())
    })
}

/// Notes how the last fetch of the instance's keys went.
pub(crate) fn record_fetch(issuer: &str, error: Option<&str>) -> Result<(), spi::Error> {
    Spi::connect_mut(|client| {
        client.update(
            "UPDATE clerk.instances SET keys_error = $2, keys_fetched_at = \
             CASE WHEN $2 IS NULL THEN pg_catalog.clock_timestamp() ELSE keys_fetched_at END \
             WHERE issuer = $1",
            None,
            &[issuer.into(), error.into()],
        )?;
        Ok(())
    })
}
