//! Administrators, resellers, API keys, signing in, and who failed too often.

pub mod admins;
pub mod api_keys;
pub mod classic_callers;
pub mod forgotten;
pub mod let_in;
pub mod lockouts;
pub mod not_allowed;
pub mod oidc;
pub mod passwords;
pub mod resellers;
pub mod second_factor;
pub mod sign_in;
pub mod steps;
pub mod whitelist;

mod identities;
