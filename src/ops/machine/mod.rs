//! This server and the others: settings, logs, jobs, clock, first start, demo.

pub mod backups;
pub mod calls;
pub mod certificates;
pub mod demo;
pub mod first_start;
pub mod health;
pub mod jobs;
pub mod leap;
pub mod logs;
pub mod meters;
pub mod metrics;
pub mod retention;
pub mod servers;
pub mod settings;
pub mod version;
