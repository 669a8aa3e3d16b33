//! The log of events.

pub mod ends;
pub mod log;
pub mod mark;
pub mod messages;
pub mod webhooks;
