//! Who may do what, who is kept out, and what was done.

pub mod actor;
pub mod admin;
pub mod api_key;
pub mod audit;
pub mod browser;
pub mod known;
pub mod lockout;
pub mod oidc;
pub mod password_link;
pub mod pending;
pub mod quota;
pub mod reseller;
pub mod rights;
pub mod second_factor;
pub mod steps;
pub mod weak;
