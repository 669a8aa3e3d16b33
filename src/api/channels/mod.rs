//! Calls on streams and bouquets.

pub(crate) mod bouquets;
pub(crate) mod streams;
