//! Settings as a snapshot, the logs, retention, the check of the file, runs of long work.

pub mod check;
pub mod inspect;
pub mod job_runs;
pub mod log_seek;
pub mod logs;
pub mod retention;
pub mod snapshot;
