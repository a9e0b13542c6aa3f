//! Properties of walks through lists that change meanwhile. The seed is fixed.

use std::collections::HashSet;

use clerk_core::backend_api::listing::Listing;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;

use crate::backend_model::{Server, ToUnknown, Walk, limit_of, organizations, users};

/// What happens between two requests.
#[derive(Clone, Debug)]
enum Event {
    /// Objects are created, with so much time between them.
    Create(Vec<i64>),
    /// Objects are created with the time of one that exists, before it.
    CreateEarly(Index, usize),
    /// An object anywhere is deleted, and those after it.
    Delete(Index, usize),
    /// The last objects that were read are deleted.
    DeleteRead(usize),
    /// All but a few objects are deleted.
    DeleteMost(Index, usize),
    /// The walk goes on in another session.
    Restart,
    /// The answer is too large so many times.
    Shrink(u32),
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0xBA_CE4D),
        ..ProptestConfig::default()
    }
}

/// Milliseconds between objects. Most are created at the same time as the one before in some lists, as an import does.
fn steps(length: usize) -> impl Strategy<Value = Vec<i64>> {
    prop_oneof![
        vec(1_i64..3, 0..length),
        vec(0_i64..2, 0..length),
        vec(
            select(&[0_i64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..]),
            0..length
        ),
        (0..length).prop_map(|length| vec![0; length]),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => steps(30).prop_map(Event::Create),
        4 => (any::<Index>(), 1_usize..8).prop_map(|(place, number)| Event::Delete(place, number)),
        4 => (1_usize..4).prop_map(Event::DeleteRead),
        1 => (1_usize..60).prop_map(Event::DeleteRead),
        1 => (any::<Index>(), 0_usize..20).prop_map(|(place, number)| Event::DeleteMost(place, number)),
        2 => Just(Event::Restart),
        4 => (1_u32..9).prop_map(Event::Shrink),
    ]
}

/// Some of them create objects with a time in the past, as an import does. No page's worth between two requests: a list by
/// numbers to which that happens twice in a row looks like one that does not go on.
fn event_with_import() -> impl Strategy<Value = Event> {
    let create = (any::<Index>(), 1_usize..10);
    prop_oneof![
        8 => event(),
        1 => create.prop_map(|(place, number)| Event::CreateEarly(place, number)),
    ]
}

fn server() -> impl Strategy<Value = Server> {
    let to_unknown = select(&[ToUnknown::Error, ToUnknown::Empty, ToUnknown::First][..]);
    (steps(160), to_unknown, any::<bool>()).prop_map(|(mut steps, to_unknown, is_inclusive)| {
        // The beginning of a list cannot be told from its middle where all was created at the same time.
        if to_unknown == ToUnknown::First {
            steps.iter_mut().for_each(|step| *step += 1);
        }
        Server {
            to_unknown,
            is_inclusive,
            ..Server::new(steps)
        }
    })
}

fn happen(event: Event, server: &mut Server, walk: &mut Walk) {
    let ids = server.ids();
    match event {
        Event::Create(steps) => {
            let least = i64::from(server.to_unknown == ToUnknown::First);
            steps
                .into_iter()
                .for_each(|step| server.create(step.max(least)));
        }
        Event::CreateEarly(place, number) if !ids.is_empty() => {
            let place = place.index(ids.len());
            for _ in 0..number {
                server.create_before(place);
            }
        }
        Event::Delete(place, number) if !ids.is_empty() => {
            let place = place.index(ids.len());
            server.delete(&ids[place..(place + number).min(ids.len())]);
        }
        Event::DeleteRead(number) => {
            let first = walk.fresh.len().saturating_sub(number);
            server.delete(&walk.fresh[first..]);
        }
        Event::DeleteMost(place, number) if !ids.is_empty() => {
            let place = place.index(ids.len());
            let kept = (place + number).min(ids.len());
            server.delete(&ids[..place]);
            server.delete(&ids[kept..]);
        }
        Event::CreateEarly(..) | Event::Delete(..) | Event::DeleteMost(..) => {}
        Event::Restart => walk.restart(),
        Event::Shrink(times) => {
            for _ in 0..times {
                walk.scan.shrink();
            }
        }
    }
}

/// Walks to the end while the events happen, some before each request. Gives the objects that were there all the time.
fn walk_through(server: &mut Server, walk: &mut Walk, events: Vec<Vec<Event>>) -> Vec<String> {
    let at_first: HashSet<String> = server.ids().into_iter().collect();
    // After each change a walk starts over at the worst.
    let rounds = 2 + events.len();
    let mut created = at_first.len();
    let mut events = events.into_iter();
    loop {
        let before = server.objects.len();
        for event in events.next().into_iter().flatten() {
            happen(event, server, walk);
        }
        created += server.objects.len().saturating_sub(before);
        let bound = rounds * (created + 12);
        assert!(walk.requests.len() <= bound, "more than {bound} requests");
        if walk.step(server).expect("a list that goes on") {
            let mut ids = server.ids();
            ids.retain(|id| at_first.contains(id));
            return ids;
        }
    }
}

/// How many pages a list has at least: the first one, and then so many new objects in each.
fn least_pages(objects: usize, first: usize, further: usize) -> usize {
    1 + objects.saturating_sub(first).div_ceil(further)
}

/// Walks through a list that does not change, with pages of a size; says how many objects the first page may have, and how
/// many requests there were.
fn walk_evenly(server: &Server, walk: &mut Walk, shrinks: u32, restarts: bool) -> (usize, usize) {
    for _ in 0..shrinks {
        walk.scan.shrink();
    }
    let limit = limit_of(&walk.scan.next_request());
    while !walk.step(server).expect("a list that goes on") {
        let bound = 2 * server.objects.len() + 80;
        assert!(walk.requests.len() <= bound, "more than {bound} requests");
        walk.shrink_to(limit);
        if restarts {
            walk.restart();
        }
    }
    (limit, walk.requests.len())
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn a_walk_through_users_ends_and_misses_none_that_was_there_all_the_time(
        mut server in server(), events in vec(vec(event(), 0..3), 0..24), is_known in any::<bool>(), ends_by_count in any::<bool>(),
    ) {
        let total = is_known.then_some(server.objects.len() as u64);
        let mut walk = Walk::new(users(), total, ends_by_count);
        let ids = walk_through(&mut server, &mut walk, events);
        let missed: Vec<_> = ids.iter().filter(|id| !walk.fresh.contains(id)).collect();
        prop_assert!(missed.is_empty(), "{:?} of {:?}: {:?}", missed, server.objects, walk.requests);
    }

    #[test]
    fn a_walk_by_numbers_ends_and_misses_none_that_was_there_all_the_time(
        server in server(), events in vec(vec(event_with_import(), 0..3), 0..24), is_counted in any::<bool>(),
    ) {
        let mut server = Server { is_counted, ..server };
        let mut walk = Walk::new(organizations(), None, false);
        let ids = walk_through(&mut server, &mut walk, events);
        let missed: Vec<_> = ids.iter().filter(|id| !walk.fresh.contains(id)).collect();
        prop_assert!(missed.is_empty(), "{:?} of {:?}: {:?}", missed, server.objects, walk.requests);
    }
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn users_with_a_time_in_the_past_hide_no_others_where_the_count_is_not_the_end(
        server in server(), events in vec(vec(event_with_import(), 0..3), 0..24), is_known in any::<bool>(),
    ) {
        let to_unknown = ToUnknown::Error;
        let mut server = Server { to_unknown, ..server };
        let total = is_known.then_some(server.objects.len() as u64);
        let mut walk = Walk::new(users(), total, false);
        let ids = walk_through(&mut server, &mut walk, events);
        let missed: Vec<_> = ids.iter().filter(|id| !walk.fresh.contains(id)).collect();
        prop_assert!(missed.is_empty(), "{:?} of {:?}: {:?}", missed, server.objects, walk.requests);
    }
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn each_user_of_a_list_at_rest_is_read_once_with_the_fewest_requests(
        server in server(), shrinks in 0_u32..9, restarts in any::<bool>(),
    ) {
        let mut walk = Walk::counted(users(), &server);
        let (limit, requests) = walk_evenly(&server, &mut walk, shrinks, restarts);
        prop_assert_eq!(&walk.fresh, &server.ids());
        prop_assert_eq!(walk.scan.done(), server.objects.len() as u64);
        prop_assert_eq!(requests, server.objects.len().div_ceil(limit).max(1));
    }

    #[test]
    fn without_a_count_there_is_a_request_that_finds_the_end_or_two(
        server in server(), shrinks in 0_u32..9, restarts in any::<bool>(),
    ) {
        let mut walk = Walk::new(users(), None, true);
        let (limit, requests) = walk_evenly(&server, &mut walk, shrinks, restarts);
        let (ids, objects) = (server.ids(), server.objects.len());
        prop_assert_eq!(&walk.fresh[..objects], &ids);
        // The empty page at the end is looked at by time, too: it may be the answer to a user that is gone. As many users
        // as a page has, of the same time, are then read again.
        let is_empty_at_end = objects > 0 && objects.is_multiple_of(limit);
        let last = server.objects.last().map_or(0, |(_, time)| *time);
        let of_last_time = server.objects.iter().filter(|(_, time)| *time >= last - 1).count();
        if !is_empty_at_end || of_last_time < limit.max(40) {
            prop_assert_eq!(walk.fresh.len(), objects);
            prop_assert_eq!(requests, objects / limit + 1 + usize::from(is_empty_at_end));
        }
    }

    #[test]
    fn each_object_of_a_numbered_list_at_rest_is_read_once_with_the_fewest_requests(
        server in server(), shrinks in 0_u32..9, restarts in any::<bool>(),
    ) {
        let server = Server { is_counted: true, ..server };
        let mut walk = Walk::counted(organizations(), &server);
        let (limit, requests) = walk_evenly(&server, &mut walk, shrinks, restarts);
        prop_assert_eq!(&walk.fresh, &server.ids());
        // A further page begins with the last object of the page before.
        let least = least_pages(server.objects.len(), limit, limit.max(2) - 1);
        prop_assert_eq!(requests, least);
    }

    #[test]
    fn a_list_that_gives_less_than_it_is_asked_for_is_read_to_its_end(
        server in server(), most in 3_usize..50, is_numbered in any::<bool>(),
    ) {
        // Not where all that it gives was created at the same time.
        let spread = server.objects.iter().enumerate().map(|(place, (id, _))| (id.clone(), place as i64));
        let server = Server { objects: spread.collect(), most, is_counted: is_numbered, ..server };
        let listing: Listing = if is_numbered { organizations() } else { users() };
        let mut walk = Walk::counted(listing, &server);
        walk.finish(&server);
        prop_assert_eq!(&walk.fresh, &server.ids());
    }
}
