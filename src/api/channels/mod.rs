//! Calls on streams and bouquets.

pub(crate) mod archive;
pub(crate) mod bouquets;
pub(crate) mod streams;
