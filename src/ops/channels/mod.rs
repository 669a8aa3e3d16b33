//! Streams, bouquets, what players list, and importing channel lists.

pub mod catalogue;
pub mod import;
pub mod order;
pub mod recordings;
pub mod streams;
