//! Open connections, and who is blocked.

pub(crate) mod connections;
pub(crate) mod security;
