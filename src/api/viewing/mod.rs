//! Calls on open connections, and on why somebody cannot watch.

pub(crate) mod connections;
pub(crate) mod explain;
