//! A page of a list.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::MAX_LIMIT;
use crate::resource::is_identifier;
use crate::time::UnixMillis;

/// The objects of a page, as texts, and how many the whole list has, where the page tells.
#[derive(Debug)]
pub struct Page<'a> {
    /// The texts of the objects.
    pub items: Vec<Item<'a>>,
    /// `total_count`.
    pub total: Option<u64>,
}

/// An object of a page, unread but for what tells its place in the list.
#[derive(Debug)]
pub struct Item<'a> {
    /// The text of the object.
    pub text: &'a str,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// When it was created, where it says so.
    pub created_at: Option<UnixMillis>,
}

/// Why an answer is no page. No message holds anything of it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// Not UTF-8.
    #[error("the answer is not text")]
    NotText,
    /// Neither a list nor an object with a list in `data`.
    #[error("the answer is not a list of objects")]
    NotAList,
    /// More objects than can have been asked for.
    #[error("the answer has {items} objects, and a page has {MAX_LIMIT} at most")]
    TooLong {
        /// How many.
        items: usize,
    },
    /// Not an object.
    #[error("the answer is not an object")]
    NotAnObject,
    /// Not an object with a `total_count`.
    #[error("the answer is not a number of objects")]
    NotACount,
}

#[derive(Deserialize)]
struct Counted<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    total_count: Option<u64>,
}

#[derive(Deserialize)]
struct Count {
    total_count: u64,
}

#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
}

impl<'a> Page<'a> {
    /// Reads a page: a bare list, or `{"data": [...], "total_count": n}`.
    ///
    /// # Errors
    /// Says what it is not.
    pub fn parse(body: &'a [u8]) -> Result<Self, PageError> {
        let text = std::str::from_utf8(body).map_err(|_| PageError::NotText)?;
        let page = Self::parse_any(text)?;
        let items = page.items.len();
        if items > MAX_LIMIT as usize {
            return Err(PageError::TooLong { items });
        }
        Ok(page)
    }

    /// Reads a list of any length, in the same forms.
    ///
    /// # Errors
    /// Says what it is not.
    pub fn parse_any(text: &'a str) -> Result<Self, PageError> {
        let (items, total) = if text.trim_start().starts_with('[') {
            (
                serde_json::from_str(text).map_err(|_| PageError::NotAList)?,
                None,
            )
        } else {
            let counted: Counted<'a> =
                serde_json::from_str(text).map_err(|_| PageError::NotAList)?;
            (counted.data, counted.total_count)
        };
        let items: Vec<&RawValue> = items;
        let items = items.into_iter().map(Item::of).collect::<Option<_>>();
        Ok(Self {
            items: items.ok_or(PageError::NotAList)?,
            total,
        })
    }
}

impl<'a> Item<'a> {
    /// Reads a single object.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(body: &'a [u8]) -> Result<Self, PageError> {
        let text = std::str::from_utf8(body).map_err(|_| PageError::NotText)?;
        let value: &RawValue = serde_json::from_str(text).map_err(|_| PageError::NotAnObject)?;
        Self::of(value).ok_or(PageError::NotAnObject)
    }

    /// None where it is no object.
    fn of(value: &'a RawValue) -> Option<Self> {
        let text = value.get();
        if !text.starts_with('{') {
            return None;
        }
        // A member of a name twice is an error of serde's, and none of the place's.
        let place: Option<Place<'a>> = serde_json::from_str(text).ok();
        let read_id = |id: &RawValue| {
            let id: Option<String> = serde_json::from_str(id.get()).ok();
            id.filter(|id| is_identifier(id))
        };
        let (id, created_at) = place.map_or((None, None), |place| (place.id, place.created_at));
        Some(Self {
            text,
            id: id.and_then(read_id),
            created_at: created_at
                .and_then(|millis| millis.get().parse().ok())
                .and_then(UnixMillis::from_millis),
        })
    }
}

/// Reads `{"total_count": n}`.
///
/// # Errors
/// [`PageError::NotACount`]
pub fn parse_count(body: &[u8]) -> Result<u64, PageError> {
    // serde reads a list of values as an object, too.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(PageError::NotACount);
    }
    let count: Count = serde_json::from_slice(body).map_err(|_| PageError::NotACount)?;
    Ok(count.total_count)
}
