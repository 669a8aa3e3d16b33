//! What happened, for whoever follows it: kinds of events, and what a change means beside itself.

pub mod kinds;
pub mod meaning;
pub mod webhook;
