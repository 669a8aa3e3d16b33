//! Events and those who are told of them.

pub mod log;
pub mod webhooks;
