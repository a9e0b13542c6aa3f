//! The webhooks that Clerk would send of what happens.

use super::kind::Kind;
use serde_json::{Value, json};

/// The text of an event about `data`, a JSON text, at a time in milliseconds since 1970. Compact, its members in
/// alphabetical order, as Clerk's.
pub(super) fn event(kind: Kind, verb: &str, data: &str, at: i64, instance: &str) -> String {
    let noun = kind.noun();
    format!(
        r#"{{"data":{data},"event_attributes":{{"http_request":{{"client_ip":"203.0.113.7","user_agent":"clerk-testing"}}}},"instance_id":"{instance}","object":"event","timestamp":{at},"type":"{noun}.{verb}"}}"#
    )
}

/// What comes after the dot where an object was created or changed, or nothing where Clerk has no such event.
pub(super) fn verb(kind: Kind, value: &Value, is_new: bool) -> Option<&'static str> {
    match (kind, value["status"].as_str()) {
        (Kind::Invitation, Some("accepted")) => Some("accepted"),
        (Kind::Invitation, Some("revoked")) => Some("revoked"),
        (Kind::Invitation, _) => is_new.then_some("created"),
        (Kind::Subscription, Some("active")) if !is_new => Some("active"),
        (Kind::Subscription, Some("past_due")) if !is_new => Some("pastDue"),
        _ => Some(if is_new { "created" } else { "updated" }),
    }
}

/// The `data` of an event about an object that is there: the Backend API's object, but a subscription's is another.
pub(super) fn data(kind: Kind, value: &Value) -> Value {
    if kind != Kind::Subscription {
        return value.clone();
    }
    let mut data = value.clone();
    let Some(members) = data.as_object_mut() else {
        return data;
    };
    members.remove("instance_id");
    let mut items = members.remove("subscription_items").unwrap_or_default();
    members.insert("payer".to_owned(), items[0]["payer"].clone());
    for item in items.as_array_mut().into_iter().flatten() {
        item["interval"] = item["plan_period"].clone();
        item["subscription_id"] = value["id"].clone();
        if let Some(item) = item.as_object_mut() {
            item.retain(|name, _| !["plan_period", "payer", "instance_id"].contains(&&**name));
        }
    }
    members.insert("items".to_owned(), items);
    for name in [
        "canceled_at",
        "ended_at",
        "latest_payment_id",
        "payment_source_id",
    ] {
        members.entry(name).or_insert(Value::Null);
    }
    data
}

/// The `data` of an event about an object that is gone, or nothing where Clerk has no such event.
pub(super) fn deletion(kind: Kind, value: &Value) -> Option<Value> {
    let mut data = json!({"deleted": true, "id": value["id"], "object": value["object"]});
    match kind {
        Kind::Invitation | Kind::Subscription => return None,
        Kind::Membership => return Some(value.clone()),
        Kind::User if value["external_id"].is_string() => {
            data["external_id"] = value["external_id"].clone();
        }
        Kind::Organization => data["slug"] = value["slug"].clone(),
        _ => {}
    }
    Some(data)
}
