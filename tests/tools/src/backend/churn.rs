//! What goes on at Clerk: users and memberships come, change and go.

use super::generator;
use super::kind::Kind;
use super::world::{World, now};
use crate::Outcome;
use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Performs `count` random operations and gives their events, in order.
pub(super) fn churn(world: &mut World, count: u64, seed: u64) -> Outcome<Vec<String>> {
    let mut rng = Rng::with_seed(seed);
    let mut events = Vec::new();
    for _ in 0..count {
        let kind = match rng.u8(..10) {
            0..6 => Kind::User,
            _ => Kind::Membership,
        };
        let told = match (rng.u8(..10), pick(world, kind, &mut rng)) {
            (3..9, Some(id)) => change(world, kind, &id, &mut rng)?,
            (9, Some(id)) => world.delete(kind, &id)?,
            _ => create(world, kind, &mut rng)?,
        };
        events.extend(told);
    }
    Ok(events)
}

/// Any object of a kind, each as likely as the others.
fn pick(world: &World, kind: Kind, rng: &mut Rng) -> Option<String> {
    let index = world.of(kind).by_creation();
    let place = rng.usize(..index.len().max(1));
    Some(index.iter().nth(place)?.1.to_string())
}

fn create(world: &mut World, kind: Kind, rng: &mut Rng) -> Outcome<Vec<String>> {
    let number = world.number();
    let mut value = generator::object(world, kind, number);
    value["id"] = json!(kind.id(number));
    if kind == Kind::Membership {
        let user = pick(world, Kind::User, rng);
        let Some((user, organization)) = user.zip(pick(world, Kind::Organization, rng)) else {
            return Ok(Vec::new());
        };
        // Nobody is a member twice.
        let of_user = world.of(kind).of_user(&user).into_iter().flatten();
        let mut organizations = of_user
            .filter_map(|(_, id)| world.of(kind).get(id))
            .filter_map(|membership| membership.organization.as_deref());
        if organizations.any(|known| known == organization) {
            return Ok(Vec::new());
        }
        let user = world.get(Kind::User, &user)?.value();
        let organization = world.get(Kind::Organization, &organization)?.value();
        generator::join(&mut value, &user, organization);
    }
    let now = now();
    value["created_at"] = json!(now);
    value["updated_at"] = json!(now);
    world.put(kind, &value)
}

fn change(world: &mut World, kind: Kind, id: &str, rng: &mut Rng) -> Outcome<Vec<String>> {
    let serial = rng.u32(..);
    let members = match kind {
        Kind::Membership => json!({
            "role": if rng.bool() { "org:admin" } else { "org:member" },
            "permissions": [format!("org:feature_{}:read", serial % 100)],
        }),
        _ => json!({
            "first_name": format!("Name {serial} \u{e9}"), "banned": serial.is_multiple_of(20),
            "public_metadata": {"serial": serial, "it's": [null, 1.5, "\"\\"]},
        }),
    };
    let members: Map<String, Value> = serde_json::from_value(members)?;
    world.update(kind, id, &members)
}
