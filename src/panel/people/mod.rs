//! Signing in, administrators, groups, resellers.

pub(crate) mod account;
pub(crate) mod administrators;
pub(crate) mod forgotten;
pub(crate) mod groups;
pub(crate) mod login;
pub(crate) mod oidc;
pub(crate) mod resellers;
pub(crate) mod second_factor;
pub(crate) mod statement;
