//! The boxes of MAGs, and what is sent to them.

pub mod device;
pub mod mag_event;
pub mod token;
