//! Objects by number, the same each time.

use super::kind::Kind;
use super::world::World;
use crate::Outcome;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// When the object of number 0 was made, and how much later each next one, in milliseconds.
const BEGINNING: i64 = 1_700_000_000_000;
const PACE: i64 = 1000;

/// Names that a careless writer of SQL or JSON spoils among others.
const NAMES: [&str; 10] = [
    "Ada",
    "Grace",
    "Zo\u{eb}",
    "O'Neil",
    "Alan",
    "\u{540d}\u{524d}",
    "\u{141}ukasz",
    "Barbara",
    "\"Q\" \\ Z",
    "Ren\u{e9}e \u{1f980}",
];

macro_rules! template {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../core/tests/vectors/webhook-payloads/",
            $name,
            ".json"
        ))
    };
}

/// Objects of Clerk's, in the order of [`Kind::ALL`].
static TEMPLATES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let texts = [
        template!("user.created"),
        template!("organization.created"),
        template!("organizationMembership.created"),
        template!("organizationInvitation.created"),
        template!("organizationDomain.created"),
        template!("role.created"),
        template!("permission.created"),
        template!("subscription.active"),
    ];
    let data =
        |text: &&str| serde_json::from_str(text).map(|mut event: Value| event["data"].take());
    texts
        .iter()
        .map(|text| data(text).unwrap_or_default())
        .collect()
});

/// Puts `count` objects into the world, numbered on from `from`, without a word.
pub(super) fn generate(world: &mut World, kind: Kind, from: u64, count: u64) -> Outcome<()> {
    for number in from..from + count {
        let value = object(world, kind, number);
        world.set(kind, &value)?;
    }
    Ok(())
}

/// The object of a number. A membership, invitation, domain or subscription belongs to users and organizations that
/// the world has by then, if it has any.
pub(super) fn object(world: &World, kind: Kind, number: u64) -> Value {
    let mut value = TEMPLATES[kind as usize].clone();
    let created_at = BEGINNING + number as i64 * PACE;
    value["id"] = json!(kind.id(number));
    value["created_at"] = json!(created_at);
    value["updated_at"] = json!(created_at + (number % 977) as i64);
    match kind {
        Kind::User => fill_user(&mut value, number),
        Kind::Organization => {
            value["name"] = json!(format!("{} {number}", name(number)));
            value["slug"] = json!(format!("organization-{number}"));
            value["created_by"] = json!(Kind::User.id(number));
            value["public_metadata"] = json!({"number": number});
        }
        Kind::Membership => {
            let (user, lap) = nth(world, Kind::User, number);
            // Another organization each time it is the same user's turn.
            let turn = number % world.of(Kind::User).len().max(1) as u64 + lap;
            let (organization, _) = nth(world, Kind::Organization, turn);
            join(&mut value, &user, organization);
            if !number.is_multiple_of(7) {
                value["role"] = json!("org:member");
                value["role_name"] = json!("Member");
                value["permissions"] = json!(["org:sys_memberships:read", "org:invoices:read"]);
            }
        }
        Kind::Invitation => {
            let (organization, _) = nth(world, Kind::Organization, number);
            value["organization_id"] = organization["id"].clone();
            value["email_address"] = json!(format!("invited{number}@example.com"));
        }
        Kind::Domain => {
            let (organization, _) = nth(world, Kind::Organization, number);
            value["organization_id"] = organization["id"].clone();
            for member in ["id", "name", "slug"] {
                value["public_organization_data"][member] = organization[member].clone();
            }
            value["name"] = json!(format!("domain{number}.example"));
        }
        Kind::Role => {
            value["key"] = json!(format!("org:role_{number}"));
            value["name"] = json!(format!("{} {number}", name(number)));
        }
        Kind::Permission => {
            value["key"] = json!(format!("org:feature_{number}:manage"));
            value["name"] = json!(format!("Manage feature {number}"));
        }
        Kind::Subscription => fill_subscription(world, &mut value, number),
    }
    value
}

/// Makes a membership one of a user in an organization.
pub(super) fn join(membership: &mut Value, user: &Value, organization: Value) {
    let data = &mut membership["public_user_data"];
    for member in ["first_name", "last_name", "image_url", "username", "banned"] {
        data[member] = user[member].clone();
    }
    data["user_id"] = user["id"].clone();
    data["identifier"] = match &user["email_addresses"][0]["email_address"] {
        Value::Null => user["username"].clone(),
        address => address.clone(),
    };
    membership["organization"] = organization;
}

fn name(number: u64) -> &'static str {
    NAMES[number as usize % NAMES.len()]
}

/// The user or organization of a number, begun again after as many as there are, and how often that was.
fn nth(world: &World, kind: Kind, number: u64) -> (Value, u64) {
    let all = world.of(kind).len().max(1) as u64;
    let (place, lap) = (number % all, number / all);
    let found = world.of(kind).get(&kind.id(place));
    let value = found.map_or_else(|| object(world, kind, place), |found| found.value());
    (value, lap)
}

fn fill_user(user: &mut Value, number: u64) {
    let created_at = user["created_at"].clone();
    let address = format!("person{number}@example.com");
    let (first, last) = (name(number), name(number / 10 + 3));
    user["first_name"] = json!((number % 11 != 4).then_some(first));
    user["last_name"] = json!((number % 13 != 5).then_some(last));
    user["external_id"] = json!(
        number
            .is_multiple_of(3)
            .then(|| format!("customer-{number}"))
    );
    user["last_active_at"] = created_at.clone();
    user["last_sign_in_at"] = json!((!number.is_multiple_of(5)).then_some(&created_at));
    user["banned"] = json!(number % 101 == 100);
    user["image_url"] = json!(format!(
        "https://img.clerk.com/eyJ0eXBlIjoicHJveHkifQ{number:024}"
    ));
    let plan = ["free", "pro", "team"][number as usize % 3];
    user["public_metadata"] = json!({
        "number": number, "plan": plan,
        "onboarding": {"is_complete": number.is_multiple_of(2), "steps": ["profile", "invite", "billing"]},
    });
    user["private_metadata"] = json!({
        "stripe_customer_id": format!("cus_{number:016}"), "notes": [null, 1.5, "it's a \"note\""],
    });
    user["unsafe_metadata"] =
        json!({"theme": "dark", "locale": "de-CH", "seen": [number, number + 1]});
    if number % 50 == 7 {
        // Signed up by name: no address at all.
        user["username"] = json!(format!("person{number}"));
        user["email_addresses"] = json!([]);
        user["primary_email_address_id"] = Value::Null;
        return;
    }
    let email = &mut user["email_addresses"][0];
    let id = format!("idn_{number:024}");
    email["id"] = json!(id);
    email["email_address"] = json!(address);
    email["created_at"] = created_at.clone();
    email["updated_at"] = created_at.clone();
    let account = format!("eac_{number:024}");
    email["linked_to"] = json!([{"id": account, "type": "oauth_google"}]);
    user["primary_email_address_id"] = json!(id);
    user["external_accounts"] = json!([{
        "object": "external_account", "id": account, "provider": "oauth_google",
        "identification_id": format!("idn_{:024}", number + 500_000_000), "provider_user_id": format!("{number:021}"),
        "approved_scopes": "email https://www.googleapis.com/auth/userinfo.email profile openid",
        "email_address": address, "first_name": first, "last_name": last, "avatar_url": "",
        "image_url": "https://img.clerk.com/eyJ0eXBlIjoicHJveHkifQ", "username": null, "phone_number": null,
        "public_metadata": {}, "label": null, "created_at": created_at, "updated_at": created_at,
        "verification": {
            "object": "verification_oauth", "status": "verified", "strategy": "oauth_google", "attempts": null,
            "expire_at": 1_900_000_000_000_i64, "error": null,
        },
    }]);
}

/// Half of the subscriptions are users', half organizations'; the template is a webhook's and not the API's.
fn fill_subscription(world: &World, value: &mut Value, number: u64) {
    let payer_id = format!("cpayer_{number:024}");
    let mut payer = value["payer"].take();
    payer["id"] = json!(payer_id);
    if number.is_multiple_of(2) {
        let (user, _) = nth(world, Kind::User, number / 2);
        payer["user_id"] = user["id"].clone();
    } else {
        let (organization, _) = nth(world, Kind::Organization, number / 2);
        payer["user_id"] = json!("");
        payer["organization_id"] = organization["id"].clone();
        payer["organization_name"] = organization["name"].clone();
    }
    let mut item = value["items"][0].take();
    item["id"] = json!(format!("csub_item_{number:024}"));
    item["instance_id"] = json!(world.instance);
    item["payer_id"] = json!(payer_id);
    item["payer"] = payer;
    item["plan_period"] = item["interval"].take();
    item["is_free_trial"] = json!(number % 5 == 4);
    item["created_at"] = value["created_at"].clone();
    item["updated_at"] = value["updated_at"].clone();
    if let Some(members) = item.as_object_mut() {
        members.retain(|name, _| !["interval", "subscription_id"].contains(&&**name));
    }
    *value = json!({
        "object": "commerce_subscription", "id": value["id"], "instance_id": world.instance, "status": "active",
        "payer_id": payer_id, "created_at": value["created_at"], "updated_at": value["updated_at"],
        "active_at": value["created_at"], "past_due_at": null, "subscription_items": [item],
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_makes_the_same_object_again() {
        let world = World::new();
        for kind in Kind::ALL {
            let value = object(&world, kind, 42);
            assert_eq!(value, object(&world, kind, 42));
            assert_eq!(value["id"], kind.id(42));
            assert!(value["object"].is_string(), "{kind:?}");
        }
    }

    #[test]
    fn nobody_is_a_member_twice() {
        let mut world = World::new();
        for (kind, count) in [
            (Kind::User, 4),
            (Kind::Organization, 5),
            (Kind::Membership, 20),
        ] {
            generate(&mut world, kind, 0, count).unwrap();
        }
        let memberships = world.of(Kind::Membership).objects();
        let pairs: std::collections::BTreeSet<_> = memberships
            .map(|(_, object)| (object.user.clone(), object.organization.clone()))
            .collect();
        assert_eq!(pairs.len(), 20);
    }

    #[test]
    fn a_user_has_the_size_of_a_real_one() {
        let length = object(&World::new(), Kind::User, 42).to_string().len();
        assert!((2000..3500).contains(&length), "{length}");
    }
}
