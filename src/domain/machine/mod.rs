//! Servers, General Settings, jobs, clocks that leap.

pub mod certificate;
pub mod job;
pub mod leap;
pub mod server;
pub mod settings;
