//! Whom this database trusts: the instances and their signing keys, read for verification.
//!
//! Read past SPI, on purpose. A request role has no right on these tables, and must get none. The
//! query's own snapshot may be older than the invalidation that caused the reload; a catalog
//! snapshot is always the newest, is allowed in a parallel worker and on a standby, and assigns no
//! transaction id.

use std::cell::Cell;

use clerk_core::instance::{Instance, Trust};
use clerk_core::key_set::SigningKey;
use pgrx::datum::{Array, Interval};
use pgrx::prelude::*;
use pgrx::tupdesc::PgTupleDesc;

/// One row of `clerk.instances`, as far as verification needs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct InstanceRow {
    issuer: String,
    authorized_parties: Vec<String>,
    audiences: Vec<String>,
    clock_skew_micros: i64,
    allow_templates: bool,
    allow_pending: bool,
}

/// One row of `clerk.signing_keys`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct KeyRow {
    issuer: String,
    kid: String,
    modulus: String,
    exponent: String,
}

/// What was read, comparable: a reload that changes nothing keeps what was verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustRows {
    instances: Vec<InstanceRow>,
    keys: Vec<KeyRow>,
}

thread_local! {
    /// Counts the messages that the tables may have changed.
    static NEWS: Cell<u64> = const { Cell::new(1) };
    /// The count at the last reading that succeeded.
    static NEWS_READ: Cell<u64> = const { Cell::new(0) };
    static INSTANCES: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
    static SIGNING_KEYS: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
}

/// Asks to be told when the tables change. Triggers on them send the message at commit; it reaches
/// every backend, also on a standby, at the start of its next transaction at the latest.
pub(crate) fn watch_changes() {
    // SAFETY: called once a process from _PG_init; the callback is static.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(note_change), pg_sys::Datum::from(0usize));
    }
}

/// Whether the tables may have changed since [`read`].
#[inline]
pub(crate) fn is_stale() -> bool {
    NEWS.get() != NEWS_READ.get()
}

#[pg_guard]
unsafe extern "C-unwind" fn note_change(_arg: pg_sys::Datum, relation: pg_sys::Oid) {
    if relation == pg_sys::InvalidOid
        || relation == INSTANCES.get()
        || relation == SIGNING_KEYS.get()
        // Not installed here so far: any new relation may be ours.
        || INSTANCES.get() == pg_sys::InvalidOid
    {
        NEWS.set(NEWS.get() + 1);
    }
}

/// Reads both tables. Empty where the extension is not installed in this database.
pub(crate) fn read() -> TrustRows {
    // SAFETY: plain catalog lookups by name inside a transaction.
    let (instances, keys) = unsafe {
        let schema = pg_sys::get_namespace_oid(c"clerk".as_ptr(), true);
        if schema == pg_sys::InvalidOid {
            (pg_sys::InvalidOid, pg_sys::InvalidOid)
        } else {
            (
                pg_sys::get_relname_relid(c"instances".as_ptr(), schema),
                pg_sys::get_relname_relid(c"signing_keys".as_ptr(), schema),
            )
        }
    };
    INSTANCES.set(instances);
    SIGNING_KEYS.set(keys);
    // Counted before reading: a change that arrives meanwhile asks for another reading, and so does an
    // error, such as a cancelled wait for a lock.
    let news = NEWS.get();
    let rows = if instances == pg_sys::InvalidOid || keys == pg_sys::InvalidOid {
        Some(TrustRows::default())
    } else {
        read_rows(instances, keys)
    };
    let Some(mut rows) = rows else {
        return TrustRows::default();
    };
    NEWS_READ.set(news);
    // An update moves a row in the table, and must not look like a change where it is none.
    rows.instances.sort();
    rows.keys.sort();
    rows
}

fn read_rows(instances: pg_sys::Oid, keys: pg_sys::Oid) -> Option<TrustRows> {
    Some(TrustRows {
        instances: scan(instances, |row| {
            Some(InstanceRow {
                issuer: row.get_by_name("issuer").ok()??,
                authorized_parties: texts(row, "authorized_parties")?,
                audiences: texts(row, "audiences")?,
                clock_skew_micros: row
                    .get_by_name::<Interval>("clock_skew")
                    .ok()??
                    .as_micros()
                    .try_into()
                    .ok()?,
                allow_templates: row.get_by_name("allow_templates").ok()??,
                allow_pending: row.get_by_name("allow_pending").ok()??,
            })
        })?,
        keys: scan(keys, |row| {
            Some(KeyRow {
                issuer: row.get_by_name("issuer").ok()??,
                kid: row.get_by_name("kid").ok()??,
                modulus: row.get_by_name("modulus").ok()??,
                exponent: row.get_by_name("exponent").ok()??,
            })
        })?,
    })
}

/// All rows of a table under the newest snapshot, without asking for the caller's rights.
pub(super) fn scan<T>(
    table: pg_sys::Oid,
    to_row: impl Fn(&PgHeapTuple<'_, AllocatedByPostgres>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut rows = Vec::new();
    let mut complete = true;
    // SAFETY: the relation stays open and locked while its descriptor and tuples are used; each
    // tuple is copied out by `to_row` before the next is asked for. A NULL snapshot makes
    // systable_beginscan take a new catalog snapshot.
    unsafe {
        let relation = pg_sys::table_open(table, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        let scan = pg_sys::systable_beginscan(
            relation,
            pg_sys::InvalidOid,
            false,
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
        );
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let descriptor = PgTupleDesc::from_pg_copy((*relation).rd_att);
            let row = PgHeapTuple::from_heap_tuple(descriptor, tuple);
            match to_row(&row) {
                Some(row) => rows.push(row),
                None => complete = false,
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
    }
    complete.then_some(rows)
}

fn texts(row: &PgHeapTuple<'_, AllocatedByPostgres>, column: &str) -> Option<Vec<String>> {
    let array: Array<'_, &str> = row.get_by_name(column).ok()??;
    Some(array.iter().flatten().map(str::to_owned).collect())
}

impl TrustRows {
    /// Parses the keys. A row that is no valid key is left out: it can verify nothing.
    pub(crate) fn to_trust(&self) -> Trust {
        let instances = self
            .instances
            .iter()
            .map(|row| Instance {
                issuer: row.issuer.clone(),
                authorized_parties: row.authorized_parties.clone(),
                audiences: row.audiences.clone(),
                clock_skew_micros: row.clock_skew_micros,
                allow_templates: row.allow_templates,
                allow_pending: row.allow_pending,
                keys: self.keys_of(&row.issuer),
            })
            .collect();
        Trust { instances }
    }

    fn keys_of(&self, issuer: &str) -> Vec<SigningKey> {
        self.keys
            .iter()
            .filter(|key| key.issuer == issuer)
            .filter_map(|key| {
                SigningKey::from_components(&key.kid, &key.modulus, &key.exponent).ok()
            })
            .collect()
    }
}

/// Statement trigger on both tables: at commit every backend drops what it verified.
pub(crate) fn announce_change(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: called by a trigger function with its own call data.
    unsafe {
        let context = (*fcinfo).context.cast::<pg_sys::TriggerData>();
        if !context.is_null() && (*context).type_ == pg_sys::NodeTag::T_TriggerData {
            pg_sys::CacheInvalidateRelcacheByRelid((*(*context).tg_relation).rd_id);
        }
    }
}
