//! This server and the others: settings, logs, clock, first start, demo.

pub mod calls;
pub mod demo;
pub mod first_start;
pub mod leap;
pub mod logs;
pub mod retention;
pub mod servers;
pub mod settings;
