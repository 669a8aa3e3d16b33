//! Calls on servers, General Settings, the logs and the jobs.

pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod servers;
pub(crate) mod settings;
