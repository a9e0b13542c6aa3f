//! Records: which column comes from which field.

use clerk_core::resource::{Deletion, Kind, Record};
use serde_json::{Value, json};

use crate::webhook_payloads::{record, value};

/// A payload's data with some members changed.
pub fn data_with(name: &str, members: Value) -> Value {
    let mut data = value(name)["data"].take();
    for (member, value) in members.as_object().expect("an object") {
        data[member] = value.clone();
    }
    data
}

/// The columns of an object, without `data`.
fn columns(kind: Kind, data: &Value) -> Value {
    let record = Record::parse(kind, &data.to_string()).expect("a record");
    let whole = serde_json::from_str::<Value>(record.data().text()).expect("JSON");
    assert_eq!(whole, *data, "data is the whole object");
    serde_json::to_value(&record).expect("JSON")
}

fn columns_of(name: &str) -> Value {
    columns(record(name).kind(), &value(name)["data"])
}

#[test]
fn a_user_has_primary_identifications_names_and_metadata() {
    assert_eq!(
        columns_of("user.updated"),
        json!({
            "id": "user_2tPgTestUserAAAAAAAAAAAAA1",
            "external_id": null,
            "username": "ada",
            "first_name": "Augusta Ada",
            "last_name": "Lovelace",
            "primary_email_address": "ada@work.example",
            "primary_email_address_verified": true,
            "primary_phone_number": "+12015550123",
            "primary_phone_number_verified": true,
            "primary_web3_wallet": null,
            "image_url": "https://img.clerk.com/eyJ0eXBlIjoiZGVmYXVsdCJ9",
            "has_image": false,
            "locale": "en-US",
            "banned": false,
            "locked": false,
            "deprovisioned": false,
            "password_enabled": true,
            "two_factor_enabled": true,
            "last_sign_in_at": 1_767_228_600_000_i64,
            "last_active_at": 1_767_229_200_000_i64,
            "legal_accepted_at": null,
            "public_metadata": {"nested": {"n": 1}, "role": "editor"},
            "private_metadata": {"stripe_customer_id": "cus_123"},
            "unsafe_metadata": {"theme": "dark"},
            "created_at": 1_767_225_600_000_i64,
            "updated_at": 1_767_229_200_000_i64,
        })
    );
    let columns = columns_of("user.created.username-only");
    assert_eq!(columns["username"], "grace");
    assert_eq!(columns["primary_email_address"], Value::Null);
    assert_eq!(columns["primary_email_address_verified"], false);
    assert_eq!(columns["first_name"], Value::Null);
}

#[test]
fn the_primary_address_is_the_named_one_and_never_the_first() {
    let address = |id: Value, address: &str, verification: Value| json!({"id": id, "email_address": address, "verification": verification});
    let addresses = json!([
        address(
            json!("idn_1"),
            "first@example.com",
            json!({"status": "verified"})
        ),
        address(json!("idn_2"), "second@example.com", Value::Null),
        address(
            json!("idn_3"),
            "third@example.com",
            json!({"status": "unverified"})
        ),
        address(
            json!("idn_3"),
            "again@example.com",
            json!({"status": "verified"})
        ),
        address(
            Value::Null,
            "without@example.com",
            json!({"status": "verified"})
        ),
    ]);
    let primary = |id: Value| {
        let members = json!({"email_addresses": addresses, "primary_email_address_id": id});
        let columns = columns(Kind::User, &data_with("user.created", members));
        json!([
            columns["primary_email_address"],
            columns["primary_email_address_verified"]
        ])
    };
    assert_eq!(primary(json!("idn_1")), json!(["first@example.com", true]));
    assert_eq!(
        primary(json!("idn_2")),
        json!(["second@example.com", false])
    );
    assert_eq!(primary(json!("idn_3")), json!(["third@example.com", false]));
    for absent in [json!("idn_4"), json!(""), Value::Null] {
        assert_eq!(primary(absent), json!([null, false]));
    }
}

#[test]
fn a_minimal_user_has_columns_without_values() {
    let minimal = json!({"id": "user_1", "updated_at": 5});
    let columns = columns(Kind::User, &minimal);
    for (name, value) in columns.as_object().expect("columns") {
        let expected = match name.as_str() {
            "id" => json!("user_1"),
            "updated_at" => json!(5),
            "primary_email_address_verified" | "primary_phone_number_verified" => json!(false),
            _ => Value::Null,
        };
        assert_eq!(*value, expected, "{name}");
    }
}

#[test]
fn of_two_fields_with_one_name_the_last_counts_as_in_jsonb() {
    let text = r#"{"id":"user_1","updated_at":1,"username":null,"username":"a","id":"user_2"}"#;
    let Ok(Record::User(user)) = Record::parse(Kind::User, text) else {
        panic!("no user");
    };
    assert_eq!(
        (user.id.as_str(), user.username.as_deref()),
        ("user_2", Some("a"))
    );
    assert_eq!(user.data.text(), text);
}

#[test]
fn older_objects_name_their_image_otherwise() {
    let data = json!({"id": "user_1", "updated_at": 5, "profile_image_url": "old"});
    assert_eq!(columns(Kind::User, &data)["image_url"], "old");
    let data = json!({"id": "org_1", "name": "A", "updated_at": 5, "logo_url": "old"});
    assert_eq!(columns(Kind::Organization, &data)["image_url"], "old");
}

#[test]
fn an_organization_has_its_name_and_limits() {
    assert_eq!(
        columns_of("organization.updated"),
        json!({
            "id": "org_2tPgTestOrgAAAAAAAAAAAAAA1",
            "name": "Acme Corporation",
            "slug": "acme",
            "image_url": "https://img.clerk.com/eyJ0eXBlIjoiZGVmYXVsdCJ9",
            "has_image": true,
            "max_allowed_memberships": 5,
            "members_count": 2,
            "admin_delete_enabled": true,
            "created_by": "user_2tPgTestUserAAAAAAAAAAAAA1",
            "public_metadata": {"tier": "pro"},
            "private_metadata": {},
            "created_at": 1_767_225_660_000_i64,
            "updated_at": 1_767_225_690_000_i64,
        })
    );
}

#[test]
fn a_membership_joins_a_user_and_an_organization() {
    assert_eq!(
        columns_of("organizationMembership.updated"),
        json!({
            "id": "orgmem_2tPgMembershipAAAAAAAAA1",
            "organization_id": "org_2tPgTestOrgAAAAAAAAAAAAAA1",
            "user_id": "user_2tPgTestUserAAAAAAAAAAAAA1",
            "role": "org:member",
            "role_name": "Member",
            "permissions": ["org:sys_memberships:read", "org:sys_billing:read", "org:invoices:read"],
            "public_metadata": {},
            "private_metadata": {},
            "created_at": 1_767_225_660_000_i64,
            "updated_at": 1_767_225_720_000_i64,
        })
    );
    let name = "organizationMembership.updated";
    let none = data_with(name, json!({"permissions": null}));
    assert_eq!(columns(Kind::Membership, &none)["permissions"], json!([]));
}

#[test]
fn an_invitation_names_its_organization_and_who_accepted() {
    let columns_expected = json!({
        "id": "orginv_2tPgInvitationAAAAAAAAA1",
        "organization_id": "org_2tPgTestOrgAAAAAAAAAAAAAA1",
        "email_address": "grace@example.com",
        "role": "org:member",
        "role_name": "Member",
        "status": "pending",
        "inviter_id": "user_2tPgTestUserAAAAAAAAAAAAA1",
        "user_id": null,
        "public_metadata": {},
        "private_metadata": {},
        "expires_at": 1_769_817_600_000_i64,
        "created_at": 1_767_225_670_000_i64,
        "updated_at": 1_767_225_670_000_i64,
    });
    let name = "organizationInvitation.created";
    assert_eq!(columns_of(name), columns_expected);
    let accepted = data_with(
        name,
        json!({
            "status": "accepted", "user_id": "user_2", "organization_id": null,
            "data": {"public_organization_data": {"id": "org_inner"}},
        }),
    );
    let columns = columns(Kind::Invitation, &accepted);
    assert_eq!(columns["user_id"], "user_2");
    assert_eq!(columns["organization_id"], "org_inner");
}

#[test]
fn a_domain_says_whether_it_is_verified() {
    assert_eq!(
        columns_of("organizationDomain.created"),
        json!({
            "id": "orgdmn_2tPgDomainAAAAAAAAAAAAA1",
            "organization_id": "org_2tPgTestOrgAAAAAAAAAAAAAA1",
            "name": "acme.example",
            "enrollment_mode": "manual_invitation",
            "verified": false,
            "ownership_verified": false,
            "affiliation_verified": false,
            "created_at": 1_767_225_600_000_i64,
            "updated_at": 1_767_225_600_000_i64,
        })
    );
    let verified = data_with(
        "organizationDomain.created",
        json!({"verification": {"status": "verified"}}),
    );
    assert_eq!(columns(Kind::Domain, &verified)["verified"], true);
}

#[test]
fn a_role_has_the_keys_of_its_permissions() {
    assert_eq!(
        columns_of("role.created"),
        json!({
            "id": "role_2tPgRoleAAAAAAAAAAAAAAAAA1",
            "key": "org:billing",
            "name": "Billing",
            "description": "Billing team",
            "is_creator_eligible": false,
            "permissions": ["org:invoices:create"],
            "created_at": 1_767_225_600_000_i64,
            "updated_at": 1_767_225_600_000_i64,
        })
    );
    assert_eq!(
        columns_of("permission.created"),
        json!({
            "id": "perm_2tPgPermissionAAAAAAAAAAA1",
            "key": "org:invoices:create",
            "name": "Create invoices",
            "description": "Create invoices",
            "type": "user",
            "created_at": 1_767_225_600_000_i64,
            "updated_at": 1_767_225_600_000_i64,
        })
    );
}

#[test]
fn a_session_has_its_user_and_status() {
    assert_eq!(
        columns_of("session.revoked"),
        json!({
            "id": "sess_2tPgTestSessAAAAAAAAAAAAA1",
            "user_id": "user_2tPgTestUserAAAAAAAAAAAAA1",
            "client_id": "client_2tPgClientAAAAAAAAAAAAAA1",
            "status": "revoked",
            "actor": null,
            "last_active_organization_id": "org_2tPgTestOrgAAAAAAAAAAAAAA1",
            "last_active_at": 1_767_225_600_000_i64,
            "expire_at": 1_767_830_400_000_i64,
            "abandon_at": 1_769_817_600_000_i64,
            "created_at": 1_767_225_600_000_i64,
            "updated_at": 1_767_226_100_000_i64,
        })
    );
    let without_user = data_with(
        "session.created",
        json!({"user": null, "status": "pending"}),
    );
    assert_eq!(columns(Kind::Session, &without_user)["status"], "pending");
}

#[test]
fn a_subscription_has_its_payer_and_active_plans() {
    assert_eq!(
        columns_of("subscription.active"),
        json!({
            "id": "csub_2tPgSubscriptionAAAAAAAAA1",
            "status": "active",
            "payer_id": "cpayer_2tPgPayerAAAAAAAAAAAAAA1",
            "user_id": "user_2tPgTestUserAAAAAAAAAAAAA1",
            "organization_id": null,
            "active_plans": ["pro"],
            "items": [{
                "id": "csub_item_2tPgSubItemAAAAAAAAA1",
                "status": "active",
                "plan_id": "cplan_2tPgPlanAAAAAAAAAAAAAAAA1",
                "plan_slug": "pro",
                "is_free_trial": false,
                "period_start": 1_767_225_600_000_i64,
                "period_end": 1_769_904_000_000_i64,
            }],
            "active_at": 1_767_225_600_000_i64,
            "canceled_at": null,
            "ended_at": null,
            "past_due_at": null,
            "created_at": 1_767_225_600_000_i64,
            "updated_at": 1_767_225_600_000_i64,
        })
    );
    let item = |status: &str, slug: &str| json!({"status": status, "plan": {"slug": slug}});
    let data = data_with(
        "subscription.active",
        json!({"items": [item("canceled", "a"), item("active", "b"), {"status": "active", "plan": null}]}),
    );
    assert_eq!(
        columns(Kind::Subscription, &data)["active_plans"],
        json!(["b"])
    );
}

#[test]
fn a_deletion_names_what_is_gone() {
    let parse = |kind, data: Value| Deletion::parse(kind, &data.to_string()).expect("a deletion");
    for kind in Kind::ALL {
        let data = json!({"deleted": true, "id": "x_1", "object": kind.object_name(),
            "slug": "s", "external_id": "e"});
        let deletion = parse(kind, data).expect("an id");
        assert_eq!((deletion.kind, deletion.id.as_str()), (kind, "x_1"));
        assert_eq!((deletion.organization_id, deletion.user_id), (None, None));
        let nameless = json!({"deleted": true, "object": kind.object_name()});
        assert_eq!(parse(kind, nameless), None);
    }
    let whole = value("organizationMembership.deleted")["data"].take();
    let deletion = parse(Kind::Membership, whole).expect("an id");
    assert_eq!(
        deletion.user_id.as_deref(),
        Some("user_2tPgTestUserAAAAAAAAAAAAA1")
    );
    assert_eq!(
        deletion.organization_id.as_deref(),
        Some("org_2tPgTestOrgAAAAAAAAAAAAAA1")
    );
}
