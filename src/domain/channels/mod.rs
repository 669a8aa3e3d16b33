//! Streams and their sources, bouquets, channel lists.

pub mod archive;
pub mod bouquet;
pub mod catalogue;
pub mod import;
pub mod m3u;
pub mod oddities;
pub mod reach;
pub mod run;
pub mod source_request;
pub mod stream;
