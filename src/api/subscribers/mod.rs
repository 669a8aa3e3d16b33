//! Calls on lines and MAGs.

pub(crate) mod line;
pub(crate) mod mag;
