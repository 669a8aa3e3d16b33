//! Streams, bouquets, the channels of a subscription.

pub mod bouquets;
pub mod guide_matches;
pub mod streams;

pub(super) mod catalogue;
pub(super) mod reached;
