//! Streams, channel lists, bouquets, and their order.

pub(crate) mod bouquets;
pub(crate) mod order;
pub(crate) mod streams;
