//! Calls on servers, General Settings and the logs.

pub(crate) mod logs;
pub(crate) mod servers;
pub(crate) mod settings;
