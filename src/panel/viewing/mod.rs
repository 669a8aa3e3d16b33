//! Open connections, and who is shut out.

pub(crate) mod connections;
pub(crate) mod security;
