//! Events and those who are told of them.

pub mod log;
pub mod message_targets;
pub mod messages;
pub mod webhooks;
