//! Clerk's webhooks: who sent them, what they say, in which order they count.
//!
//! A delivery goes this way: [`event::check_size`], [`signature::verify`], [`event::Event::parse`], and
//! only when it is applied [`event::Event::change`]. The first three answer the sender; the last may
//! fail for good (a type that lies) while the event itself is stored.

pub mod event;
pub mod event_type;
pub mod signature;
