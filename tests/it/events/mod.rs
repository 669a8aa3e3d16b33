//! What happened, and who is told of it.

mod ends;
mod log;
pub mod messages;
mod panel;
mod php_receiver;
pub mod post_office;
mod receiver;
mod targets;
mod webhook_faults;
mod webhooks;
