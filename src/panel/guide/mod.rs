//! The programme guide: what is on.

mod grid;
mod on;
mod view;

use actix_web::web::{ServiceConfig, resource};

pub use on::{in_words, now_and_next};

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/guide").get(view::show));
}
