//! Calls on administrators, resellers and who is blocked.

pub(crate) mod administrators;
pub(crate) mod resellers;
pub(crate) mod security;
