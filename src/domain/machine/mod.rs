//! Servers, General Settings, jobs, backups, clocks that leap.

pub mod backup_target;
pub mod backups;
pub mod certificate;
pub mod job;
pub mod leap;
pub mod server;
pub mod settings;
