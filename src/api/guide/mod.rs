//! The guide: its sources, its channels, and what is on.

pub mod channels;
pub mod sources;
