//! All objects of a kind, as texts, in the orders in which they are asked for.

use super::kind::Kind;
use crate::Outcome;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A time in milliseconds since 1970 and an id.
pub(super) type Key = (i64, Arc<str>);

/// Ids in the order of a time, then of themselves.
pub(super) type Index = BTreeSet<Key>;

pub(super) struct Object {
    /// Milliseconds since 1970, as `updated_at`.
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    /// The user that it belongs to.
    pub(super) user: Option<Arc<str>>,
    /// The organization that it belongs to.
    pub(super) organization: Option<Arc<str>>,
    /// JSON, ready to be sent.
    pub(super) text: Box<str>,
}

impl Object {
    fn read(kind: Kind, value: &Value) -> Self {
        let time = |name: &str| value[name].as_i64().unwrap_or_default();
        let (user, organization) = owners(kind, value);
        Self {
            created_at: time("created_at"),
            updated_at: time("updated_at"),
            user: user.map(Arc::from),
            organization: organization.map(Arc::from),
            text: value.to_string().into(),
        }
    }

    /// Its members.
    pub(super) fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// The ids of the user and the organization that an object belongs to.
fn owners(kind: Kind, value: &Value) -> (Option<&str>, Option<&str>) {
    let none = &Value::Null;
    let (user, organization) = match kind {
        Kind::Membership => (
            &value["public_user_data"]["user_id"],
            &value["organization"]["id"],
        ),
        Kind::Invitation | Kind::Domain => (none, &value["organization_id"]),
        Kind::Subscription => {
            let payer = &value["subscription_items"][0]["payer"];
            (&payer["user_id"], &payer["organization_id"])
        }
        _ => (none, none),
    };
    // A payer that is a user has an organization_id of "".
    let is_there = |id: &&str| !id.is_empty();
    (
        user.as_str().filter(is_there),
        organization.as_str().filter(is_there),
    )
}

#[derive(Default)]
pub(super) struct Collection {
    objects: BTreeMap<Arc<str>, Object>,
    by_creation: Index,
    by_update: Index,
    by_user: HashMap<Arc<str>, Index>,
    by_organization: HashMap<Arc<str>, Index>,
}

impl Collection {
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Object> {
        self.objects.get(id)
    }

    /// An object and its id.
    pub(super) fn entry(&self, id: &str) -> Option<(&Arc<str>, &Object)> {
        self.objects.get_key_value(id)
    }

    /// All, in the order of their ids.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&Arc<str>, &Object)> {
        self.objects.iter()
    }

    pub(super) fn by_creation(&self) -> &Index {
        &self.by_creation
    }

    pub(super) fn by_update(&self) -> &Index {
        &self.by_update
    }

    /// Those of a user, in the order of their creation.
    pub(super) fn of_user(&self, id: &str) -> Option<&Index> {
        self.by_user.get(id)
    }

    /// Those of an organization, in the order of their creation.
    pub(super) fn of_organization(&self, id: &str) -> Option<&Index> {
        self.by_organization.get(id)
    }

    /// Inserts or replaces; gives the one that was there. The object must have an `id`.
    pub(super) fn put(&mut self, kind: Kind, value: &Value) -> Outcome<Option<Object>> {
        let id: Arc<str> = value["id"]
            .as_str()
            .ok_or("an object without an id")?
            .into();
        let before = self.remove(&id);
        let mut object = Object::read(kind, value);
        if let Some(before) = &before {
            object.user = object.user.or_else(|| before.user.clone());
            object.organization = object.organization.or_else(|| before.organization.clone());
        }
        let key = (object.created_at, Arc::clone(&id));
        self.by_creation.insert(key.clone());
        self.by_update.insert((object.updated_at, Arc::clone(&id)));
        if let Some(user) = &object.user {
            let index = self.by_user.entry(Arc::clone(user)).or_default();
            index.insert(key.clone());
        }
        if let Some(organization) = &object.organization {
            let index = self.by_organization.entry(Arc::clone(organization));
            index.or_default().insert(key);
        }
        self.objects.insert(id, object);
        Ok(before)
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: &str) -> Option<Object> {
        let (id, object) = self.objects.remove_entry(id)?;
        self.by_update.remove(&(object.updated_at, Arc::clone(&id)));
        let key = (object.created_at, id);
        self.by_creation.remove(&key);
        for (owner, indices) in [
            (&object.user, &mut self.by_user),
            (&object.organization, &mut self.by_organization),
        ] {
            if let Some(owner) = owner
                && let Some(index) = indices.get_mut(owner)
            {
                index.remove(&key);
                if index.is_empty() {
                    indices.remove(owner);
                }
            }
        }
        Some(object)
    }
}
