//! Pages of lines and MAGs, and which are chosen.

pub mod batch_rows;
pub mod batches;
pub mod counts;
mod kept_beside;
mod kept_row;

pub(super) mod line_cache;
pub(super) mod listing;
pub(super) mod references;
pub(super) mod selection;
