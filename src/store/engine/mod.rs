//! The writer and its transactions, the files, the statements of every table.

pub mod changes;
pub mod idempotency;
pub mod meter;
pub mod references;

pub(super) mod checkpoint;
pub(super) mod columns;
pub(super) mod fault;
pub(super) mod files;
pub(super) mod job;
pub(super) mod log_file;
pub(super) mod modes;
pub(super) mod overwritten;
pub(super) mod pragma;
pub(super) mod schema;
pub(super) mod table;
pub(super) mod watch;
pub(super) mod writer;
pub(super) mod writes;
