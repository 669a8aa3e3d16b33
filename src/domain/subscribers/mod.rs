//! Lines and MAGs, and what is sold with them.

pub mod batch;
pub mod bulk;
pub mod counts;
pub mod line;
pub mod listing;
pub mod mag;
pub mod named;
pub mod plan;
pub mod subscription;
