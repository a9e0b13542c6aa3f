//! `clerk.secrets`: read past SPI as [`super::trust`] reads keys, and kept until a change is announced. Beside it the
//! secrets of a file.

use std::cell::{Cell, RefCell};

use clerk_core::backend_api::api_key::ApiKey;
use clerk_core::time::UnixMicros;
use clerk_core::webhook::signature::Secret;
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::prelude::*;

use super::secret_file;
use super::trust::scan;
use crate::clock;

/// A secret of a webhook endpoint.
struct Kept {
    secret: Secret,
    /// When it ends.
    end: Option<UnixMicros>,
    /// The instance whose events alone it may sign.
    instance: Option<String>,
}

thread_local! {
    static NEWS: Cell<u64> = const { Cell::new(1) };
    static NEWS_READ: Cell<u64> = const { Cell::new(0) };
    static TABLE: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
    static IN_HAND: RefCell<Option<String>> = const { RefCell::new(None) };
    /// The latest first.
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// Asks to be told when the table changes.
pub(crate) fn watch_changes() {
    // SAFETY: called once a process from _PG_init; the callback is static.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(note_change), pg_sys::Datum::from(0usize));
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn note_change(_arg: pg_sys::Datum, relation: pg_sys::Oid) {
    let table = TABLE.get();
    if relation == pg_sys::InvalidOid || relation == table || table == pg_sys::InvalidOid {
        NEWS.set(NEWS.get() + 1);
    }
}

/// Uses the webhook secrets in force at the time: of each endpoint the current one and, for a while, the one before; those
/// of the file too. Only those that may sign events of the instance, if one is given: its own, or where it has none those of
/// no instance.
pub(crate) fn with_webhook_secrets<R>(
    now: UnixMicros,
    instance_id: Option<&str>,
    run: impl FnOnce(&[&Secret]) -> R,
) -> R {
    // A statement that opens no table has not heard yet what others committed since the transaction began.
    // SAFETY: inside a transaction, as at the start of every statement.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    if NEWS.get() != NEWS_READ.get() {
        let news = NEWS.get();
        let kept = read();
        KEPT.set(kept);
        NEWS_READ.set(news);
    }
    KEPT.with_borrow(|kept| {
        let alive: Vec<&Kept> = kept
            .iter()
            .filter(|kept| kept.end.is_none_or(|end| now < end))
            .collect();
        // An instance that has secrets of its own is signed for by no other one.
        let is_own =
            |kept: &&Kept| kept.instance.is_some() && kept.instance.as_deref() == instance_id;
        let has_own = alive.iter().any(is_own);
        let counting: Vec<&Secret> = alive
            .into_iter()
            .filter(|kept| {
                is_own(kept) || !has_own && (kept.instance.is_none() || instance_id.is_none())
            })
            .map(|kept| &kept.secret)
            .collect();
        if has_own {
            return run(&counting);
        }
        secret_file::with_secrets(|of_file| {
            run(&counting.into_iter().chain(of_file).collect::<Vec<_>>())
        })
    })
}

/// Whether it is the name of an endpoint's signing secret: `webhook_secret`, or `webhook_secret:NAME` of a further one;
/// with an instance's id (`ins_...`) for a name it signs events of that instance only.
pub(crate) fn is_of_webhooks(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("webhook_secret") else {
        return false;
    };
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    rest.is_empty()
        || rest
            .strip_prefix(':')
            .is_some_and(|label| (1..=64).contains(&label.len()) && label.bytes().all(is_fit))
}

/// Whether it is the name of a secret key of the Backend API: `api_key`, or `api_key:ins_...` of one of several instances.
pub(crate) fn is_api_key(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("api_key") else {
        return false;
    };
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    rest.is_empty()
        || rest
            .strip_prefix(":ins_")
            .is_some_and(|label| (1..=60).contains(&label.len()) && label.bytes().all(is_fit))
}

/// The secret keys of the Backend API, each with the instance that it is set for, if it is set for one; in the order of their
/// names.
pub(crate) fn api_keys() -> Vec<(Option<String>, ApiKey)> {
    let keys = scan(find_table(), |row| {
        let name: String = row.get_by_name("name").ok()??;
        let value: &str = row.get_by_name("value").ok()??;
        let key = ApiKey::parse(value).ok().filter(|_| is_api_key(&name));
        Some(key.map(|key| (name, key)))
    });
    let mut keys: Vec<_> = keys.unwrap_or_default().into_iter().flatten().collect();
    keys.sort_by(|(one, _), (other, _)| one.cmp(other));
    keys.into_iter()
        .map(|(name, key)| {
            let instance = name.split_once(':').map(|(_, label)| label.to_owned());
            (instance, key)
        })
        .collect()
}

/// Whether a secret may sign the events of one instance only.
pub(crate) fn is_any_bound() -> bool {
    KEPT.with_borrow(|kept| kept.iter().any(|kept| kept.instance.is_some()))
}

fn find_table() -> pg_sys::Oid {
    // SAFETY: plain catalog lookups by name inside a transaction.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"clerk".as_ptr(), true);
        if schema == pg_sys::InvalidOid {
            pg_sys::InvalidOid
        } else {
            pg_sys::get_relname_relid(c"secrets".as_ptr(), schema)
        }
    }
}

fn read() -> Vec<Kept> {
    let table = find_table();
    TABLE.set(table);
    if table == pg_sys::InvalidOid {
        return Vec::new();
    }
    let mut rows = scan(table, |row| {
        let id: i64 = row.get_by_name("id").ok()??;
        let name: String = row.get_by_name("name").ok()??;
        let value: &str = row.get_by_name("value").ok()??;
        let end: Option<TimestampWithTimeZone> = row.get_by_name("expires_at").ok()?;
        let end = end.map(|end| clock::from_timestamp(end.into()));
        Some((id, name, Secret::parse(value).ok(), end))
    })
    .unwrap_or_default();
    rows.sort_by_key(|(id, ..)| std::cmp::Reverse(*id));
    rows.into_iter()
        .filter(|(_, name, ..)| is_of_webhooks(name))
        .filter_map(|(_, name, secret, end)| {
            let label = name.split_once(':').map(|(_, label)| label.to_owned());
            Some(Kept {
                secret: secret?,
                end,
                instance: label.filter(|label| label.starts_with("ins_")),
            })
        })
        .collect()
}

/// The secret that is being put in force, for the statements that do it.
pub(crate) fn in_hand() -> Option<String> {
    IN_HAND.with_borrow(Clone::clone)
}

/// Puts a secret in force; the one that was stays so long, and no other one.
///
/// The statements get it by a function and not as a parameter: whoever logs plans or parameters logs no secret.
pub(crate) fn replace(name: &str, value: &str, old_expires_in: Interval) -> Result<(), spi::Error> {
    // Not there any more when an error ends the statement.
    struct Emptied;
    impl Drop for Emptied {
        fn drop(&mut self) {
            IN_HAND.set(None);
        }
    }
    let _emptied = Emptied;
    IN_HAND.set(Some(value.to_owned()));
    Spi::connect_mut(|client| {
        client.update(
            "LOCK TABLE clerk.secrets IN SHARE ROW EXCLUSIVE MODE",
            None,
            &[],
        )?;
        let same = client.select(
            "SELECT FROM clerk.secrets WHERE name = $1 AND value = clerk._secret_in_hand() AND expires_at IS NULL",
            None,
            &[name.into()],
        )?;
        if !same.is_empty() {
            return Ok(());
        }
        // What is set again becomes the latest.
        client.update(
            "DELETE FROM clerk.secrets
            WHERE name = $1 AND (value = clerk._secret_in_hand() OR expires_at IS NOT NULL)",
            None,
            &[name.into()],
        )?;
        client.update(
            "UPDATE clerk.secrets SET expires_at = pg_catalog.clock_timestamp() + $2 WHERE name = $1",
            None,
            &[name.into(), old_expires_in.into()],
        )?;
        client.update(
            "INSERT INTO clerk.secrets (name, value) VALUES ($1, clerk._secret_in_hand())",
            None,
            &[name.into()],
        )?;
        Ok(())
    })
}

/// Removes all secrets of a name; false where there was none.
pub(crate) fn remove(name: &str) -> Result<bool, spi::Error> {
    Spi::connect_mut(|client| {
        let removed = client.update(
            "DELETE FROM clerk.secrets WHERE name = $1",
            None,
            &[name.into()],
        )?;
        Ok(!removed.is_empty())
    })
}
