//! Settings as a snapshot, the logs, retention, the check of the file, backups, runs of long work.

pub mod backups;
pub mod check;
pub mod inspect;
pub mod job_runs;
pub mod log_seek;
pub mod logs;
pub mod retention;
pub mod snapshot;
