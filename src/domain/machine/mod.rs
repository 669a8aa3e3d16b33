//! Servers, General Settings, jobs, clocks that leap.

pub mod job;
pub mod leap;
pub mod server;
pub mod settings;
