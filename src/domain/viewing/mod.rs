//! Who may watch, and the sessions of those who do.

pub mod admission;
pub mod not_running;
pub mod session;
pub mod title;
pub mod window;
