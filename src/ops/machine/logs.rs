//! The logs as use cases see them.

pub use crate::store::machine::{
    log_seek::{Count, LogSearch, Turn},
    logs::{Log, LogRow},
};
