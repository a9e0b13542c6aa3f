//! What there is at Clerk, and what happens to it.

use super::collection::{Collection, Index, Object};
use super::event;
use super::kind::Kind;
use crate::Outcome;
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Numbers of objects that nobody numbered begin here, beyond all that are generated.
const UNNUMBERED: u64 = 1_000_000_000;

pub(super) struct World {
    /// In the order of [`Kind::ALL`].
    collections: [Collection; Kind::ALL.len()],
    /// Whose events these are, and whose subscriptions.
    pub(super) instance: String,
    next: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            collections: Default::default(),
            instance: String::new(),
            next: UNNUMBERED,
        }
    }

    pub(super) fn of(&self, kind: Kind) -> &Collection {
        &self.collections[kind as usize]
    }

    pub(super) fn get(&self, kind: Kind, id: &str) -> Outcome<&Object> {
        self.of(kind)
            .get(id)
            .ok_or_else(|| format!("no {id:?} among the {}", kind.name()).into())
    }

    /// A number that no object has.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Inserts or replaces without a word.
    pub(super) fn set(&mut self, kind: Kind, value: &Value) -> Outcome<bool> {
        let before = self.collections[kind as usize].put(kind, value)?;
        Ok(before.is_none())
    }

    /// Inserts or replaces as it is. Gives the events, as all that follows.
    pub(super) fn put(&mut self, kind: Kind, value: &Value) -> Outcome<Vec<String>> {
        let is_new = self.set(kind, value)?;
        let at = now().max(value["updated_at"].as_i64().unwrap_or_default());
        let events = event::verb(kind, value, is_new)
            .map(|verb| self.tell(kind, verb, &event::data(kind, value), at));
        Ok(events.into_iter().collect())
    }

    /// Lays members over an object, which is then newer than it was.
    pub(super) fn update(
        &mut self,
        kind: Kind,
        id: &str,
        members: &Map<String, Value>,
    ) -> Outcome<Vec<String>> {
        let object = self.get(kind, id)?;
        let mut value = object.value();
        let updated_at = now().max(object.updated_at + 1);
        for (name, member) in members {
            value[name] = member.clone();
        }
        value["id"] = json!(id);
        value["updated_at"] = json!(updated_at);
        self.put(kind, &value)
    }

    /// Takes an object out, and what belongs to it. Only of memberships that go this way there are events: what
    /// else Clerk would tell of is not known.
    pub(super) fn delete(&mut self, kind: Kind, id: &str) -> Outcome<Vec<String>> {
        self.get(kind, id)?;
        let mut events = Vec::new();
        if [Kind::User, Kind::Organization].contains(&kind) {
            for belonging in [
                Kind::Membership,
                Kind::Invitation,
                Kind::Domain,
                Kind::Subscription,
            ] {
                for member in self.belongings(belonging, kind, id) {
                    let event = self.remove(belonging, &member);
                    events.extend(event.filter(|_| belonging == Kind::Membership));
                }
            }
        }
        events.extend(self.remove(kind, id));
        Ok(events)
    }

    /// The objects of a kind that a user or an organization has.
    pub(super) fn index(&self, kind: Kind, owner: Kind, id: &str) -> Option<&Index> {
        match owner {
            Kind::User => self.of(kind).of_user(id),
            _ => self.of(kind).of_organization(id),
        }
    }

    fn belongings(&self, kind: Kind, owner: Kind, id: &str) -> Vec<String> {
        let index = self.index(kind, owner, id).into_iter().flatten();
        index.map(|(_, id)| id.to_string()).collect()
    }

    fn remove(&mut self, kind: Kind, id: &str) -> Option<String> {
        let object = self.collections[kind as usize].remove(id)?;
        let data = event::deletion(kind, &object.value())?;
        let at = now().max(object.updated_at + 1);
        Some(self.tell(kind, "deleted", &data, at))
    }

    fn tell(&self, kind: Kind, verb: &str, data: &Value, at: i64) -> String {
        event::event(kind, verb, &data.to_string(), at, &self.instance)
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH);
    passed.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(0))
}
