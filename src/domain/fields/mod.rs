//! Values: texts, numbers, times, addresses, credits, each with its rule.

#[macro_use]
pub mod text;

pub mod container;
pub mod credits;
pub mod hidden;
pub mod mac;
pub mod net;
pub mod number;
pub mod sealed;
pub mod time;
pub mod token;
