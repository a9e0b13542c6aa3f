//! Two instances of Clerk's and what happens in them.

use super::kind::Kind;
use crate::Outcome;
use fastrand::Rng;
use serde_json::{Map, Value, json};
use std::path::Path;

/// The instance whose sessions are mirrored, and one whose sessions are not.
const INSTANCES: [&str; 2] = ["ins_test", "ins_other"];

/// When it begins, in milliseconds since 1970.
const BEGINNING: i64 = 1_767_225_600_000;

/// Names that a careless writer of SQL or JSON spoils.
const NAMES: [&str; 6] = [
    "Ada",
    "O'Neil",
    r#""Q" \ C:\"#,
    "Zo\u{eb} \u{1f980}",
    "$1 :x {}",
    "\u{540d}\u{524d}",
];

/// An object as it is at Clerk.
struct Object {
    kind: Kind,
    id: String,
    instance: &'static str,
    data: Value,
    updated_at: i64,
    event_at: i64,
    /// The time of the event that told of its deletion.
    deleted_at: Option<i64>,
    /// Places of the user and the organization that it cannot be without.
    owners: Vec<usize>,
}

pub(super) struct World {
    pub(super) rng: Rng,
    now: i64,
    /// In the order of [`Kind::ALL`].
    templates: Vec<Value>,
    objects: Vec<Object>,
    /// What each event tells of: `id`, `type`, and of those that are mirrored `kind`, `object`, `is_deletion`,
    /// `updated_at` and `event_at`.
    pub(super) events: Vec<Value>,
    /// The texts of the events.
    pub(super) bodies: Vec<String>,
}

impl World {
    pub(super) fn new(seed: u64, payloads: &Path) -> Outcome<Self> {
        let read = |kind: Kind| -> Outcome<Value> {
            let name = format!("{}.{}.json", kind.noun(), kind.creation());
            let bytes = std::fs::read(payloads.join(name))?;
            Ok(serde_json::from_slice::<Value>(&bytes)?["data"].take())
        };
        Ok(Self {
            rng: Rng::with_seed(seed),
            now: BEGINNING,
            templates: Kind::ALL.into_iter().map(read).collect::<Outcome<_>>()?,
            objects: Vec::new(),
            events: Vec::new(),
            bodies: Vec::new(),
        })
    }

    /// One thing happens, or nothing where nobody is there yet.
    pub(super) fn go_on(&mut self) {
        use Kind::{
            Domain, Invitation, Membership, Organization, Permission, Role, Session, Subscription,
            User,
        };
        self.now += self.rng.i64(1..5000);
        match self.rng.u8(..100) {
            0..12 => self.create(User, &[]),
            12..20 => self.create(Organization, &[]),
            20..34 => self.create(Membership, &[User, Organization]),
            34..38 => self.create(Session, &[User]),
            38..41 => self.create(Subscription, &[User]),
            41..43 => self.create(Subscription, &[Organization]),
            43..45 => self.create(Domain, &[Organization]),
            45..48 => self.create(Invitation, &[Organization]),
            48..49 => self.create(Role, &[]),
            49..50 => self.create(Permission, &[]),
            50..85 => {
                if let Some(place) = self.pick(|_| true) {
                    self.update(place);
                }
            }
            85..97 => {
                if let Some(place) = self.pick(|object| object.kind.is_deletable()) {
                    self.delete(place);
                }
            }
            _ => self.say_something_else(),
        }
    }

    fn is_dead(&self, object: &Object) -> bool {
        let is_deleted = |&owner: &usize| self.objects[owner].deleted_at.is_some();
        object.deleted_at.is_some() || object.owners.iter().any(is_deleted)
    }

    /// A live object, if there is one.
    fn pick(&mut self, is_wanted: impl Fn(&Object) -> bool) -> Option<usize> {
        let is_candidate = |object: &Object| is_wanted(object) && !self.is_dead(object);
        let places: Vec<usize> = (0..self.objects.len())
            .filter(|&place| is_candidate(&self.objects[place]))
            .collect();
        self.rng.choice(places)
    }

    fn create(&mut self, kind: Kind, owned_by: &[Kind]) {
        let is_first = self.rng.u8(..100) < 75;
        let instance = INSTANCES[usize::from(!is_first)];
        let mut owners = Vec::new();
        for &owner in owned_by {
            match self.pick(|object| object.kind == owner && object.instance == instance) {
                Some(owner) => owners.push(owner),
                None => return,
            }
        }
        let number = Kind::ALL.iter().position(|&known| known == kind);
        let mut data = self.templates[number.unwrap_or_default()].clone();
        let object_name = data["object"].as_str().unwrap_or_default();
        let id = format!("{object_name}_{}", self.objects.len());
        data["id"] = json!(id);
        data["created_at"] = json!(self.now);
        for &owner in &owners {
            point(kind, &mut data, &self.objects[owner]);
        }
        if kind == Kind::Subscription && owned_by == [Kind::Organization] {
            data["payer"]["user_id"] = Value::Null;
        }
        let (updated_at, event_at) = (self.now, self.now);
        self.objects.push(Object {
            kind,
            id,
            instance,
            data,
            updated_at,
            event_at,
            deleted_at: None,
            owners,
        });
        let place = self.objects.len() - 1;
        self.change(place);
        self.tell(place, kind.creation());
    }

    fn update(&mut self, place: usize) {
        let Object { kind, instance, .. } = self.objects[place];
        let verb = self.rng.choice(kind.changes()).copied().unwrap_or_default();
        self.change(place);
        // Some changes do not touch updated_at.
        if self.rng.u8(..100) < 85 {
            self.objects[place].updated_at = self.now;
        }
        self.objects[place].data["status"] = json!(verb);
        if verb == "accepted"
            && self.objects[place].owners.len() == 1
            && let Some(user) =
                self.pick(|object| object.kind == Kind::User && object.instance == instance)
        {
            self.objects[place].data["user_id"] = json!(self.objects[user].id);
            self.objects[place].owners.push(user);
        }
        self.tell(place, verb);
        // And some are told of twice.
        if self.rng.u8(..100) < 10 {
            self.tell(place, verb);
        }
    }

    /// Changes what may change of its kind.
    fn change(&mut self, place: usize) {
        let serial = self.bodies.len();
        let name = self.rng.choice(NAMES).unwrap_or_default();
        let is_so = self.rng.bool();
        let now = self.now;
        let Object { kind, data, .. } = &mut self.objects[place];
        match kind {
            Kind::User => {
                data["first_name"] = json!(name);
                data["banned"] = json!(is_so);
                data["email_addresses"][0]["email_address"] =
                    json!(format!("{serial}@example.com"));
                data["public_metadata"] = json!({ "serial": serial, name: [null, 1.5, is_so] });
            }
            Kind::Membership => {
                data["role"] = json!(if is_so { "org:admin" } else { "org:member" });
                data["permissions"] = json!([format!("org:of:{serial}")]);
            }
            Kind::Session => data["last_active_at"] = json!(now),
            Kind::Subscription => data["canceled_at"] = json!(is_so.then_some(now)),
            Kind::Invitation => data["role_name"] = json!(name),
            Kind::Organization | Kind::Domain | Kind::Role | Kind::Permission => {
                data["name"] = json!(format!("{name} {serial}"));
            }
        }
    }

    fn delete(&mut self, place: usize) {
        // Of some members Clerk tells that they are gone, of others only that the user or the organization is.
        let members: Vec<usize> = (0..self.objects.len())
            .filter(|&member| {
                let object = &self.objects[member];
                object.kind == Kind::Membership
                    && object.owners.contains(&place)
                    && !self.is_dead(object)
            })
            .collect();
        for member in members {
            if self.rng.bool() {
                self.delete(member);
            }
        }
        let object = &mut self.objects[place];
        object.deleted_at = Some(self.now);
        let data = if object.kind == Kind::Membership {
            object.data.clone()
        } else {
            json!({ "object": object.data["object"], "id": object.id, "deleted": true })
        };
        let event =
            json!({ "kind": object.kind.table(), "object": object.id, "is_deletion": true });
        let (kind, instance) = (object.kind, object.instance);
        self.send(&format!("{}.deleted", kind.noun()), instance, &data, event);
    }

    fn tell(&mut self, place: usize, verb: &str) {
        let object = &mut self.objects[place];
        object.event_at = self.now;
        object.data["updated_at"] = json!(object.updated_at);
        let event = json!({
            "kind": object.kind.table(), "object": object.id, "is_deletion": false,
            "updated_at": object.updated_at, "event_at": object.event_at,
        });
        let (kind, instance, data) = (object.kind, object.instance, object.data.clone());
        self.send(&format!("{}.{verb}", kind.noun()), instance, &data, event);
    }

    fn say_something_else(&mut self) {
        let names = ["email.created", "waitlistEntry.created", "teapot.boiled"];
        let name = self.rng.choice(names).unwrap_or_default();
        self.send(
            name,
            INSTANCES[0],
            &json!({ "object": "email", "id": "ema_1" }),
            json!({}),
        );
    }

    fn send(&mut self, name: &str, instance: &str, data: &Value, mut event: Value) {
        event["id"] = json!(format!("msg_{}", self.bodies.len()));
        event["type"] = json!(name);
        self.events.push(event);
        let body = json!({
            "object": "event", "type": name, "instance_id": instance, "timestamp": self.now, "data": data,
            "event_attributes": { "http_request": { "client_ip": "203.0.113.7", "user_agent": "test" } },
        });
        self.bodies.push(body.to_string());
    }

    /// What a mirror must hold now, a member for each object; see [`super::History::expected`].
    pub(super) fn expected(&self) -> Vec<Value> {
        let is_mirrored =
            |object: &&Object| object.kind != Kind::Session || object.instance == INSTANCES[0];
        let row = |object: &Object| {
            if self.is_dead(object) {
                // When something went that went by two ways is not asked.
                let deleted_at = object.deleted_at.filter(|_| object.owners.is_empty());
                return json!({ "kind": object.kind.table(), "id": object.id, "is_dead": true, "deleted_at": deleted_at });
            }
            let mut data = object.data.clone();
            if let Value::Object(members) = &mut data {
                // Copies of a user, and an address that accepts the invitation.
                for name in ["user", "public_inviter_data", "url"] {
                    members.remove(name);
                }
            }
            json!({
                "kind": object.kind.table(), "id": object.id, "is_dead": false, "updated_at": object.updated_at,
                "event_at": object.event_at, "columns": self.columns(object), "data": data,
            })
        };
        self.objects.iter().filter(is_mirrored).map(row).collect()
    }

    /// What must stand in some of its columns, the owners' ids among them.
    fn columns(&self, object: &Object) -> Map<String, Value> {
        let data = &object.data;
        let mut columns = Map::from_iter([("instance_id".to_owned(), json!(object.instance))]);
        for &owner in &object.owners {
            let owner = &self.objects[owner];
            let name = if owner.kind == Kind::User {
                "user_id"
            } else {
                "organization_id"
            };
            columns.insert(name.to_owned(), json!(owner.id));
        }
        let alike: &[&str] = match object.kind {
            Kind::User => {
                let address = data["email_addresses"][0]["email_address"].clone();
                columns.insert("primary_email_address".to_owned(), address);
                &["first_name", "banned", "public_metadata"]
            }
            Kind::Membership => &["role", "permissions"],
            Kind::Session => &["status", "client_id"],
            Kind::Subscription => &["status", "payer_id"],
            Kind::Invitation => &["role_name", "status", "email_address"],
            Kind::Organization | Kind::Domain | Kind::Role | Kind::Permission => &["name"],
        };
        columns.extend(
            alike
                .iter()
                .map(|&name| (name.to_owned(), data[name].clone())),
        );
        columns
    }
}

/// Makes a new object name one that it belongs to.
fn point(kind: Kind, data: &mut Value, owner: &Object) {
    let id = json!(owner.id);
    match (kind, owner.kind) {
        (Kind::Membership, Kind::User) => data["public_user_data"]["user_id"] = id,
        (Kind::Membership, _) => data["organization"] = owner.data.clone(),
        (Kind::Subscription, Kind::User) => data["payer"]["user_id"] = id,
        (Kind::Subscription, _) => data["payer"]["organization_id"] = id,
        (_, Kind::Organization) => data["organization_id"] = id,
        _ => {
            data["user_id"] = id;
            data["user"] = owner.data.clone();
        }
    }
}
