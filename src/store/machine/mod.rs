//! Settings as a snapshot, the logs, retention, the check of the file.

pub mod check;
pub mod log_seek;
pub mod logs;
pub mod retention;
pub mod snapshot;
