//! The programme guide: what is on, where that comes from, and which channel of it belongs to which stream.

mod grid;
mod matches;
mod on;
pub mod sources;
mod view;

use actix_web::web::{ServiceConfig, resource};

pub use on::{in_words, now_and_next};

use crate::panel::kit::tabs::{Tab, Tabs};

/// Where it is.
pub const PATH: &str = "/panel/guide";

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/guide").get(view::show)).configure(sources::routes).configure(matches::routes);
}

/// The tabs of the guide.
pub fn tabs(current: &str) -> Tabs {
    let pages = [("Programmes", PATH), ("Sources", sources::PATH), ("Matches", matches::PATH)];
    let tab = |(label, path): (_, &str)| Tab { label, href: path.into(), current: path == current };
    Tabs { label: "Guide", tabs: pages.into_iter().map(tab).collect() }
}
