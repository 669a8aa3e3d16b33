//! Events: what every change tells, written in its own transaction, and how it is followed.

pub mod ends;
pub mod follow;
pub mod mark;
pub mod states;
pub mod told;
