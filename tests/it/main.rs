//! The one integration binary: the real program on a free loopback port, with real clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod faults;
mod form_php;
mod layers;
mod power_cut;
mod support;
