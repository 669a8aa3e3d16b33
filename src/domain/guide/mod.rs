//! The programme guide: where it comes from, what is on, and which channel of it belongs to which stream.

pub mod matched;
pub mod matching;
pub mod names;
pub mod programme;
pub mod source;
pub mod spans;
pub mod times;
pub mod xmltv;
