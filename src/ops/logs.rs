//! The logs as use cases see them.

pub use crate::store::logs::{Log, LogRow};
