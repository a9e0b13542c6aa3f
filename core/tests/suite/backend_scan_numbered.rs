//! Walks through lists that are read by numbers, by example.

use clerk_core::backend_api::scan::Stuck;
use serde_json::{Value, json};

use crate::backend_model::{Server, Walk, asked, body, counted_server, organizations};

#[test]
fn a_list_by_numbers_is_read_with_the_last_object_again() {
    let server = counted_server(1200);
    let mut walk = Walk::counted(organizations(), &server);
    walk.finish(&server);
    let asked: Vec<_> = walk.requests.iter().map(|request| asked(request)).collect();
    assert_eq!(asked, ["&offset=0", "&offset=499", "&offset=998"]);
    assert!(walk.requests[0].starts_with("/organizations?limit=500&"));
    assert_eq!(walk.fresh, server.ids());
    assert_eq!((walk.scan.done(), walk.scan.total()), (1200, Some(1200)));
}

/// Walks through the rest of a list of 1000 whose objects from one number to another are deleted after the first page of 250.
fn after_deletions(deleted: &[(usize, usize)]) -> (Walk, Server) {
    let mut server = counted_server(1000);
    let mut walk = Walk::counted(organizations(), &server);
    walk.shrink_to(250);
    assert_eq!(walk.step(&server), Ok(false));
    let ids = server.ids();
    for (first, end) in deleted {
        server.delete(&ids[*first..*end]);
    }
    walk.finish(&server);
    (walk, server)
}

#[test]
fn deletions_in_a_list_by_numbers_are_found_by_what_is_known() {
    for (deleted, offsets) in [
        // Nothing; what comes later.
        (vec![], vec![0, 249, 748]),
        (vec![(600, 620)], vec![0, 249, 748]),
        // The last one that was read.
        (vec![(249, 250)], vec![0, 249, 217, 716]),
        // Some before it: within the first step back, and beyond it.
        (vec![(100, 101)], vec![0, 249, 217, 716]),
        (vec![(0, 30)], vec![0, 249, 217, 716]),
        (vec![(0, 40)], vec![0, 249, 217, 185, 684]),
        // Both, up to all that is remembered but one.
        (vec![(0, 10), (231, 250)], vec![0, 249, 217, 716]),
    ] {
        let (walk, server) = after_deletions(&deleted);
        let read: Vec<_> = walk
            .fresh
            .iter()
            .filter(|id| server.ids().contains(id))
            .cloned()
            .collect();
        assert_eq!(read, server.ids(), "each once: {deleted:?}");
        let asked: Vec<_> = walk.requests.iter().map(|request| asked(request)).collect();
        let offsets: Vec<_> = offsets
            .iter()
            .map(|offset| format!("&offset={offset}"))
            .collect();
        assert_eq!(asked, offsets, "{deleted:?}");
    }
}

#[test]
fn a_list_by_numbers_is_read_again_where_all_that_is_remembered_is_gone() {
    let (walk, server) = after_deletions(&[(200, 250)]);
    assert!(server.ids().iter().all(|id| walk.fresh.contains(id)));
    assert!(walk.scan.done() > 1000);
    // All of it is gone.
    let (walk, _) = after_deletions(&[(0, 1000)]);
    assert_eq!(walk.scan.done(), 250);
}

#[test]
fn what_is_put_in_before_shifts_a_list_by_numbers_and_nothing_is_missed() {
    // Objects that are created with a time in the past. Few push known ones into the page, many push them out of it.
    for number in [1, 5, 19, 30, 120] {
        let mut server = counted_server(300);
        let mut walk = Walk::counted(organizations(), &server);
        walk.shrink_to(62);
        assert_eq!(walk.step(&server), Ok(false));
        let at_first = server.ids();
        (0..number).for_each(|n| server.objects.insert(0, (format!("user_early_{n}"), 1)));
        walk.shrink_to(31);
        walk.finish(&server);
        assert!(
            at_first.iter().all(|id| walk.fresh.contains(id)),
            "{number}"
        );
    }
}

#[test]
fn a_list_by_numbers_that_gives_less_than_asked_for_has_not_ended() {
    let server = Server {
        most: 100,
        ..counted_server(250)
    };
    let mut walk = Walk::counted(organizations(), &server);
    walk.finish(&server);
    assert_eq!(walk.fresh, server.ids());
    assert_eq!(walk.requests.len(), 3);
}

#[test]
fn a_list_by_numbers_that_ignores_them_is_stuck() {
    // Once may be by chance: so many objects were put in before. It is not taken for the end, whatever the list's number.
    for total in [900, 2000] {
        let items: Value = serde_json::from_str(&body(1..=500)).expect("JSON");
        let page = json!({"data": items, "total_count": total}).to_string();
        let mut walk = Walk::new(organizations(), None, false);
        assert_eq!(walk.take(&page), Ok(false));
        assert_eq!(walk.take(&page), Ok(false));
        walk.restart();
        assert_eq!(walk.take(&page), Err(Stuck));
        assert_eq!(walk.scan.done(), 500);
    }
}
