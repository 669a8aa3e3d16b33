//! Streams, channel lists, bouquets.

pub(crate) mod bouquets;
pub(crate) mod recordings;
pub(crate) mod streams;
