//! Calls on servers, General Settings, the logs, backups and the jobs.

pub(crate) mod backups;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod servers;
pub(crate) mod settings;
