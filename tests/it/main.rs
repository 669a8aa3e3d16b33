//! The one integration binary: the real program on a free loopback port, with real clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::print_stdout, reason = "fault tests tell their figures")]
#![allow(clippy::disallowed_types, reason = "a poisoned lock is one more failed test")]
#![allow(clippy::similar_names, clippy::duration_suboptimal_units, reason = "tests read as they are")]

mod channels;
mod classic;
mod engine;
mod events;
mod guide;
mod house;
mod machine;
mod panel;
mod people;
mod portal;
mod subscribers;
mod support;
mod viewing;
