//! A part of a collection in some order.

use super::collection::{Collection, Index, Key, Object};
use super::query::Page;
use serde_json::Value;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

/// Which keys are wanted: those between two, both left out.
#[derive(Default)]
pub(super) struct Range {
    pub(super) after: Option<Key>,
    pub(super) before: Option<Key>,
}

impl Range {
    /// Those created between two times, in milliseconds, both left out.
    pub(super) fn of_times(after: Option<i64>, before: Option<i64>) -> Self {
        Self {
            // Beyond every id.
            after: after.map(|time| (time, Arc::from("\u{10ffff}"))),
            before: before.map(|time| (time, Arc::from(""))),
        }
    }

    /// Those of them that come after a key in an order.
    pub(super) fn from(mut self, key: Key, is_descending: bool) -> Self {
        if is_descending {
            let nearer = |known: Key| known.min(key.clone());
            self.before = Some(self.before.map_or_else(|| key.clone(), nearer));
        } else {
            let nearer = |known: Key| known.max(key.clone());
            self.after = Some(self.after.map_or_else(|| key.clone(), nearer));
        }
        self
    }

    /// The keys of an index that are in it.
    pub(super) fn of<'i>(
        &self,
        index: &'i Index,
    ) -> Box<dyn DoubleEndedIterator<Item = &'i Key> + 'i> {
        // BTreeSet panics where nothing can be between.
        if let (Some(after), Some(before)) = (&self.after, &self.before)
            && after >= before
        {
            return Box::new(std::iter::empty());
        }
        let after = self.after.clone().map_or(Unbounded, Excluded);
        let before = self.before.clone().map_or(Unbounded, Excluded);
        Box::new(index.range((after, before)))
    }
}

/// What an order other than by creation sorts by.
pub(super) type SortKey = (i64, String);

/// The objects of a page: those that an index of creations has in the range, in the page's order.
pub(super) fn select<'w>(
    collection: &'w Collection,
    index: &Index,
    range: &Range,
    page: &Page,
    sort_key: impl Fn(&str, &Object) -> SortKey,
) -> Vec<&'w Object> {
    let keys = range.of(index);
    if page.field == "created_at" {
        return cut(collection, keys, page);
    }
    let is_whole = std::ptr::eq(index, collection.by_creation());
    let is_unbounded = range.after.is_none() && range.before.is_none();
    if page.field == "updated_at" && is_whole && is_unbounded {
        return cut(collection, collection.by_update().iter(), page);
    }
    let mut sorted: Vec<(SortKey, &Key)> = keys
        .filter_map(|key| Some((sort_key(&key.1, collection.get(&key.1)?), key)))
        .collect();
    sorted.sort_unstable();
    cut(collection, sorted.iter().map(|(_, key)| *key), page)
}

fn cut<'w, 'k>(
    collection: &'w Collection,
    keys: impl DoubleEndedIterator<Item = &'k Key>,
    page: &Page,
) -> Vec<&'w Object> {
    let object = |key: &Key| collection.get(&key.1);
    let (offset, limit) = (page.offset, page.limit);
    if page.is_descending {
        let keys = keys.rev().skip(offset).take(limit);
        return keys.filter_map(object).collect();
    }
    keys.skip(offset).take(limit).filter_map(object).collect()
}

/// What an object is sorted by under the name of an order.
pub(super) fn sort_key(field: &str, object: &Object) -> SortKey {
    if field == "updated_at" {
        return (object.updated_at, String::new());
    }
    let value = object.value();
    let member = match field {
        "email_address" => &value["email_addresses"][0]["email_address"],
        "phone_number" => &value["phone_numbers"][0]["phone_number"],
        "web3wallet" => &value["web3_wallets"][0]["web3_wallet"],
        _ => &value[field],
    };
    let text = Value::as_str(member).unwrap_or_default();
    (member.as_i64().unwrap_or(i64::MIN), text.to_owned())
}
