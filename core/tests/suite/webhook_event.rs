//! Events: the envelope, what a type asks for, versions, limits.

use std::collections::BTreeSet;

use clerk_core::resource::{Kind, MAX_NESTING, Problem};
use clerk_core::time::UnixMillis;
use clerk_core::webhook::event::{
    Change, Event, EventError, MAX_BODY_BYTES, Version, WhyIgnored, check_size,
};
use clerk_core::webhook::event_type::{Effect, EventType};
use serde_json::{Value, json};

use crate::webhook_payloads::{ALL, change, text, upsert, value};

/// The documented types, group by group.
const DOCUMENTED: &[(&str, &str)] = &[
    ("email", "created"),
    ("organization", "created updated deleted"),
    ("organizationDomain", "created updated deleted"),
    ("organizationInvitation", "created accepted revoked"),
    ("organizationMembership", "created updated deleted"),
    ("paymentAttempt", "created updated"),
    ("permission", "created updated deleted"),
    ("role", "created updated deleted"),
    ("session", "created pending ended removed revoked"),
    ("sms", "created"),
    ("subscription", "created updated active pastDue"),
    (
        "subscriptionItem",
        "abandoned active canceled ended freeTrialEnding incomplete pastDue upcoming updated",
    ),
    ("user", "created updated deleted"),
    ("waitlistEntry", "created updated"),
];
/// Seen besides.
const SEEN: &[(&str, &str)] = &[
    ("subscriptionItem", "created"),
    ("invitation", "created accepted revoked"),
];

fn names(groups: &[(&str, &str)]) -> BTreeSet<String> {
    groups
        .iter()
        .flat_map(|(group, actions)| {
            actions
                .split(' ')
                .map(move |action| format!("{group}.{action}"))
        })
        .collect()
}

fn envelope() -> Value {
    json!({
        "object": "event", "type": "email.created", "timestamp": 1_767_225_600_031_i64,
        "instance_id": "ins_1", "data": {},
    })
}

fn envelope_with(member: &str, value: Value) -> String {
    let mut envelope = envelope();
    envelope[member] = value;
    envelope.to_string()
}

fn problem_of(body: &str) -> Option<(String, Problem)> {
    match Event::parse(body) {
        Err(EventError::Field(error)) => Some((error.field, error.problem)),
        _ => None,
    }
}

fn millis(millis: i64) -> UnixMillis {
    UnixMillis::from_millis(millis).expect("a time")
}

#[test]
fn every_published_type_is_known() {
    assert_eq!(names(DOCUMENTED).len(), 45);
    let all: BTreeSet<String> = names(DOCUMENTED).union(&names(SEEN)).cloned().collect();
    let known: BTreeSet<String> = EventType::NAMES
        .iter()
        .map(|&name| name.to_owned())
        .collect();
    assert_eq!(known, all);
    for name in EventType::NAMES {
        let event_type = EventType::from_name(name);
        assert_eq!(event_type.name(), *name);
        assert!(!matches!(event_type, EventType::Unknown(_)));
    }
    for name in ["user.exploded", "User.created", "user.created "] {
        let event_type = EventType::from_name(name);
        assert_eq!(event_type, EventType::Unknown(name.to_owned()));
        assert_eq!(event_type.effect(), Effect::Ignored);
    }
}

#[test]
fn a_type_asks_for_what_its_name_says() {
    let kinds = [
        ("user.", Kind::User),
        ("organization.", Kind::Organization),
        ("organizationMembership.", Kind::Membership),
        ("organizationInvitation.", Kind::Invitation),
        ("organizationDomain.", Kind::Domain),
        ("role.", Kind::Role),
        ("permission.", Kind::Permission),
        ("session.", Kind::Session),
        ("subscription.", Kind::Subscription),
    ];
    for name in EventType::NAMES {
        let kind = kinds
            .iter()
            .find(|(prefix, _)| name.starts_with(prefix))
            .map(|(_, kind)| *kind);
        let expected = match kind {
            None => Effect::Ignored,
            Some(kind) if name.ends_with(".deleted") => Effect::Delete(kind),
            Some(kind) => Effect::Upsert(kind),
        };
        assert_eq!(EventType::from_name(name).effect(), expected, "{name}");
    }
}

/// The row that a change writes or buries.
fn row(change: &Change) -> Value {
    match change {
        Change::Upsert(upsert) => serde_json::to_value(upsert),
        Change::Delete(delete) => serde_json::to_value(delete),
        Change::Ignored(why) => panic!("nothing changes: {why:?}"),
    }
    .expect("JSON")
}

#[test]
fn every_payload_is_read() {
    for (name, body) in ALL {
        let event = Event::parse(body).expect(name);
        assert!(name.starts_with(event.event_type.name()), "{name}");
        assert_eq!(event.instance_id, "ins_2tPgClerkExtensionTestKey01");
        let payload = value(name);
        assert_eq!(
            Some(event.timestamp.millis()),
            payload["timestamp"].as_i64()
        );
        match event.change().expect(name) {
            Change::Upsert(upsert) => {
                assert_eq!(upsert.record.id(), payload["data"]["id"], "{name}");
                let data: Value = serde_json::from_str(upsert.record.data().text()).expect("JSON");
                assert_eq!(data, payload["data"], "{name}");
                assert!(body.contains(upsert.record.data().text()), "byte by byte");
                assert_eq!(
                    event.event_type.effect(),
                    Effect::Upsert(upsert.record.kind())
                );
            }
            Change::Delete(delete) => {
                assert_eq!(delete.deletion.id, payload["data"]["id"], "{name}");
                assert_eq!(
                    event.event_type.effect(),
                    Effect::Delete(delete.deletion.kind)
                );
            }
            Change::Ignored(why) => panic!("{name} is ignored: {why:?}"),
        }
        // A compact body, as Clerk sends it, says the same.
        let compact = payload.to_string();
        assert_eq!(row(&change(&compact)), row(&change(body)), "{name}");
    }
}

#[test]
fn timestamps_are_milliseconds_or_seconds() {
    let read = |timestamp: Value| {
        let body = envelope_with("timestamp", timestamp);
        Event::parse(&body).map(|event| event.timestamp.millis())
    };
    for (timestamp, expected) in [
        (1_767_225_600_031_i64, 1_767_225_600_031_i64),
        (1_716_883_200, 1_716_883_200_000),
        (99_999_999_999, 99_999_999_999_000),
        (100_000_000_000, 100_000_000_000),
        (0, 0),
    ] {
        assert_eq!(read(json!(timestamp)), Ok(expected), "{timestamp}");
    }
    for timestamp in [
        json!(-1),
        json!(253_402_300_800_000_i64),
        json!(1_767_225_600_031.0),
        json!(1_767_225_600.5),
        json!("1767225600031"),
        json!([1_767_225_600_031_i64]),
        json!(true),
        json!(u64::MAX),
    ] {
        let error = read(timestamp.clone()).expect_err("no time");
        assert_eq!(
            error.to_string(),
            "the event's field timestamp is not a time in milliseconds",
            "{timestamp}"
        );
    }
}

#[test]
fn what_the_ledger_needs_is_required() {
    assert!(Event::parse(&envelope().to_string()).is_ok());
    for (member, other) in [
        ("object", json!("events")),
        ("type", json!("")),
        ("type", json!("user\u{0}.created")),
        ("type", json!("x".repeat(256))),
        ("instance_id", json!("")),
        ("instance_id", json!("ins_\n")),
    ] {
        let (field, _) = problem_of(&envelope_with(member, other.clone())).expect("refused");
        assert_eq!(field, member, "{other}");
    }
    for member in ["object", "type", "timestamp", "instance_id"] {
        let mut without = envelope();
        without.as_object_mut().expect("an object").remove(member);
        let missing = Some((member.to_owned(), Problem::Missing));
        assert_eq!(problem_of(&without.to_string()), missing);
        assert_eq!(problem_of(&envelope_with(member, Value::Null)), missing);
        assert!(problem_of(&envelope_with(member, json!({"a": 1}))).is_some());
        let twice = envelope()
            .to_string()
            .replacen('{', &format!("{{\"{member}\":1,"), 1);
        assert!(matches!(Event::parse(&twice), Err(EventError::NotAnObject)));
    }
}

#[test]
fn the_rest_of_the_envelope_may_hold_anything() {
    for attributes in [
        Value::Null,
        json!("x"),
        json!([1]),
        json!({"http_request": "x"}),
        json!({"http_request": {"client_ip": "", "user_agent": 1}}),
        json!({"http_request": {"client_ip": "\u{0}", "user_agent": null}}),
    ] {
        let body = envelope_with("event_attributes", attributes.clone());
        assert!(Event::parse(&body).is_ok(), "{attributes}");
    }
    for data in [Value::Null, json!(1), json!([]), json!("x")] {
        let body = envelope_with("data", data);
        let event = Event::parse(&body).expect("an event");
        assert_eq!(event.change(), Ok(Change::Ignored(WhyIgnored::NotMirrored)));
    }
    let body = envelope_with("type", json!("robot.created"));
    let event = Event::parse(&body).expect("an event");
    assert_eq!(event.change(), Ok(Change::Ignored(WhyIgnored::UnknownType)));
    assert!(Event::parse(&envelope_with("more", json!({"x": 1}))).is_ok());
}

#[test]
fn what_is_no_json_object_is_no_event() {
    let good = envelope().to_string();
    let bad = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        r#"["event","email.created",1767225600031,"ins_1",null,{}]"#.to_owned(),
        "\"event\"".to_owned(),
        format!("{good}x"),
        format!("{good}{good}"),
        good[..good.len() - 1].to_owned(),
        good.replace("email", "em\u{1}ail"),
        format!("\u{feff}{good}"),
    ];
    for body in bad {
        assert!(
            matches!(Event::parse(&body), Err(EventError::NotAnObject)),
            "{body:?}"
        );
    }
    assert!(Event::parse(&format!(" \r\n\t{good}\n")).is_ok());
}

#[test]
fn larger_or_deeper_bodies_are_refused_cleanly() {
    let padded = |bytes: usize| {
        let body = envelope().to_string();
        format!("{body}{}", " ".repeat(bytes - body.len()))
    };
    assert!(Event::parse(&padded(MAX_BODY_BYTES)).is_ok());
    let long = padded(MAX_BODY_BYTES + 1);
    assert!(
        matches!(Event::parse(&long), Err(EventError::TooLong { bytes }) if bytes == long.len())
    );
    assert!(check_size(long.as_bytes()).is_err());

    let nested = |levels: usize| {
        let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        text("user.updated").replace("\"dark\"", &deep)
    };
    // The body, its data and the metadata are three levels.
    let deepest = nested(MAX_NESTING - 3);
    assert!(matches!(change(&deepest), Change::Upsert(_)));
    for levels in [MAX_NESTING - 2, 1_000, 200_000] {
        assert!(matches!(
            Event::parse(&nested(levels)),
            Err(EventError::TooDeep)
        ));
    }
    assert!(matches!(
        Event::parse(&"[".repeat(500_000)),
        Err(EventError::TooDeep)
    ));
    // Brackets within texts are no levels.
    let texts = envelope_with(
        "data",
        json!({"a": "[".repeat(500), "b\\\"": "\"{\\".repeat(500)}),
    );
    assert!(Event::parse(&texts).is_ok());
}

#[test]
fn a_version_is_the_objects_time_and_then_the_events() {
    let version = |updated_at, event_at| Version {
        updated_at: millis(updated_at),
        event_at: millis(event_at),
    };
    let upsert = upsert("user.updated");
    assert_eq!(
        upsert.version(),
        version(1_767_229_200_000, 1_767_229_200_042)
    );
    assert!(version(2, 0).replaces(version(1, 9)));
    assert!(!version(1, 9).replaces(version(2, 0)));
    assert!(version(2, 5).replaces(version(2, 4)));
    assert!(!version(2, 4).replaces(version(2, 5)));
    assert!(
        version(2, 5).replaces(version(2, 5)),
        "the later arrival counts"
    );
}

#[test]
fn a_deletion_stands_at_the_events_time() {
    for name in [
        "user.deleted",
        "organization.deleted",
        "organizationMembership.deleted",
    ] {
        let Change::Delete(delete) = change(text(name)) else {
            panic!("{name} deletes nothing");
        };
        assert_eq!(delete.version().updated_at, delete.event_at);
        assert_eq!(
            Some(delete.event_at.millis()),
            value(name)["timestamp"].as_i64()
        );
    }
}

#[test]
fn rows_serialise_to_flat_objects() {
    let row = serde_json::to_value(upsert("user.updated")).expect("JSON");
    assert_eq!(row["instance_id"], "ins_2tPgClerkExtensionTestKey01");
    assert_eq!(row["event_at"], json!(1_767_229_200_042_i64));
    assert_eq!(row["updated_at"], json!(1_767_229_200_000_i64));
    assert_eq!(row["primary_email_address"], "ada@work.example");
    assert_eq!(
        row["public_metadata"],
        json!({"nested": {"n": 1}, "role": "editor"})
    );
    assert_eq!(row.get("data"), None, "it goes beside the row, as a text");
    let Change::Delete(delete) = change(text("organizationMembership.deleted")) else {
        panic!("nothing is deleted");
    };
    let row = serde_json::to_value(delete).expect("JSON");
    assert_eq!(
        row,
        json!({
            "instance_id": "ins_2tPgClerkExtensionTestKey01", "event_at": 1_767_225_780_009_i64,
            "id": "orgmem_2tPgMembershipAAAAAAAAA1",
            "organization_id": "org_2tPgTestOrgAAAAAAAAAAAAAA1",
            "user_id": "user_2tPgTestUserAAAAAAAAAAAAA1",
        })
    );
}

#[test]
fn a_session_that_ended_does_not_begin_again_at_the_same_version() {
    let state = |status: &str, at: i64| {
        let body = json!({ "object": "event", "type": "session.created", "instance_id": "ins_1", "timestamp": at,
            "data": { "id": "sess_1", "user_id": "user_1", "status": status, "updated_at": at } });
        match change(&body.to_string()) {
            Change::Upsert(upsert) => upsert,
            other => panic!("{other:?}"),
        }
    };
    let (early, late) = (1_767_225_600_000, 1_767_225_600_001);
    assert!(!state("active", early).replaces(&state("revoked", early)));
    assert!(state("revoked", early).replaces(&state("active", early)));
    assert!(state("ended", early).replaces(&state("revoked", early)));
    assert!(state("active", late).replaces(&state("revoked", early)));
    assert!(!state("revoked", early).replaces(&state("active", late)));
}
