//! Objects that lie: the error names the field and never its value.

use clerk_core::resource::{Deletion, FieldError, Kind, Problem, Record};
use clerk_core::webhook::event::Event;
use serde_json::{Value, json};

use crate::resources::data_with;
use crate::webhook_payloads::{ALL, record, value};

/// Put where it does not belong; must not come back in an error.
const PERSONAL: &str = "ada@private.example";

/// Payload, member, what it is replaced with, and what the error says.
const LIES: &str = r#"
user.created | id | null | id is missing or null
user.created | id | 7 | id is not a text
user.created | id | "" | id is not an identifier: it is empty, too long or has control characters
user.created | id | "user_\n" | id is not an identifier: it is empty, too long or has control characters
user.created | updated_at | null | updated_at is missing or null
user.created | updated_at | "ada@" | updated_at is not a time in milliseconds
user.created | updated_at | 1767225600000.5 | updated_at is not a time in milliseconds
user.created | updated_at | -1 | updated_at is not a time in milliseconds
user.created | updated_at | 253402300800000 | updated_at is not a time in milliseconds
user.created | updated_at | 18446744073709551616 | updated_at is not a time in milliseconds
user.created | created_at | null | created_at is missing or null
user.created | last_sign_in_at | "2026-01-01" | last_sign_in_at is not a time in milliseconds
user.created | object | "organization" | object names another kind of object
user.created | object | null | object is missing or null
user.created | external_id | 12 | external_id is not a text
user.created | first_name | {"a": "ada@"} | first_name is not a text
user.created | profile_image_url | 1 | profile_image_url is not a text
user.created | banned | "false" | banned is not true or false
user.created | banned | null | banned is missing or null
user.created | locked | 0 | locked is not true or false
user.created | public_metadata | ["ada@"] | public_metadata is not an object
user.created | unsafe_metadata | "{}" | unsafe_metadata is not an object
user.created | primary_email_address_id | 1 | primary_email_address_id is not a text
user.created | email_addresses | {} | email_addresses is not a list
user.created | email_addresses | [{}, "ada@"] | email_addresses[1] is not an object
user.created | email_addresses | [{}, {"id": 1}] | email_addresses[1].id is not a text
user.created | email_addresses | [{"email_address": 1}] | email_addresses[0].email_address is not a text
user.created | email_addresses | [{"id": "idn_2tPgIdentEmailAAAAAAAAAAA1"}] | email_addresses[0].email_address is missing or null
user.updated | phone_numbers | [{"id": "idn_2tPgIdentPhoneAAAAAAAAAAA1", "phone_number": "1", "verification": []}] | phone_numbers[0].verification is not an object
user.updated | phone_numbers | [{"id": "idn_2tPgIdentPhoneAAAAAAAAAAA1", "phone_number": "1", "verification": {"status": true}}] | phone_numbers[0].verification.status is not a text
organization.created | name | null | name is missing or null
organization.created | max_allowed_memberships | "5" | max_allowed_memberships is not an integer
organization.created | max_allowed_memberships | 5.5 | max_allowed_memberships is not an integer
organizationMembership.created | role | null | role is missing or null
organizationMembership.created | organization | null | organization is missing or null
organizationMembership.created | organization | "org_1" | organization is not an object
organizationMembership.created | organization | {} | organization.id is missing or null
organizationMembership.created | public_user_data | {"user_id": []} | public_user_data.user_id is not a text
organizationMembership.created | permissions | "org:a:b" | permissions is not a list
organizationMembership.created | permissions | ["a", null] | permissions[1] is not a text
organizationMembership.created | permissions | [""] | permissions[0] is not an identifier: it is empty, too long or has control characters
organizationInvitation.created | email_address | null | email_address is missing or null
organizationInvitation.created | data | [] | data is not an object
organizationInvitation.created | status | null | status is missing or null
organizationDomain.created | organization_id | null | organization_id is missing or null
organizationDomain.created | verification | true | verification is not an object
role.created | key | null | key is missing or null
role.created | permissions | [{"key": "a"}, {}] | permissions[1].key is missing or null
role.created | permissions | ["org:a:b"] | permissions[0] is not an object
permission.created | type | 1 | type is not a text
session.created | user_id | null | user_id is missing or null
session.created | status | null | status is missing or null
session.created | actor | "user_1" | actor is not an object
session.created | expire_at | "soon" | expire_at is not a time in milliseconds
subscription.active | status | null | status is missing or null
subscription.active | items | {"a": 1} | items is not a list
subscription.active | items | [{"plan": {"slug": 1}}] | items[0].plan.slug is not a text
subscription.active | payer | {"organization_id": 1} | payer.organization_id is not a text
"#;

#[test]
fn a_lie_about_a_type_is_an_error_that_names_the_field() {
    for line in LIES.trim().lines() {
        let parts: Vec<&str> = line.split(" | ").collect();
        let [name, member, lie, message] = parts[..] else {
            panic!("not four parts: {line}");
        };
        let lie: Value = serde_json::from_str(lie).expect(line);
        let data = data_with(name, json!({ member: lie })).to_string();
        let error = Record::parse(record(name).kind(), &data).expect_err(line);
        assert_eq!(error.to_string(), message, "{line}");
    }
}

#[test]
fn no_error_holds_a_value() {
    for (name, body) in ALL {
        let kind = record_kind(name);
        let data = value(name)["data"].take();
        for member in data.as_object().expect("an object").keys() {
            for lie in [
                json!(PERSONAL),
                json!([PERSONAL]),
                json!({PERSONAL: PERSONAL}),
            ] {
                let text = data_with(name, json!({ member: lie })).to_string();
                if let Err(error) = Record::parse(kind, &text) {
                    let shown = format!("{error} {error:?}");
                    assert!(!shown.contains("ada@"), "{shown}");
                }
            }
        }
        assert!(Event::parse(body).is_ok());
    }
}

fn record_kind(name: &str) -> Kind {
    let object = value(name)["data"]["object"].clone();
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| object == kind.object_name());
    kind.expect("a mirrored object")
}

#[test]
fn a_name_in_camel_case_is_the_same_object() {
    let data = data_with(
        "organizationDomain.created",
        json!({"object": "organizationDomain"}),
    );
    assert!(Record::parse(Kind::Domain, &data.to_string()).is_ok());
}

#[test]
fn references_may_be_null_and_unknown_fields_anything() {
    for (name, members) in [
        (
            "user.created",
            json!({
                "public_metadata": null, "private_metadata": null, "unsafe_metadata": null,
                "email_addresses": null, "phone_numbers": null, "web3_wallets": null,
                "passkeys": "x", "timezone": {"a": [1e300]}, "scim": 7, "external_accounts": 1,
            }),
        ),
        (
            "organization.created",
            json!({"slug": null, "image_url": null, "created_by": null}),
        ),
        (
            "subscription.active",
            json!({"payer": null, "items": null, "payer_id": ""}),
        ),
        (
            "role.created",
            json!({"permissions": null, "description": null}),
        ),
        (
            "organizationInvitation.created",
            json!({"public_inviter_data": null, "data": null}),
        ),
    ] {
        let data = data_with(name, members);
        assert!(
            Record::parse(record(name).kind(), &data.to_string()).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn a_deletion_that_lies_is_an_error() {
    for (data, field, problem) in [
        (
            json!({"id": "x", "deleted": false}),
            "deleted",
            Problem::NotDeleted,
        ),
        (
            json!({"id": "x", "deleted": "yes"}),
            "deleted",
            Problem::NotFlag,
        ),
        (
            json!({"id": "x", "deleted": null}),
            "deleted",
            Problem::Missing,
        ),
        (json!({"id": 5, "deleted": true}), "id", Problem::NotText),
        (
            json!({"id": "", "deleted": true}),
            "id",
            Problem::NotIdentifier,
        ),
        (
            json!({"id": "x", "deleted": true, "object": "role"}),
            "object",
            Problem::WrongObject,
        ),
        (json!([]), "data", Problem::NotObject),
        (json!(null), "data", Problem::NotObject),
    ] {
        let error = Deletion::parse(Kind::User, &data.to_string()).expect_err("a lie");
        assert_eq!(
            error,
            FieldError {
                field: field.to_owned(),
                problem
            },
            "{data}"
        );
    }
}

#[test]
fn an_event_without_data_is_stored_and_changes_nothing() {
    let mut payload = value("user.updated");
    payload["data"] = Value::Null;
    let body = payload.to_string();
    let event = Event::parse(&body).expect("an event");
    let error = event.change().expect_err("no data");
    assert_eq!(error.to_string(), "data is missing or null");
}
