//! Walks through lists, by example.

use clerk_core::backend_api::page::Page;
use clerk_core::backend_api::scan::{Cursor, Scan, Stuck};
use serde_json::{Value, json};

use crate::backend_model::{
    Server, ToUnknown, Walk, asked, body, counted_server, limit_of, organizations, server, users,
};

/// How a walk goes on that read the first 125 users and then lost the last five.
fn after_a_loss(server: &mut Server) -> Walk {
    let mut walk = Walk::counted(users(), server);
    walk.shrink_to(125);
    assert_eq!(walk.step(server), Ok(false));
    server.delete(&walk.fresh[120..]);
    walk
}

#[test]
fn users_are_read_from_the_last_one_on() {
    let server = server(1200);
    let mut walk = Walk::new(users(), Some(1200), false);
    walk.finish(&server);
    assert_eq!(
        walk.requests,
        [
            "/users?limit=500&order_by=%2Bcreated_at",
            "/users?limit=500&order_by=%2Bcreated_at&starting_after=user_00500",
            "/users?limit=500&order_by=%2Bcreated_at&starting_after=user_01000",
        ]
    );
    assert_eq!(walk.fresh, server.ids());
    assert_eq!((walk.scan.done(), walk.scan.total()), (1200, Some(1200)));
}

#[test]
fn an_id_cannot_add_to_a_request() {
    let mut walk = Walk::new(users(), None, false);
    walk.shrink_to(1);
    let body = r#"[{"id":"a&limit=9#ä /?%","created_at":1}]"#;
    assert_eq!(walk.take(body), Ok(false));
    let request = walk.scan.next_request();
    assert_eq!(
        asked(&request),
        "&starting_after=a%26limit%3D9%23%C3%A4+%2F%3F%25"
    );
}

#[test]
fn an_empty_list_ends_at_once() {
    for listing in [users(), organizations()] {
        for total in [None, Some(0), Some(7)] {
            let mut walk = Walk::new(listing, total, true);
            walk.finish(&server(0));
            assert_eq!((walk.requests.len(), walk.scan.done()), (1, 0));
        }
    }
}

#[test]
fn an_error_for_a_deleted_user_is_followed_by_its_time() {
    let mut server = server(400);
    let mut walk = after_a_loss(&mut server);
    assert_eq!(walk.step(&server), Ok(false));
    // Its time itself is asked for: others may have been created then.
    let request = walk.scan.next_request();
    assert_eq!(asked(&request), "&created_at_after=1124");
    walk.finish(&server);
    assert!(
        walk.requests
            .iter()
            .any(|request| asked(request) == "&starting_after=user_00375")
    );
    assert_eq!(
        walk.fresh[120..125],
        [121, 122, 123, 124, 125].map(|n| format!("user_{n:05}"))
    );
    assert_eq!(walk.fresh[125..], server.ids()[120..]);
}

#[test]
fn an_empty_page_for_a_deleted_user_is_followed_by_its_time() {
    // Where the number of users is known, and where it is not.
    for is_known in [true, false] {
        let mut server = Server {
            to_unknown: ToUnknown::Empty,
            ..server(400)
        };
        let mut walk = after_a_loss(&mut server);
        if !is_known {
            walk.scan = Scan::new(users(), walk.scan.cursor().clone(), 125, None, false);
        }
        assert_eq!(walk.step(&server), Ok(false));
        assert_eq!(asked(&walk.scan.next_request()), "&created_at_after=1124");
        walk.finish(&server);
        assert_eq!(walk.fresh[125..], server.ids()[120..]);
    }
}

#[test]
fn the_beginning_of_the_list_for_a_deleted_user_is_followed_by_its_time() {
    let mut server = Server {
        to_unknown: ToUnknown::First,
        ..server(400)
    };
    let mut walk = after_a_loss(&mut server);
    assert_eq!(walk.step(&server), Ok(false));
    // Nothing of it was read again, or the walk would end too early.
    assert_eq!(walk.scan.done(), 125);
    assert_eq!(asked(&walk.scan.next_request()), "&created_at_after=1124");
    walk.finish(&server);
    assert_eq!(walk.fresh[125..], server.ids()[120..]);
}

#[test]
fn a_cursor_is_lost_only_where_there_is_one_and_only_once() {
    let mut walk = Walk::new(users(), None, false);
    assert!(!walk.scan.lose_cursor());
    walk.shrink_to(1);
    assert_eq!(walk.take(&body([1])), Ok(false));
    assert!(walk.scan.lose_cursor());
    assert!(!walk.scan.lose_cursor());
    // The page by time begins with what was read; from there on it is sought again.
    assert_eq!(limit_of(&walk.scan.next_request()), 40);
    assert_eq!(walk.take(&body(1..=40)), Ok(false));
    assert_eq!(walk.fresh.len(), 40);
    assert_eq!(
        asked(&walk.scan.next_request()),
        "&starting_after=user_00040"
    );
    assert!(walk.scan.lose_cursor());

    // Without a time there is no other way, and none for a list by numbers.
    let mut timeless = Walk::new(users(), None, false);
    timeless.shrink_to(1);
    assert_eq!(timeless.take(r#"[{"id":"user_1"}]"#), Ok(false));
    assert!(!timeless.scan.lose_cursor());
    let mut numbered = Walk::new(organizations(), None, false);
    numbered.shrink_to(1);
    assert_eq!(numbered.take(&body([1])), Ok(false));
    assert!(!numbered.scan.lose_cursor());
}

#[test]
fn users_of_the_same_time_are_not_missed_where_a_page_has_fewer() {
    // As after an import. The page by time ends within what was read, and before what is remembered, too.
    for read in [62, 125] {
        for to_unknown in [ToUnknown::Error, ToUnknown::Empty] {
            let mut server = Server {
                to_unknown,
                ..Server::new(vec![0; 300])
            };
            let mut walk = Walk::counted(users(), &server);
            walk.shrink_to(read);
            assert_eq!(walk.step(&server), Ok(false));
            server.delete(&walk.fresh[read - 1..]);
            for _ in 0..1000 {
                walk.shrink_to(31);
                if walk.step(&server) == Ok(true) {
                    break;
                }
            }
            // Some are read twice, and their number does not end the walk.
            assert!(walk.scan.done() > 300);
            assert!(server.ids().iter().all(|id| walk.fresh.contains(id)));
        }
    }
}

#[test]
fn a_walk_by_count_ends_without_an_empty_page() {
    for (ends_by_count, requests) in [(true, 2), (false, 3)] {
        let mut walk = Walk::new(users(), Some(1000), ends_by_count);
        walk.finish(&server(1000));
        assert_eq!(walk.requests.len(), requests);
    }
}

#[test]
fn a_walk_by_count_does_not_wait_for_what_is_created_meanwhile() {
    let mut server = server(1000);
    let mut walk = Walk::counted(users(), &server);
    assert_eq!(walk.step(&server), Ok(false));
    (0..1000).for_each(|_| server.create(1));
    assert_eq!(walk.step(&server), Ok(true));
    assert_eq!(walk.scan.done(), 1000);
}

#[test]
fn a_list_that_ignores_where_to_begin_is_stuck() {
    let mut walk = Walk::new(users(), Some(2000), true);
    assert_eq!(walk.take(&body(1..=500)), Ok(false));
    assert_eq!(walk.take(&body(1..=500)), Err(Stuck));
    // It stands where it stood.
    assert_eq!(walk.scan.done(), 500);
    assert_eq!(walk.take(&body(501..=1000)), Ok(false));
}

#[test]
fn users_without_ids_cannot_be_walked_through() {
    let items = vec![json!({"created_at": 1}); 500];
    let mut walk = Walk::new(users(), None, false);
    assert_eq!(walk.take(&Value::from(items).to_string()), Err(Stuck));
}

#[test]
fn pages_that_are_too_large_are_halved_and_grow_again() {
    let server = server(2000);
    let mut walk = Walk::counted(users(), &server);
    let limits: Vec<_> = std::iter::from_fn(|| {
        let limit = limit_of(&walk.scan.next_request());
        walk.scan.shrink().then_some(limit)
    })
    .collect();
    assert_eq!(limits, [500, 250, 125, 62, 31, 15, 7, 3]);
    assert!(!walk.scan.shrink(), "one object is the least");
    walk.finish(&server);
    let limits: Vec<_> = walk
        .requests
        .iter()
        .map(|request| limit_of(request))
        .collect();
    assert_eq!(limits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 500, 500, 500]);
    assert_eq!(walk.fresh, server.ids());
}

#[test]
fn a_page_that_begins_with_what_is_known_reaches_beyond_it() {
    let mut numbered = Walk::new(organizations(), None, false);
    let mut by_time = Walk::new(users(), None, false);
    for walk in [&mut numbered, &mut by_time] {
        walk.shrink_to(1);
        assert_eq!(walk.take(&body([1])), Ok(false));
    }
    assert!(by_time.scan.lose_cursor());
    for (walk, least) in [(&mut numbered, 2), (&mut by_time, 40)] {
        walk.shrink_to(1);
        assert_eq!(limit_of(&walk.scan.next_request()), least);
        assert!(!walk.scan.shrink());
    }
}

#[test]
fn a_stored_cursor_goes_on_at_the_same_place() {
    // Within each state: sought, by time, by numbers, on the way back.
    let mut list = server(400);
    let mut sought = after_a_loss(&mut list);
    sought.restart();
    assert_eq!(sought.step(&list), Ok(false));
    sought.restart();
    assert_eq!(asked(&sought.scan.next_request()), "&created_at_after=1124");
    sought.finish(&list);
    assert_eq!(sought.fresh[125..], list.ids()[120..]);

    let mut list = counted_server(400);
    let mut numbered = Walk::counted(organizations(), &list);
    numbered.shrink_to(125);
    assert_eq!(numbered.step(&list), Ok(false));
    list.delete(&numbered.fresh[..50]);
    for offset in [124, 92, 60] {
        numbered.restart();
        assert_eq!(
            asked(&numbered.scan.next_request()),
            format!("&offset={offset}")
        );
        assert_eq!(numbered.step(&list), Ok(false));
    }
    numbered.restart();
    numbered.finish(&list);
    assert_eq!(numbered.fresh[50..], list.ids());
}

#[test]
fn a_cursor_of_another_version_or_with_odd_numbers_is_read_nevertheless() {
    let first = Scan::new(users(), Cursor::default(), 0, None, false).next_request();
    for (stored, limit) in [
        (json!({}), 500),
        (json!({"limit": 0}), 1),
        (json!({"limit": u32::MAX}), 500),
        (json!({"unknown": [1]}), 500),
    ] {
        let cursor: Cursor = serde_json::from_value(stored).expect("a cursor");
        let request = Scan::new(users(), cursor, 0, None, false).next_request();
        assert_eq!(request, first.replace("500", &limit.to_string()));
    }
    let stored = json!({"offset": u64::MAX, "back": u64::MAX, "recent": ["user_1"]});
    let cursor: Cursor = serde_json::from_value(stored).expect("a cursor");
    let mut scan = Scan::new(organizations(), cursor, u64::MAX, None, false);
    assert_eq!(asked(&scan.next_request()), "&offset=0");
    let body = body([2]);
    let page = Page::parse(body.as_bytes()).expect("a page");
    assert!(scan.take(&page).expect("a page").is_last);
}
