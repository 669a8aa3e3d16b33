//! What the door of viewers asks and writes.

pub mod open_sessions;
pub mod viewers;

pub(super) mod connection_totals;
