//! A walk through a list, page by page, that misses nothing where the list changes meanwhile.
//!
//! Lists are read in the order of creation, so that what is created meanwhile comes last. Users are read from the last one
//! on; should that one be deleted, from its time of creation on. What is answered then is not documented: an error, nothing
//! and the beginning of the list are all taken for it. Other lists are read by numbers, which shift where something is
//! deleted: each page begins with the last object of the page before, and where that is not found the walk goes back until
//! it meets something that it knows.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use url::form_urlencoded::byte_serialize;

use super::MAX_LIMIT;
use super::listing::Listing;
use super::page::Page;
use crate::time::UnixMillis;

/// How many objects are remembered by their ids, to meet them again.
const REMEMBERED: usize = 20;
/// How far the walk goes back first; twice as far each time.
const FIRST_STEP_BACK: u64 = 32;

/// Where a walk stands: all that is needed to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// Number of the next object in the list.
    offset: u64,
    /// How far the walk has gone back from there, to meet what it knows.
    back: u64,
    /// Whether the last page had nothing new, though it should have begun where the walk stands.
    is_still: bool,
    /// Ids of the last objects, the last one last.
    recent: Vec<String>,
    /// When the last object was created.
    created_at: Option<UnixMillis>,
    /// Whether the next page begins at that time, and not after the last object.
    is_by_time: bool,
    /// Id of the last object when the end was looked at that way.
    checked: Option<String>,
    /// Whether objects may have been read twice, so that their number tells nothing of the end.
    may_repeat: bool,
    /// Objects of the next page.
    limit: u32,
}

/// A walk.
#[derive(Clone, Debug)]
pub struct Scan {
    listing: Listing,
    cursor: Cursor,
    /// How many objects the list had when it was counted last.
    total: Option<u64>,
    done: u64,
    /// Whether it ends once it has read as many objects as were counted when it began.
    ends_by_count: bool,
}

/// What a page brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Which of its objects are new.
    pub fresh: Range<usize>,
    /// Whether it was the last one.
    pub is_last: bool,
}

/// The list cannot be walked through.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list gives the same objects again and does not go on")]
pub struct Stuck;

impl Default for Cursor {
    fn default() -> Self {
        Self {
            offset: 0,
            back: 0,
            is_still: false,
            recent: Vec::new(),
            created_at: None,
            is_by_time: false,
            checked: None,
            may_repeat: false,
            limit: MAX_LIMIT,
        }
    }
}

impl Scan {
    /// A walk that begins, or goes on from a cursor after so many objects. `total` is the number of objects where it has
    /// been asked for; where it has, and `ends_by_count` is set, no page is asked for to see that it is empty: everything
    /// that existed when the objects were counted has been read then.
    pub fn new(
        listing: Listing,
        cursor: Cursor,
        done: u64,
        total: Option<u64>,
        ends_by_count: bool,
    ) -> Self {
        let limit = cursor.limit.clamp(1, MAX_LIMIT);
        Self {
            listing,
            cursor: Cursor { limit, ..cursor },
            total,
            done,
            ends_by_count,
        }
    }

    /// Where it stands.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// How many objects it has read; some twice, maybe, where objects that it had read were deleted.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// How many there are, as far as that is known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The next page: a path behind the base address, with its query.
    pub fn next_request(&self) -> String {
        let mut request = format!(
            "{}?limit={}&order_by=%2Bcreated_at",
            self.listing.path,
            self.limit()
        );
        if !self.listing.seeks {
            request.push_str(&format!("&offset={}", self.first()));
        } else if let (true, Some(time)) = (self.cursor.is_by_time, self.cursor.created_at) {
            // Whether the API counts the time itself in is not documented.
            request.push_str(&format!("&created_at_after={}", time.millis() - 1));
        } else if let Some(last) = self.cursor.recent.last() {
            request.push_str("&starting_after=");
            request.extend(byte_serialize(last.as_bytes()));
        }
        request
    }

    /// Takes the page that was asked for.
    ///
    /// # Errors
    /// [`Stuck`]
    pub fn take(&mut self, page: &Page<'_>) -> Result<Taken, Stuck> {
        if page.total.is_some() {
            self.total = page.total;
        }
        let is_known = |id: &Option<String>| {
            let recent = &self.cursor.recent;
            id.as_ref().is_some_and(|id| recent.contains(id))
        };
        let known = page.items.iter().rposition(|item| is_known(&item.id));
        let fresh = known.map_or(0, |place| place + 1)..page.items.len();
        let is_short = page.items.len() < self.limit() as usize;
        let end = if self.listing.seeks {
            self.take_sought(page, &fresh, is_short)?
        } else {
            self.take_numbered(page, &fresh, is_short)?
        };
        let Some(is_last) = end else {
            let fresh = 0..0;
            return Ok(Taken {
                fresh,
                is_last: false,
            });
        };
        self.cursor.limit = self.cursor.limit.saturating_mul(2).min(MAX_LIMIT);
        Ok(Taken { fresh, is_last })
    }

    /// The API does not know the object after which the page was to begin. False where there is no other way.
    pub fn lose_cursor(&mut self) -> bool {
        let is_sought = self.listing.seeks && !self.cursor.recent.is_empty();
        if !is_sought || self.cursor.is_by_time || self.cursor.created_at.is_none() {
            return false;
        }
        self.cursor.is_by_time = true;
        true
    }

    /// The page was too large: the next one is asked for with half as many objects. False where it cannot have fewer.
    pub fn shrink(&mut self) -> bool {
        let limit = self.limit();
        self.cursor.limit = self.cursor.limit.min(limit / 2).max(1);
        self.limit() < limit
    }

    /// Takes a page of users. Says whether it is the last one; None where it is not what was asked for.
    fn take_sought(
        &mut self,
        page: &Page<'_>,
        fresh: &Range<usize>,
        is_short: bool,
    ) -> Result<Option<bool>, Stuck> {
        let was_by_time = self.cursor.is_by_time;
        if !was_by_time && self.is_astray(page, fresh) && self.lose_cursor() {
            return Ok(None);
        }
        let is_nameless = page.items[fresh.clone()]
            .iter()
            .all(|item| item.id.is_none());
        let is_still = if fresh.is_empty() {
            !was_by_time && !page.items.is_empty()
        } else {
            !is_short && is_nameless
        };
        if is_still {
            return Err(Stuck);
        }
        if std::mem::take(&mut self.cursor.is_by_time) {
            self.join_by_time(page, fresh, is_short);
        }
        self.remember(page, fresh);
        let total = self.total.filter(|_| !self.cursor.may_repeat);
        if !is_short {
            // Exactly: where more were read than counted, some were created meanwhile, and perhaps before those that are left.
            let is_counted = total == Some(self.done);
            return Ok(Some(self.ends_by_count && is_counted));
        }
        // One that is too short while users are missing may be the answer to a user that is gone: then the same place is
        // asked for by time, once.
        let is_missing = total.map_or(page.items.is_empty(), |total| self.done < total);
        let last = self.cursor.recent.last();
        let is_checked = (was_by_time && fresh.is_empty()) || self.cursor.checked.as_ref() == last;
        if !is_missing || is_checked {
            return Ok(Some(true));
        }
        self.cursor.checked = last.cloned();
        Ok(Some(!self.lose_cursor()))
    }

    /// Whether a page begins somewhere before the last user, and not after it. One with the last user itself does not: the
    /// list knows it then.
    fn is_astray(&self, page: &Page<'_>, fresh: &Range<usize>) -> bool {
        let (Some(first), Some(last)) = (page.items.first(), self.cursor.recent.last()) else {
            return false;
        };
        let times = first.created_at.zip(self.cursor.created_at);
        let is_earlier = times.is_some_and(|(first, last)| first < last);
        let has_last = page.items.iter().any(|item| item.id.as_ref() == Some(last));
        (is_earlier || fresh.is_empty()) && !has_last
    }

    /// Finds the end of what was read in a page that was asked for by time. More users than a page has may have been created
    /// at that time: then some are read again.
    fn join_by_time(&mut self, page: &Page<'_>, fresh: &Range<usize>, is_short: bool) {
        let (Some(first), Some(last)) = (page.items.first(), page.items.last()) else {
            return;
        };
        if fresh.is_empty() && !is_short {
            // The page ends before the end of what was read: the walk goes on from there.
            let recent = &mut self.cursor.recent;
            let place = recent.iter().position(|id| last.id.as_ref() == Some(id));
            recent.truncate(place.map_or(recent.len(), |place| place + 1));
            self.cursor.created_at = last.created_at;
            self.cursor.may_repeat = true;
        } else if fresh.start == 0 && first.created_at <= self.cursor.created_at {
            self.cursor.may_repeat = true;
        }
    }

    /// Takes a page of another list. Says whether it is the last one; None where it knows nothing of it.
    fn take_numbered(
        &mut self,
        page: &Page<'_>,
        fresh: &Range<usize>,
        is_short: bool,
    ) -> Result<Option<bool>, Stuck> {
        let (first, length) = (self.first(), page.items.len());
        if fresh.start == 0 && !self.cursor.recent.is_empty() && first > 0 {
            self.cursor.back = self.cursor.back.saturating_mul(2).max(FIRST_STEP_BACK);
            return Ok(None);
        }
        // Its first object should be the last one that was read, and it is behind all that is remembered: much was put in
        // before it, or the list does not go on.
        let is_still = self.cursor.back == 0 && fresh.is_empty() && length > REMEMBERED;
        if std::mem::replace(&mut self.cursor.is_still, is_still) && is_still {
            return Err(Stuck);
        }
        self.cursor.back = 0;
        self.cursor.offset = first.saturating_add(length as u64);
        self.remember(page, fresh);
        // One may be too short though there are more.
        Ok(Some(match page.total {
            _ if is_still => false,
            Some(total) => total <= self.cursor.offset || (is_short && fresh.is_empty()),
            None => is_short,
        }))
    }

    fn remember(&mut self, page: &Page<'_>, fresh: &Range<usize>) {
        self.done = self.done.saturating_add(fresh.len() as u64);
        let Some(last) = page.items[fresh.clone()].last() else {
            return;
        };
        self.cursor.created_at = last.created_at;
        let skipped = fresh.len().saturating_sub(REMEMBERED);
        let ids = page.items[fresh.clone()].iter().skip(skipped);
        self.cursor
            .recent
            .extend(ids.filter_map(|item| item.id.clone()));
        let surplus = self.cursor.recent.len().saturating_sub(REMEMBERED);
        self.cursor.recent.drain(..surplus);
    }

    /// Number of the first object of the next page.
    fn first(&self) -> u64 {
        let overlap = u64::from(!self.cursor.recent.is_empty());
        self.cursor
            .offset
            .saturating_sub(self.cursor.back.saturating_add(overlap))
    }

    /// Enough to get past what is remembered, where the page begins there.
    fn limit(&self) -> u32 {
        let is_overlapping = self.cursor.is_by_time || self.cursor.back > 0;
        let least = match (is_overlapping, self.listing.seeks) {
            (true, _) => 2 * REMEMBERED as u32,
            (false, false) if !self.cursor.recent.is_empty() => 2,
            (false, _) => 1,
        };
        self.cursor.limit.max(least)
    }
}
