//! What people are told of events: reminders to subscribers, alerts to those who run the panel.

mod boxes;
mod calls;
mod log;
mod mail;
mod making;
mod sending;
mod setup;
mod targets;

pub use log::{list, resend, send_test_mail};
pub use sending::Lanes;
pub use setup::{SentTarget, Whose};
pub use targets::{ShownTarget, create, test, update};

pub use crate::store::events::messages::Message;
