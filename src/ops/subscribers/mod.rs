//! Lines and MAGs: selling, changing, listing, counting.

pub mod accounts;
pub mod convert;
pub mod counts;
pub mod lines;
pub mod mags;
pub mod mass;
pub mod subscriptions;
