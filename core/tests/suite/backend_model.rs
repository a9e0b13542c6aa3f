//! A model of a list of the Backend API, and somebody who walks through it.

use std::collections::HashMap;

use clerk_core::backend_api::listing::Listing;
use clerk_core::backend_api::page::Page;
use clerk_core::backend_api::scan::{Cursor, Scan, Stuck};
use clerk_core::resource::Kind;
use serde_json::{Value, json};
use url::form_urlencoded;

/// What a list answers where a page is to begin after an object that is gone. Clerk does not document it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ToUnknown {
    /// An error.
    Error,
    /// A page without objects.
    Empty,
    /// The first page.
    First,
}

/// A list, in the order of creation.
#[derive(Clone, Debug)]
pub struct Server {
    /// Ids and times of creation.
    pub objects: Vec<(String, i64)>,
    pub to_unknown: ToUnknown,
    /// Whether `created_at_after` counts the time itself in.
    pub is_inclusive: bool,
    /// Whether pages tell how many objects there are.
    pub is_counted: bool,
    /// The most objects that it gives in a page.
    pub most: usize,
    /// How many objects were ever created.
    pub made: i64,
}

/// A walk and what it brought.
pub struct Walk {
    pub scan: Scan,
    listing: Listing,
    total: Option<u64>,
    ends_by_count: bool,
    /// Ids of the objects that were fresh, in order.
    pub fresh: Vec<String>,
    /// The requests that were sent.
    pub requests: Vec<String>,
}

/// A list of users, which are sought.
pub fn users() -> Listing {
    Listing::of(Kind::User).expect("a list")
}

/// A list by numbers.
pub fn organizations() -> Listing {
    Listing::of(Kind::Organization).expect("a list")
}

/// The `limit` of a request.
pub fn limit_of(request: &str) -> usize {
    query(request)["limit"].parse().expect("a limit")
}

fn query(request: &str) -> HashMap<String, String> {
    let (_, query) = request.split_once('?').expect("a query");
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// A list of so many objects, a millisecond apart.
pub fn server(objects: usize) -> Server {
    Server::new(vec![1; objects])
}

/// A list that tells how many objects it has.
pub fn counted_server(objects: usize) -> Server {
    Server {
        is_counted: true,
        ..server(objects)
    }
}

/// The body of a page with the objects of these numbers, of the times of [`server`].
pub fn body(numbers: impl IntoIterator<Item = u32>) -> String {
    let item =
        |number: u32| json!({"id": format!("user_{number:05}"), "created_at": 1000 + number});
    Value::from_iter(numbers.into_iter().map(item)).to_string()
}

/// The request without what all have.
pub fn asked(request: &str) -> &str {
    let (_, rest) = request
        .split_once("&order_by=%2Bcreated_at")
        .expect("an order");
    rest
}

impl Server {
    /// A list of objects that were created with these many milliseconds between them.
    pub fn new(steps: impl IntoIterator<Item = i64>) -> Self {
        let mut server = Self {
            objects: Vec::new(),
            to_unknown: ToUnknown::Error,
            is_inclusive: false,
            is_counted: false,
            most: 500,
            made: 0,
        };
        for step in steps {
            server.create(step);
        }
        server
    }

    /// Creates an object so much later than the last one.
    pub fn create(&mut self, step: i64) {
        let last = self.objects.last().map_or(1000, |(_, time)| *time);
        self.made += 1;
        let id = format!("user_{:05}", self.made);
        self.objects.push((id, last + step));
    }

    /// Creates an object with the time of another, before it.
    pub fn create_before(&mut self, place: usize) {
        self.made += 1;
        let id = format!("user_{:05}", self.made);
        self.objects.insert(place, (id, self.objects[place].1));
    }

    /// Deletes the objects with these ids.
    pub fn delete(&mut self, ids: &[String]) {
        self.objects.retain(|(id, _)| !ids.contains(id));
    }

    pub fn ids(&self) -> Vec<String> {
        self.objects.iter().map(|(id, _)| id.clone()).collect()
    }

    /// The body of the answer; None for an error.
    pub fn answer(&self, request: &str) -> Option<String> {
        let query = query(request);
        assert_eq!(query["order_by"], "+created_at", "{request}");
        let limit = limit_of(request);
        assert!((1..=500).contains(&limit), "{request}");
        let number = |name: &str| query.get(name).map(|text| text.parse().expect("a number"));
        let (list, mut first) = match number("created_at_after") {
            Some(after) => {
                let after = if self.is_inclusive { after } else { after + 1 };
                let place = self.objects.partition_point(|(_, time)| *time < after);
                (&self.objects[place..], 0)
            }
            None => (&self.objects[..], number("offset").unwrap_or(0)),
        };
        if let Some(last) = query.get("starting_after") {
            assert!(!query.contains_key("offset"), "{request}");
            let place = list.iter().position(|(id, _)| id == last);
            first = match (place, self.to_unknown) {
                (Some(place), _) => place as i64 + 1,
                (None, ToUnknown::Error) => return None,
                (None, ToUnknown::Empty) => list.len() as i64,
                (None, ToUnknown::First) => 0,
            };
        }
        let first = usize::try_from(first).expect("an offset");
        let items: Vec<Value> = list
            .iter()
            .skip(first)
            .take(limit.min(self.most))
            .map(|(id, time)| json!({"id": id, "created_at": time}))
            .collect();
        Some(if self.is_counted {
            json!({"data": items, "total_count": self.objects.len()}).to_string()
        } else {
            json!(items).to_string()
        })
    }
}

impl Walk {
    pub fn new(listing: Listing, total: Option<u64>, ends_by_count: bool) -> Self {
        let scan = Scan::new(listing, Cursor::default(), 0, total, ends_by_count);
        Self {
            scan,
            listing,
            total,
            ends_by_count,
            fresh: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// A walk that ends by a list's count where the list itself does not tell it.
    pub fn counted(listing: Listing, server: &Server) -> Self {
        let total = (!server.is_counted).then_some(server.objects.len() as u64);
        Self::new(listing, total, true)
    }

    /// Asks for smaller pages until they have so many objects at most, or cannot be smaller.
    pub fn shrink_to(&mut self, limit: usize) {
        while limit_of(&self.scan.next_request()) > limit && self.scan.shrink() {}
    }

    /// Asks for a page and takes it. True where it was the last one.
    pub fn step(&mut self, server: &Server) -> Result<bool, Stuck> {
        let request = self.scan.next_request();
        self.requests.push(request.clone());
        let Some(body) = server.answer(&request) else {
            assert!(self.scan.lose_cursor(), "{request}");
            return Ok(false);
        };
        self.take(&body)
    }

    /// Takes an answer.
    pub fn take(&mut self, body: &str) -> Result<bool, Stuck> {
        let page = Page::parse(body.as_bytes()).expect("a page");
        let taken = self.scan.take(&page)?;
        let ids = page.items[taken.fresh.clone()].iter();
        self.fresh.extend(ids.filter_map(|item| item.id.clone()));
        Ok(taken.is_last)
    }

    /// Goes on until the last page.
    pub fn finish(&mut self, server: &Server) {
        for _ in 0..1000 {
            if self.step(server).expect("a list that goes on") {
                return;
            }
        }
        panic!("the walk does not end: {:?}", self.requests.last());
    }

    /// Goes on as another session does: from what is stored.
    pub fn restart(&mut self) {
        let stored = serde_json::to_string(self.scan.cursor()).expect("JSON");
        let cursor = serde_json::from_str(&stored).expect("a cursor");
        let (request, done) = (self.scan.next_request(), self.scan.done());
        self.scan = Scan::new(self.listing, cursor, done, self.total, self.ends_by_count);
        assert_eq!(self.scan.next_request(), request);
    }
}
