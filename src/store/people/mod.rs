//! Administrators, resellers, keys, sessions of the panel.

pub mod ended_sessions;
pub mod identities;
pub mod keys;
pub mod let_in;
pub mod panel_sessions;
pub mod password_links;
pub mod resellers;
pub mod second_factors;

pub(super) mod admins;
