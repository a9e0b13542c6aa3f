//! The Backend API as an HTTP client meets it.

mod client;

use client::{Server, ids};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn paging_by_cursor_gives_every_user_once() {
    let server = Server::start("cursor");
    server.generate("users", 1234);
    for (order, is_reverse) in [("%2Bcreated_at", false), ("-created_at", true)] {
        let mut found = Vec::new();
        let mut path = format!("/v1/users?limit=500&order_by={order}");
        loop {
            let page = ids(&server.json(&path));
            let is_last = page.len() < 500;
            found.extend(page);
            if is_last {
                break;
            }
            let cursor = found.last().unwrap();
            path = format!("/v1/users?limit=500&order_by={order}&starting_after={cursor}");
        }
        let mut expected: Vec<String> = (0..1234)
            .map(|number| format!("user_{number:024}"))
            .collect();
        if is_reverse {
            expected.reverse();
        }
        assert_eq!(found, expected);
    }
    assert_eq!(server.json("/v1/users/count")["total_count"], 1234);
}

#[test]
fn a_cursor_needs_the_order_of_creation_and_no_offset() {
    let server = Server::start("rules");
    server.generate("users", 3);
    let cursor = format!("starting_after=user_{:024}", 1);
    for (query, status) in [
        (cursor.clone(), 200),
        (format!("{cursor}&offset=0"), 200),
        (format!("{cursor}&offset=1"), 422),
        (format!("{cursor}&order_by=-updated_at"), 422),
        ("order_by=+created_at".to_owned(), 422),
        ("order_by=shoe_size".to_owned(), 422),
        ("limit=501".to_owned(), 422),
        ("limit=0".to_owned(), 422),
        ("banned=true".to_owned(), 422),
        ("starting_after=user_nobody".to_owned(), 404),
    ] {
        assert_eq!(
            server.status(&format!("/v1/users?{query}")),
            status,
            "{query}"
        );
    }
    let unknown = "/v1/users?starting_after=user_nobody";
    server.control("set", json!({"unknown_cursor": "422"}));
    assert_eq!(server.status(unknown), 422);
    server.control("set", json!({"unknown_cursor": "empty"}));
    assert_eq!(server.json(unknown), json!([]));
}

#[test]
fn users_are_found_by_id_by_time_and_in_other_orders() {
    let server = Server::start("filters");
    server.generate("users", 30);
    let id = |number: u32| format!("user_{number:024}");
    let (one, two) = (id(7), id(20));
    let named = server.json(&format!(
        "/v1/users?user_id={one}&user_id={two}&user_id=user_x"
    ));
    assert_eq!(ids(&named), [two, one.clone()]);
    let between = "/v1/users?created_at_after=1700000003000&created_at_before=1700000006000";
    assert_eq!(ids(&server.json(between)), [id(5), id(4)]);
    server.control(
        "update",
        json!({"kind": "users", "id": one, "set": {"first_name": "A"}}),
    );
    let newest = server.json("/v1/users?order_by=-updated_at&limit=2");
    assert_eq!(ids(&newest), [one.clone(), id(29)]);
    assert_eq!(server.json(&format!("/v1/users/{one}"))["first_name"], "A");
    let found = server.json(&format!(
        "/v1/users?order_by=-first_name&offset=29&user_id={one}"
    ));
    assert_eq!(found, json!([]));
    assert_eq!(server.status("/v1/users/user_nobody"), 404);
}

#[test]
fn lists_by_offset_tell_their_total() {
    let server = Server::start("offset");
    for (kind, count) in [
        ("users", 20),
        ("organizations", 5),
        ("organization_memberships", 37),
        ("organization_invitations", 11),
        ("organization_domains", 6),
        ("organization_roles", 3),
        ("organization_permissions", 4),
    ] {
        server.generate(kind, count);
        if kind == "users" {
            continue;
        }
        let mut found = Vec::new();
        for offset in (0..count).step_by(4) {
            let path = format!("/v1/{kind}?order_by=%2Bcreated_at&limit=4&offset={offset}");
            let page = server.json(&path);
            assert_eq!(page["total_count"], count);
            found.extend(ids(&page["data"]));
        }
        let sorted: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!((found.len() as u64, sorted.len() as u64), (count, count));
    }
    let organization = format!("org_{:024}", 1);
    let of_it = |what: &str| server.json(&format!("/v1/organizations/{organization}/{what}"));
    assert_eq!(of_it("memberships")["total_count"], 8);
    assert_eq!(of_it("invitations")["total_count"], 2);
    assert_eq!(of_it("domains")["total_count"], 1);
    let user = of_it("memberships")["data"][0]["public_user_data"]["user_id"].clone();
    let user = user.as_str().unwrap();
    assert_eq!(
        of_it(&format!("memberships?user_id={user}"))["total_count"],
        1
    );
    let of_user = server.json(&format!("/v1/users/{user}/organization_memberships"));
    assert_eq!(of_user["total_count"], 2);
    let invitation = of_it("invitations")["data"][0]["id"].clone();
    let invitation = invitation.as_str().unwrap();
    assert_eq!(
        of_it(&format!("invitations/{invitation}"))["id"],
        invitation
    );
    assert_eq!(
        server.status("/v1/organizations/org_nothing/memberships"),
        404
    );
    let fullest =
        server.json("/v1/organizations?order_by=-members_count&include_members_count=true");
    assert_eq!(fullest["data"][0]["members_count"], 8);
    server.control("set", json!({"organizations": false}));
    assert_eq!(server.status("/v1/organizations"), 404);
    assert_eq!(server.status("/v1/organization_roles"), 404);
    assert_eq!(server.status("/v1/users"), 200);
}

#[test]
fn a_subscription_is_its_payers() {
    let server = Server::start("billing");
    server.generate("users", 4);
    server.generate("organizations", 4);
    server.generate("subscriptions", 4);
    let of = |payer: String| server.json(&format!("/v1/{payer}/billing/subscription"));
    let subscription = of(format!("users/user_{:024}", 1));
    assert_eq!(subscription["object"], "commerce_subscription");
    assert_eq!(subscription["instance_id"], "ins_one");
    assert_eq!(subscription["subscription_items"][0]["plan"]["slug"], "pro");
    assert!(subscription.get("items").is_none());
    assert_eq!(
        of(format!("organizations/org_{:024}", 0))["id"],
        format!("csub_{:024}", 1)
    );
    let path = format!("/v1/users/user_{:024}/billing/subscription", 3);
    assert_eq!(server.status(&path), 404);
    let set =
        json!({"kind": "subscriptions", "id": subscription["id"], "set": {"status": "past_due"}});
    let events = server.control("update", set);
    assert_eq!(events[0]["type"], "subscription.pastDue");
    assert_eq!(events[0]["data"]["items"][0]["interval"], "month");
    assert_eq!(
        events[0]["data"]["payer"]["user_id"],
        format!("user_{:024}", 1)
    );
}

#[test]
fn a_key_and_a_version_are_needed() {
    let server = Server::start("auth");
    let mut client = server.connect();
    let code = |(_, _, body): (u16, String, String)| {
        let body: Value = serde_json::from_str(&body).unwrap();
        body["errors"][0]["code"].as_str().unwrap().to_owned()
    };
    let version = "Clerk-API-Version: 2026-05-12\r\n";
    let answer = client.ask("/v1/users", version);
    assert_eq!(
        (answer.0, code(answer)),
        (401, "clerk_key_invalid".to_owned())
    );
    let answer = client.ask(
        "/v1/users",
        &format!("Authorization: Bearer sk_test_x\r\n{version}"),
    );
    assert_eq!(answer.0, 401);
    let answer = client.ask("/v1/users", "Authorization: Bearer sk_test_1\r\n");
    assert_eq!(
        (answer.0, code(answer)),
        (400, "api_version_invalid".to_owned())
    );
    assert_eq!(client.get("/v1/nothing").0, 404);
    assert_eq!(server.json("/v1/jwks")["keys"][0]["kid"], "ins_one");
}

#[test]
fn a_connection_serves_many_requests() {
    for server in [Server::start("alive"), Server::start_tls("alive-tls")] {
        server.generate("users", 600);
        let mut client = server.connect();
        for _ in 0..20 {
            let (status, head, body) = client.get("/v1/users?limit=500");
            assert_eq!(status, 200);
            assert!(head.contains("Connection: keep-alive"));
            assert_eq!(ids(&serde_json::from_str(&body).unwrap()).len(), 500);
        }
        let requests = server.look("requests");
        assert_eq!(requests["total"], 20);
        assert_eq!(requests["paths"]["/v1/users"], 20);
        assert_eq!(requests["most_in_10_s"], 20);
        assert!(requests["busy_us"].as_u64().unwrap() > 0);
        server.control("forget", json!({}));
        assert_eq!(server.look("requests")["total"], 0);
    }
}

#[test]
fn what_is_changed_in_the_middle_of_a_scan_is_seen_by_what_follows() {
    let server = Server::start("middle");
    server.generate("users", 10);
    let id = |number: u32| format!("user_{number:024}");
    let operations = json!([
        {"operation": "delete", "kind": "users", "id": id(1)},
        {"operation": "delete", "kind": "users", "id": id(3)},
        {"operation": "update", "kind": "users", "id": id(5), "set": {"first_name": "B"}},
        {"operation": "generate", "kind": "users", "count": 1, "from": 10},
    ]);
    server.control(
        "at",
        json!({"path": "/v1/users", "request": 2, "operations": operations}),
    );
    let page = |cursor: u32| {
        let cursor = id(cursor);
        let order = "limit=2&order_by=%2Bcreated_at";
        server.json(&format!("/v1/users?{order}&starting_after={cursor}"))
    };
    assert_eq!(
        ids(&server.json("/v1/users?limit=2&order_by=%2Bcreated_at")),
        [id(0), id(1)]
    );
    // The second request: its cursor, user 1, is gone by then.
    assert_eq!(page(1)["errors"][0]["code"], "resource_not_found");
    assert_eq!(ids(&page(0)), [id(2), id(4)]);
    assert_eq!(page(4)[0]["first_name"], "B");
    assert_eq!(ids(&page(9)), [id(10)]);
    let types: Vec<Value> = server
        .lines("events")
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(types, ["user.deleted", "user.deleted", "user.updated"]);
    assert!(server.lines("events").is_empty());
}

#[test]
fn too_many_requests_are_told_when_to_come_again() {
    let server = Server::start("limit");
    server.control("set", json!({"rate_limit": 3}));
    let mut client = server.connect();
    let statuses: Vec<u16> = (0..5).map(|_| client.get("/v1/users").0).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert!(
        client
            .get("/v1/organizations")
            .1
            .contains("Retry-After: 10")
    );
    server.control("set", json!({"rate_limit": null}));
    assert_eq!(client.get("/v1/users").0, 200);
}

/// What replaying events on what there was makes of it: `updated_at` by id.
fn replay(before: &[Value], events: &[Value], noun: &str) -> BTreeMap<String, i64> {
    let entry = |value: &Value| {
        let id = value["id"].as_str().unwrap().to_owned();
        (id, value["updated_at"].as_i64().unwrap_or_default())
    };
    let mut state: BTreeMap<String, i64> = before.iter().map(entry).collect();
    for event in events {
        assert_eq!(event["instance_id"], "ins_one");
        let (id, updated_at) = entry(&event["data"]);
        match event["type"].as_str().unwrap().split_once('.').unwrap() {
            (known, _) if known != noun => {}
            (_, "deleted") => assert!(state.remove(&id).is_some(), "{id} was not there"),
            (_, "created") => assert!(state.insert(id, updated_at).is_none()),
            _ => assert!(state.insert(id, updated_at).unwrap() < updated_at),
        }
    }
    state
}

#[test]
fn the_events_of_churn_replayed_give_the_worlds_state() {
    let server = Server::start("churn");
    server.generate("users", 50);
    server.generate("organizations", 5);
    server.generate("organization_memberships", 80);
    let kinds = [
        ("users", "user"),
        ("organization_memberships", "organizationMembership"),
    ];
    let state = |kind: &str| server.lines(&format!("objects?kind={kind}"));
    let before = kinds.map(|(kind, _)| state(kind));
    let events = server.control("churn", json!({"count": 1000, "seed": 7}));
    assert!(events.len() > 900);
    for ((kind, noun), before) in kinds.into_iter().zip(before) {
        assert_eq!(
            replay(&before, &events, noun),
            replay(&state(kind), &[], noun)
        );
        assert_ne!(before, state(kind));
    }
    let members = state("organization_memberships");
    let users = replay(&state("users"), &[], "user");
    assert!(
        members
            .iter()
            .all(|member| users.contains_key(member["user_id"].as_str().unwrap()))
    );
    let pairs: BTreeSet<String> = members
        .iter()
        .map(|member| format!("{}{}", member["user_id"], member["organization_id"]))
        .collect();
    assert_eq!(pairs.len(), members.len());
}

#[test]
fn what_is_put_and_deleted_is_told() {
    let server = Server::start("told");
    server.generate("users", 3);
    server.generate("organizations", 1);
    server.generate("organization_memberships", 3);
    let types = |events: Vec<Value>| -> Vec<String> {
        let name = |event: &Value| event["type"].as_str().unwrap().to_owned();
        events.iter().map(name).collect()
    };
    let role = json!({"id": "role_1", "object": "role", "updated_at": 1, "created_at": 1});
    let put = json!({"kind": "organization_roles", "object": role});
    assert_eq!(types(server.control("put", put.clone())), ["role.created"]);
    assert_eq!(types(server.control("put", put)), ["role.updated"]);
    let user = json!({"kind": "users", "id": format!("user_{:024}", 0)});
    let events = server.control("delete", user.clone());
    assert_eq!(events[0]["data"]["object"], "organization_membership");
    assert_eq!(events[1]["data"]["deleted"], true);
    assert_eq!(
        types(events),
        ["organizationMembership.deleted", "user.deleted"]
    );
    let organization = json!({"kind": "organizations", "id": format!("org_{:024}", 0)});
    let events = server.control("delete", organization);
    assert_eq!(events[2]["data"]["slug"], "organization-0");
    assert_eq!(events.len(), 3);
    assert!(server.refuses("delete", user));
}
