//! Streams and their sources, bouquets, channel lists.

mod certificates;
mod fetched;
mod panel_bouquets;
pub mod panel_import;
mod panel_streams;
mod programs;
mod rare_key_frames;
mod source_changes;
mod source_drops;
mod source_kinds;
mod sources;
mod streams;
mod transport_clocks;
