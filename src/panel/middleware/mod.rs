//! What holds for every request of the panel.

pub(crate) mod host_cookies;
pub(crate) mod https;
pub(crate) mod own_cookies;
pub(crate) mod refusals;
pub(crate) mod same_origin;
