//! The one integration binary: the real program on a free loopback port, with real clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod api_access;
mod api_admins;
mod api_input;
mod api_line;
mod api_mag;
mod api_resellers;
mod api_resources;
mod cli;
mod database_errors;
mod faults;
mod form_php;
mod idempotency;
mod layers;
mod openapi;
mod php_client;
mod power_cut;
mod support;
