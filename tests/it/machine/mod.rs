//! The server as a whole: settings, logs, command line, clocks, memory.

mod api_input;
mod api_order;
mod api_resources;
mod api_servers;
mod backups;
mod bucket;
mod cli;
mod doctor;
mod dry_run;
mod form_php;
mod hardening;
mod headers;
mod https;
pub mod leaps;
mod log_limits;
mod log_unread;
mod memory;
mod metrics;
mod openapi;
mod panel_dashboard;
mod panel_jobs;
mod panel_logs;
mod panel_servers;
mod panel_settings;
mod php_client;
mod service;
mod starts;
