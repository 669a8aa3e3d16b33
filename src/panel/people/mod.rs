//! Signing in, administrators, groups, resellers.

pub(crate) mod account;
pub(crate) mod administrators;
pub(crate) mod groups;
pub(crate) mod login;
pub(crate) mod resellers;
pub(crate) mod statement;
