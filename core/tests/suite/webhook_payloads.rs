//! Webhook payloads, built from Clerk's type definitions.

use clerk_core::resource::Record;
use clerk_core::webhook::event::{Change, Event, Upsert};
use serde_json::Value;

/// Every given payload: its file's name and its text.
pub const ALL: [(&str, &str); 17] = [
    (
        "organization.created",
        include_str!("../vectors/webhook-payloads/organization.created.json"),
    ),
    (
        "organization.deleted",
        include_str!("../vectors/webhook-payloads/organization.deleted.json"),
    ),
    (
        "organization.updated",
        include_str!("../vectors/webhook-payloads/organization.updated.json"),
    ),
    (
        "organizationDomain.created",
        include_str!("../vectors/webhook-payloads/organizationDomain.created.json"),
    ),
    (
        "organizationInvitation.created",
        include_str!("../vectors/webhook-payloads/organizationInvitation.created.json"),
    ),
    (
        "organizationMembership.created",
        include_str!("../vectors/webhook-payloads/organizationMembership.created.json"),
    ),
    (
        "organizationMembership.deleted",
        include_str!("../vectors/webhook-payloads/organizationMembership.deleted.json"),
    ),
    (
        "organizationMembership.updated",
        include_str!("../vectors/webhook-payloads/organizationMembership.updated.json"),
    ),
    (
        "permission.created",
        include_str!("../vectors/webhook-payloads/permission.created.json"),
    ),
    (
        "role.created",
        include_str!("../vectors/webhook-payloads/role.created.json"),
    ),
    (
        "session.created",
        include_str!("../vectors/webhook-payloads/session.created.json"),
    ),
    (
        "session.revoked",
        include_str!("../vectors/webhook-payloads/session.revoked.json"),
    ),
    (
        "subscription.active",
        include_str!("../vectors/webhook-payloads/subscription.active.json"),
    ),
    (
        "user.created",
        include_str!("../vectors/webhook-payloads/user.created.json"),
    ),
    (
        "user.created.username-only",
        include_str!("../vectors/webhook-payloads/user.created.username-only.json"),
    ),
    (
        "user.deleted",
        include_str!("../vectors/webhook-payloads/user.deleted.json"),
    ),
    (
        "user.updated",
        include_str!("../vectors/webhook-payloads/user.updated.json"),
    ),
];

/// The text of a payload.
pub fn text(name: &str) -> &'static str {
    let found = ALL.iter().find(|(known, _)| *known == name);
    found.expect("a given payload").1
}

/// A payload as a value, to be changed.
pub fn value(name: &str) -> Value {
    serde_json::from_str(text(name)).expect("JSON")
}

/// What a payload changes.
pub fn change(body: &str) -> Change {
    let event = Event::parse(body).expect("an event");
    event.change().expect("a change")
}

/// The row that a payload writes.
pub fn upsert(name: &str) -> Upsert {
    match change(text(name)) {
        Change::Upsert(upsert) => *upsert,
        other => panic!("{name} writes no row: {other:?}"),
    }
}

/// The record of a payload.
pub fn record(name: &str) -> Record {
    upsert(name).record
}
