//! Who gets in: signing in, administrators, resellers, API keys, selling.

mod api_access;
mod api_admins;
mod api_resellers;
mod api_security;
mod forgotten;
mod oidc;
mod panel_administrators;
mod panel_guesses;
mod panel_login;
mod panel_resellers;
mod reseller_keys;
mod second_factor;
mod selling;
