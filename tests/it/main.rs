//! The one integration binary: the real program on a free loopback port, with real clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::print_stdout, reason = "fault tests tell their figures")]
#![allow(clippy::similar_names, clippy::duration_suboptimal_units, reason = "tests read as they are")]

mod api_access;
mod api_admins;
mod api_input;
mod api_line;
mod api_mag;
mod api_resellers;
mod api_resources;
mod api_security;
mod api_servers;
mod busy;
mod changed_meanwhile;
mod cli;
mod database_errors;
mod door;
mod effects;
mod faults;
mod fetched;
mod form_php;
mod hardening;
mod headers;
mod idempotency;
mod in_place;
mod layers;
mod leaps;
mod log_limits;
mod log_unread;
mod memory;
mod openapi;
mod panel_access;
mod panel_administrators;
mod panel_bouquets;
mod panel_box;
mod panel_browser;
mod panel_connections;
mod panel_dashboard;
mod panel_door;
mod panel_forms;
mod panel_import;
mod panel_lines;
mod panel_login;
mod panel_logs;
mod panel_mass_edit;
mod panel_resellers;
mod panel_servers;
mod panel_settings;
mod panel_streams;
mod php_client;
mod players;
mod portal;
mod power_cut;
mod programs;
mod rare_key_frames;
mod readme;
mod selling;
mod sent_twice;
mod slow_clients;
mod source_changes;
mod source_drops;
mod source_kinds;
mod sources;
mod streams;
mod support;
mod transport_clocks;
mod upgrades;
mod viewers;
mod viewing_faults;
