//! The logs as use cases see them.

pub use crate::store::machine::{
    log_seek::{Count, Sought, Turn},
    logs::{Log, LogRow},
};
