//! What happened, and who is told of it.

mod ends;
mod log;
mod panel;
mod php_receiver;
mod receiver;
mod webhook_faults;
mod webhooks;
