//! Clerk's Backend API: what to ask, and what the answers mean. Nothing here opens a connection.

pub mod answer;
pub mod api_key;
pub mod budget;
pub mod listing;
pub mod lookup;
pub mod page;
pub mod scan;

/// The version of the API whose objects this program reads; sent with each request.
pub const VERSION: &str = "2026-05-12";

/// The header that names it.
pub const VERSION_HEADER: &str = "Clerk-API-Version";

/// Where the API is, unless a setting says otherwise.
pub const DEFAULT_URL: &str = "https://api.clerk.com/v1";

/// The most objects that a page can have.
pub const MAX_LIMIT: u32 = 500;
