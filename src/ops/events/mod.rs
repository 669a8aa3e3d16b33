//! Events: what every change tells, written in its own transaction, how it is followed, and who is told of it.

pub mod ends;
pub mod follow;
pub mod mark;
pub mod sending;
pub mod shown;
pub mod states;
pub mod told;
pub mod webhooks;
