//! Which version this is.

use crate::store;

/// Of the program: docs/versions.md says what its numbers promise.
pub const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// Of the databases that it works with.
pub const SCHEMA: usize = store::SCHEMA_VERSION;
