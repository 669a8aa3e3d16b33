//! Servers, General Settings, clocks that leap.

pub mod leap;
pub mod server;
pub mod settings;
