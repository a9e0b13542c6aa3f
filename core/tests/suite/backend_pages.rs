//! Pages of the Backend API, and records of what they hold.

use clerk_core::backend_api::page::{Page, PageError, parse_count};
use clerk_core::resource::{Kind, Record};
use serde_json::json;

use crate::resources::data_with;

fn places(body: &str) -> Vec<(Option<String>, Option<i64>)> {
    let page = Page::parse(body.as_bytes()).expect("a page");
    let place = |item: clerk_core::backend_api::page::Item<'_>| {
        (item.id, item.created_at.map(|time| time.millis()))
    };
    page.items.into_iter().map(place).collect()
}

#[test]
fn a_page_is_a_list_or_an_object_with_one() {
    let items = r#"[{"id":"user_1","created_at":7}, {"id" : "user_2"}]"#;
    let counted = format!(r#" {{"object":"list","data":{items},"total_count":9}}"#);
    for (body, total) in [(format!("\n\t {items}\r\n"), None), (counted, Some(9))] {
        let page = Page::parse(body.as_bytes()).expect("a page");
        assert_eq!(page.total, total);
        let texts: Vec<_> = page.items.iter().map(|item| item.text).collect();
        // The texts as they came, for what is stored is what Clerk wrote.
        assert_eq!(
            texts,
            [r#"{"id":"user_1","created_at":7}"#, r#"{"id" : "user_2"}"#]
        );
    }
    for body in ["[]", r#"{"data":[]}"#, r#"{"data":[],"total_count":null}"#] {
        let page = Page::parse(body.as_bytes()).expect("a page");
        assert!(page.items.is_empty() && page.total.is_none(), "{body}");
    }
}

#[test]
fn the_place_of_an_object_is_told_by_its_id_and_time_alone() {
    let place = |id: &str, time| (Some(id.to_owned()), time);
    for (item, expected) in [
        (
            r#"{"id":"user_1","created_at":1767225600000}"#,
            place("user_1", Some(1_767_225_600_000)),
        ),
        (
            r#"{"created_at":0,"x":{"id":"y"},"id":"\u0075ser_1"}"#,
            place("user_1", Some(0)),
        ),
        (
            r#"{"id":"user_1","created_at":null}"#,
            place("user_1", None),
        ),
        (
            r#"{"id":"user_1","created_at":"1767225600000"}"#,
            place("user_1", None),
        ),
        (r#"{"id":"user_1","created_at":1.5}"#, place("user_1", None)),
        (r#"{"id":"user_1","created_at":-1}"#, place("user_1", None)),
        (
            r#"{"id":"user_1","created_at":1e12}"#,
            place("user_1", None),
        ),
        (
            r#"{"id":"user_1","created_at":99999999999999999999999}"#,
            place("user_1", None),
        ),
        (
            r#"{"id":"user_1","created_at":{"a":[1]}}"#,
            place("user_1", None),
        ),
        (r#"{"created_at":5}"#, (None, Some(5))),
        (r#"{"id":null,"created_at":5}"#, (None, Some(5))),
        (r#"{"id":7,"created_at":5}"#, (None, Some(5))),
        (r#"{"id":"","created_at":5}"#, (None, Some(5))),
        (r#"{"id":"a\u0000b","created_at":5}"#, (None, Some(5))),
        (r#"{"id":"\ud800","created_at":5}"#, (None, Some(5))),
        // Which of two is meant nobody knows.
        (
            r#"{"id":"user_1","id":"user_2","created_at":5}"#,
            (None, None),
        ),
        ("{}", (None, None)),
    ] {
        assert_eq!(places(&format!("[{item}]")), [expected], "{item}");
    }
    let long = format!(r#"[{{"id":"{}"}}]"#, "a".repeat(256));
    assert_eq!(places(&long), [(None, None)]);
}

#[test]
fn a_hostile_body_is_no_page() {
    let deep = "[".repeat(100_000);
    let deep_item = format!("[{{\"a\":{}", "[".repeat(100_000));
    for body in [
        "",
        " ",
        "null",
        "true",
        "7",
        "\"[]\"",
        "<html>",
        "[",
        "[{]",
        "[{}",
        "[{},]",
        "[] []",
        "[]x",
        "[null]",
        "[1]",
        "[[]]",
        "[\"{}\"]",
        "[{},null]",
        "{}",
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        r#"{"data":"[]"}"#,
        r#"{"data":[1]}"#,
        r#"{"data":[],"data":[{}]}"#,
        r#"{"data":[],"total_count":-1}"#,
        r#"{"data":[],"total_count":1.5}"#,
        r#"{"data":[],"total_count":"1"}"#,
        r#"{"data":[],"total_count":99999999999999999999}"#,
        r#"{"data":[],"total_count":1,"total_count":2}"#,
        r#"{"errors":[{"code":"resource_not_found"}]}"#,
        "\u{feff}[]",
        "\u{a0}[]",
        &deep,
        &deep_item,
    ] {
        let error = Page::parse(body.as_bytes()).expect_err("no page");
        let shown = body.chars().take(40).collect::<String>();
        assert_eq!(error, PageError::NotAList, "{shown:?}");
    }
    let error = Page::parse(b"[{\"id\":\"\xff\"}]").expect_err("no text");
    assert_eq!(error, PageError::NotText);
}

#[test]
fn depth_within_an_object_is_no_matter_of_the_page() {
    // The record refuses it, by its own limit, and the other objects of the page are read.
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let body = format!(r#"[{{"id":"user_1","x":{deep}}},{{"id":"user_2"}}]"#);
    let ids: Vec<_> = places(&body).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[1].as_deref(), Some("user_2"));
    let page = Page::parse(body.as_bytes()).expect("a page");
    assert!(Record::parse(Kind::User, page.items[0].text).is_err());
}

#[test]
fn a_page_has_no_more_objects_than_can_be_asked_for() {
    let body = |items: usize| format!("[{}]", vec!["{}"; items].join(","));
    assert_eq!(places(&body(500)).len(), 500);
    let error = Page::parse(body(501).as_bytes()).expect_err("too long");
    assert_eq!(error, PageError::TooLong { items: 501 });
    assert!(error.to_string().contains("501 objects"));
}

#[test]
fn a_count_is_a_number_in_an_object() {
    for (body, count) in [
        (r#"{"object":"total_count","total_count":0}"#, 0),
        (r#" {"total_count":18446744073709551615} "#, u64::MAX),
    ] {
        assert_eq!(parse_count(body.as_bytes()), Ok(count));
    }
    for body in [
        "",
        "7",
        "[7]",
        "{}",
        r#"{"total_count":null}"#,
        r#"{"total_count":"7"}"#,
        r#"{"total_count":-7}"#,
        r#"{"total_count":7.0}"#,
        r#"{"total_count":18446744073709551616}"#,
        r#"{"total_count":7,"total_count":8}"#,
        r#"{"total_count":7} x"#,
    ] {
        assert_eq!(
            parse_count(body.as_bytes()),
            Err(PageError::NotACount),
            "{body}"
        );
    }
}

#[test]
fn a_kind_has_the_name_of_its_table_or_the_last_word_of_it() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_name(kind.table()), Some(kind));
    }
    for (name, kind) in [
        ("memberships", Kind::Membership),
        ("invitations", Kind::Invitation),
        ("domains", Kind::Domain),
    ] {
        assert_eq!(Kind::from_name(name), Some(kind));
    }
    for name in [
        "",
        "user",
        "Users",
        " users",
        "organization_",
        "organization_users",
        "s",
    ] {
        assert_eq!(Kind::from_name(name), None, "{name:?}");
    }
}

/// The subscription of a payload as the Backend API gives it: without its payer, and its items by another name.
fn subscription() -> String {
    let mut data = data_with("subscription.active", json!({}));
    let members = data.as_object_mut().expect("an object");
    for payer in ["payer", "payer_id"] {
        members.remove(payer);
    }
    let items = members.remove("items").expect("items");
    members.insert("subscription_items".to_owned(), items);
    data.to_string()
}

fn owned(text: &str, user_id: Option<&str>, organization_id: Option<&str>) -> serde_json::Value {
    let record = Record::parse_owned(Kind::Subscription, text, user_id, organization_id);
    serde_json::to_value(record.expect("a record")).expect("JSON")
}

#[test]
fn a_subscription_of_the_backend_api_has_the_items_of_one_of_a_webhook() {
    let webhook = data_with("subscription.active", json!({})).to_string();
    let (webhook, api) = (
        owned(&webhook, None, None),
        owned(&subscription(), None, None),
    );
    assert_ne!(api["items"], json!([]));
    for column in ["items", "active_plans", "status"] {
        assert_eq!(api[column], webhook[column], "{column}");
    }
    // Where both are there, the name of webhooks counts; an empty list there hides nothing.
    let both = |items| {
        let other = json!([{"id": "csub_item_9", "status": "active", "plan": {"slug": "other"}}]);
        let members = json!({"items": items, "subscription_items": other});
        owned(
            &data_with("subscription.active", members).to_string(),
            None,
            None,
        )
    };
    assert_eq!(both(json!([]))["active_plans"], json!(["other"]));
    let first = json!([{"id": "csub_item_8", "status": "active", "plan": {"slug": "first"}}]);
    assert_eq!(both(first)["active_plans"], json!(["first"]));
}

#[test]
fn items_that_are_no_list_of_objects_are_an_error_by_either_name() {
    for name in ["items", "subscription_items"] {
        for bad in [json!("x"), json!({}), json!([7]), json!([{"status": 7}])] {
            let mut data = data_with("subscription.active", json!({"items": []}));
            data[name] = bad.clone();
            let read = Record::parse(Kind::Subscription, &data.to_string());
            assert!(read.is_err(), "{name}: {bad}");
        }
    }
}

#[test]
fn a_subscription_without_a_payer_belongs_to_whom_it_was_asked_of() {
    let text = subscription();
    for (user, organization) in [(Some("user_9"), None), (None, Some("org_9")), (None, None)] {
        let columns = owned(&text, user, organization);
        assert_eq!(columns["user_id"], json!(user));
        assert_eq!(columns["organization_id"], json!(organization));
    }
}

#[test]
fn an_object_that_names_its_owner_is_believed() {
    for payer in [
        json!({"user_id": "user_1"}),
        json!({"organization_id": "org_1"}),
    ] {
        let data = data_with("subscription.active", json!({"payer": payer})).to_string();
        let columns = owned(&data, Some("user_9"), Some("org_9"));
        assert_eq!(columns["user_id"], payer["user_id"]);
        assert_eq!(columns["organization_id"], payer["organization_id"]);
    }
    let user = data_with("user.updated", json!({})).to_string();
    let read = Record::parse_owned(Kind::User, &user, Some("user_9"), Some("org_9"));
    assert_eq!(read, Record::parse(Kind::User, &user));
}
