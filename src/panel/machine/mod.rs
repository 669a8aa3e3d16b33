//! Dashboard, logs, servers, jobs, General Settings.

pub(crate) mod api_settings;
pub(crate) mod backup_settings;
pub(crate) mod backups;
pub(crate) mod classic_api;
pub(crate) mod dashboard;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod mail;
pub(crate) mod servers;
pub(crate) mod settings;
pub(crate) mod sign_in_settings;
