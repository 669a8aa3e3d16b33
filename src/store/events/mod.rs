//! The log of events.

pub mod ends;
pub mod log;
pub mod mark;
