//! What admission asks, and what is written down of viewers.

pub mod open_sessions;
pub mod viewers;

pub(super) mod connection_totals;
