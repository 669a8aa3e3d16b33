//! Streams, channel lists, bouquets.

pub(crate) mod bouquets;
pub(crate) mod streams;
