//! Calls on administrators, resellers and who is shut out.

pub(crate) mod administrators;
pub(crate) mod resellers;
pub(crate) mod security;
