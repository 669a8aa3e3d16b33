//! Lines and MAGs: selling, changing, listing, counting.

pub mod accounts;
pub mod at_once;
pub mod batch_rows;
pub mod batched;
pub mod batches;
pub mod convert;
pub mod counts;
pub mod lines;
pub mod mags;
pub mod previews;
pub mod subscriptions;
pub mod undo;
