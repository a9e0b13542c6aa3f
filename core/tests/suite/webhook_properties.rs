//! Properties of random deliveries, events and objects. The seed is fixed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clerk_core::resource::{Deletion, Kind, Record};
use clerk_core::retry::{AfterFailure, after_failure};
use clerk_core::time::UnixMicros;
use clerk_core::webhook::event::{Change, Event};
use clerk_core::webhook::signature::{Headers, Secret, verify};
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::webhook_payloads::{ALL, value};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x5_1A1F),
        ..ProptestConfig::default()
    }
}

/// Any JSON, numbers of any size and texts with any character included.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        "(user|org|idn)_[a-c]{1,3}".prop_map(Value::from),
        select(&["\u{0}", "1e999999", "verified", "", "\u{10FFFF}"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            hash_map("[a-z_]{1,9}|id|status|key|.{0,3}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The data of a payload with up to three members, at any depth of two, replaced or removed.
fn mutated_data() -> impl Strategy<Value = (Kind, Value)> {
    let change = (
        any::<Index>(),
        any::<Index>(),
        proptest::option::of(any_json()),
    );
    (select(&ALL[..]), vec(change, 0..4)).prop_map(|((name, _), changes)| {
        let mut data = value(name)["data"].take();
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| data["object"] == kind.object_name())
            .expect("a mirrored object");
        for (outer, inner, replacement) in changes {
            let members = data.as_object_mut().expect("an object");
            if members.is_empty() {
                break;
            }
            let name = members
                .keys()
                .nth(outer.index(members.len()))
                .expect("a member")
                .clone();
            let target = match &mut members[&name] {
                Value::Array(items) if !items.is_empty() => {
                    let index = inner.index(items.len());
                    &mut items[index]
                }
                other => other,
            };
            match replacement {
                Some(replacement) => *target = replacement,
                None => {
                    members.remove(&name);
                }
            }
        }
        (kind, data)
    })
}

fn has_nul(value: &Value) -> bool {
    value.to_string().contains("\\u0000")
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn what_a_secret_signs_it_verifies_and_one_changed_bit_is_refused(
        key in vec(any::<u8>(), 1..80),
        id in "[!-~]{1,40}",
        seconds in 0_i64..999_999_999_999,
        distance in -300_i64..=300,
        body in vec(any::<u8>(), 0..400),
        place in any::<Index>(),
        bit in 0_u8..8,
    ) {
        let text = format!("whsec_{}", STANDARD.encode(&key));
        let secrets = [Secret::parse(&text).expect("a secret")];
        let timestamp = seconds.to_string();
        let signature = secrets[0].sign(&id, &timestamp, &body);
        let now = UnixMicros::from_seconds(seconds + distance);
        let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
        let delivery = verify(&secrets, &headers, &body, now).expect("its own signature");
        prop_assert_eq!((delivery.id, delivery.sent_at), (id.as_str(), seconds));

        // One bit anywhere: key, body, id, timestamp or signature.
        let parts = [&key[..], &body, id.as_bytes(), timestamp.as_bytes(), signature.as_bytes()];
        let mut changed: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        let mut place = place.index(parts.iter().map(|part| part.len()).sum());
        for part in &mut changed {
            if place < part.len() {
                part[place] ^= 1 << bit;
                break;
            }
            place -= part.len();
        }
        let [key, body, id, timestamp, signature] = changed.try_into().expect("five parts");
        let secret = Secret::parse(&STANDARD.encode(&key)).expect("a secret");
        // A header that is no text does not come so far.
        if let (Ok(id), Ok(timestamp), Ok(signature)) =
            (str::from_utf8(&id), str::from_utf8(&timestamp), str::from_utf8(&signature))
        {
            let headers = Headers { id, timestamp, signature };
            prop_assert!(verify(&[secret], &headers, &body, now).is_err());
        }
    }

    #[test]
    fn no_header_makes_a_panic_or_a_signature(
        id in ".{0,20}", timestamp in "[0-9]{0,14}|.{0,12}", signature in "(v1,[A-Za-z0-9+/=]{40,46} ?|.{0,9}){0,4}",
        body in vec(any::<u8>(), 0..64), now in any::<i64>(), text in "(whsec_)?[A-Za-z0-9+/=]{0,40}|.{0,20}",
    ) {
        let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
        if let Ok(secret) = Secret::parse(&text) {
            prop_assert!(verify(&[secret], &headers, &body, UnixMicros(now)).is_err());
        }
        let pairs = [("svix-id", id.as_str()), (timestamp.as_str(), "x"), ("Svix-Signature", &signature)];
        let _ = Headers::from_pairs(pairs);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in vec(any::<u8>(), 0..200),
        snippet in "([\\[\\]{}\",:0-9eE+.-]|\\\\u[dD][89a-fA-F]00|\\\\u0000|\\\\|null|true|\"object\":\"event\"){0,60}",
        place in any::<Index>(), payload in select(&ALL[..]),
    ) {
        let (_, body) = payload;
        // Into the middle of a good body, at a character's border: payloads are ASCII.
        let place = place.index(body.len());
        let spliced = [&body[..place], &snippet, &body[place..]].concat();
        let cut = body[..place].to_owned();
        for text in [String::from_utf8_lossy(&bytes).into_owned(), snippet, spliced, cut] {
            if let Ok(event) = Event::parse(&text) {
                let _ = event.change();
            }
            for kind in Kind::ALL {
                let _ = Record::parse(kind, &text);
                let _ = Deletion::parse(kind, &text);
            }
        }
    }

    #[test]
    fn records_round_trip((kind, data) in mutated_data()) {
        let text = data.to_string();
        match Record::parse(kind, &text) {
            Ok(record) => {
                prop_assert!(!has_nul(&data));
                prop_assert_eq!(record.kind(), kind);
                prop_assert_eq!(record.data().text(), &text);
                prop_assert!(serde_json::to_value(&record).expect("JSON").is_object());
                prop_assert_eq!(&Record::parse(kind, record.data().text()), &Ok(record.clone()));
            }
            Err(error) => prop_assert!(!error.field.is_empty()),
        }
    }

    #[test]
    fn bad_escapes_are_those_that_an_independent_parser_refuses(
        text in r#"(\\u(d8|D9|db|dc|DF|d7|e0|00)(00|ff|41)|\\\\|\\"|\\n|u0000|[a-z é]){0,8}"#,
    ) {
        let data = format!(r#"{{"id":"user_1","updated_at":1,"x":["{text}"]}}"#);
        let parsed: Option<Value> = serde_json::from_str(&data).ok();
        let expected = match parsed {
            None => Err(()),
            Some(value) if value["x"][0].as_str().is_some_and(|text| text.contains('\0')) => Err(()),
            Some(_) => Ok(()),
        };
        let read = Record::parse(Kind::User, &data);
        prop_assert_eq!(read.as_ref().map(|_| ()).map_err(|_| ()), expected);
        if let Err(error) = read {
            prop_assert_eq!(error.field, "x");
        }
    }

    #[test]
    fn a_bad_object_spoils_its_change_and_not_its_event((kind, data) in mutated_data()) {
        let types = [
            (Kind::User, "user.updated"),
            (Kind::Organization, "organization.updated"),
            (Kind::Membership, "organizationMembership.updated"),
            (Kind::Invitation, "organizationInvitation.created"),
            (Kind::Domain, "organizationDomain.updated"),
            (Kind::Role, "role.updated"),
            (Kind::Permission, "permission.updated"),
            (Kind::Session, "session.ended"),
            (Kind::Subscription, "subscription.updated"),
        ];
        let (_, name) = types.iter().find(|(known, _)| *known == kind).expect("a type");
        let body = json!({
            "object": "event", "type": name, "timestamp": 1_767_225_600_031_i64,
            "instance_id": "ins_1", "data": data,
        });
        let body = body.to_string();
        let event = Event::parse(&body).expect("an event");
        match (event.change(), Record::parse(kind, &data.to_string())) {
            (Ok(Change::Upsert(upsert)), Ok(record)) => prop_assert_eq!(upsert.record, record),
            (Err(one), Err(other)) => prop_assert_eq!(one, other),
            (change, record) => prop_assert!(false, "{change:?} {record:?}"),
        }
    }

    #[test]
    fn waits_are_between_a_schedule_and_six_fifths_of_it(
        attempt in 0_u32..20, unit in any::<f64>(), retry_after in proptest::option::of(any::<u64>()),
    ) {
        let shortest = after_failure(attempt, 0.0, retry_after);
        match (after_failure(attempt, unit, retry_after), shortest) {
            (AfterFailure::Retry(wait), AfterFailure::Retry(shortest)) => {
                prop_assert!(wait >= shortest && wait <= shortest.mul_f64(1.2));
                prop_assert!(wait.as_secs() <= 43_200);
            }
            (wait, shortest) => prop_assert_eq!(wait, shortest),
        }
    }
}
