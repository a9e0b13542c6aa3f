//! Random histories: what happens in two instances of Clerk's, the deliveries that tell of it, and what a mirror
//! must hold when all of them have arrived, in whatever order.
//!
//! The model follows Clerk's rules as they are published, and shares no code with clerk_sync: an object is as its last
//! event says, what was deleted is gone for good, and takes along what belongs to it.

mod kind;
mod world;

use crate::{Outcome, webhook};
use serde_json::Value;
use std::path::Path;
use world::World;

/// One attempt to tell of an event.
pub struct Delivery {
    /// Its `svix-id`.
    pub id: String,
    /// As Svix sends them.
    pub headers: Value,
    /// The exact text that is signed.
    pub body: String,
}

/// What happened.
pub struct History {
    /// In the order in which they arrive; each event's at least once.
    pub deliveries: Vec<Delivery>,
    /// A member for each event: `id` and `type`, and of those that are mirrored `kind`, `object`, `is_deletion`,
    /// `updated_at` and `event_at`.
    pub events: Vec<Value>,
    /// A member for each object that must be there: `kind`, `id`, `is_dead`, and what must be in its row:
    /// `deleted_at` if nothing but its own deletion told of it; of one that lives `updated_at`, `event_at`, `columns`
    /// and `data`. Times are milliseconds since 1970.
    pub expected: Vec<Value>,
}

/// Makes the history of a seed, of about so many events, signed at about a time in Unix seconds.
pub fn history(
    seed: u64,
    events: usize,
    secret: &str,
    at: i64,
    payloads: &Path,
) -> Outcome<History> {
    let mut world = World::new(seed, payloads)?;
    while world.events.len() < events {
        world.go_on();
    }
    let expected = world.expected();
    let World {
        mut rng,
        events,
        bodies,
        ..
    } = world;
    // In any order, or in about the order in which things happened.
    let disorder = if rng.bool() { bodies.len() } else { 40 };
    let mut arrivals: Vec<(usize, usize)> = Vec::new();
    for event in 0..bodies.len() {
        for _ in 0..1 + usize::from(rng.u8(..100) < 15) {
            arrivals.push((event + rng.usize(..disorder), event));
        }
    }
    arrivals.sort_unstable();
    let mut deliver = |event: usize| -> Outcome<Delivery> {
        let id = format!("msg_{event}");
        let body = bodies[event].clone();
        let headers = webhook::headers(secret, &id, at + rng.i64(-60..=60), body.as_bytes())?;
        Ok(Delivery { id, headers, body })
    };
    let deliveries = arrivals
        .into_iter()
        .map(|(_, event)| deliver(event))
        .collect::<Outcome<_>>()?;
    Ok(History {
        deliveries,
        events,
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kind::Kind;

    fn of_seed(seed: u64) -> History {
        let payloads = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../core/tests/vectors/webhook-payloads"
        );
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        history(seed, 400, secret, 1_767_225_600, Path::new(payloads)).unwrap()
    }

    #[test]
    fn a_seed_tells_the_same_history_again() {
        let (one, other) = (of_seed(1), of_seed(1));
        let is_same = |(a, b): (&Delivery, &Delivery)| a.body == b.body && a.headers == b.headers;
        assert_eq!(one.expected, other.expected);
        assert!(one.deliveries.iter().zip(&other.deliveries).all(is_same));
        assert_ne!(of_seed(2).expected, one.expected);
    }

    #[test]
    fn histories_have_every_kind_alive_and_dead() {
        let expected: Vec<Value> = (0..20).flat_map(|seed| of_seed(seed).expected).collect();
        for kind in Kind::ALL {
            for is_dead in [false, true] {
                let is_found = expected
                    .iter()
                    .any(|row| row["kind"] == kind.table() && row["is_dead"] == is_dead);
                assert!(is_found, "{kind:?}, dead: {is_dead}");
            }
        }
    }

    #[test]
    fn every_event_arrives_and_some_twice() {
        let history = of_seed(3);
        let mut ids: Vec<&str> = history
            .deliveries
            .iter()
            .map(|delivery| delivery.id.as_str())
            .collect();
        let deliveries = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), history.events.len());
        assert!(deliveries > ids.len());
    }
}
