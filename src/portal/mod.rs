//! The portal of MAG boxes and of the apps that act as one (docs/mag.md), and a page for their screens.

mod account;
mod actions;
mod archive;
mod channels;
mod events;
mod guide;
mod page;
mod paging;
mod profile;
mod reply;
mod request;
mod session;
mod stb;
mod watching;
mod words;

use std::sync::Arc;

use actix_web::web::{ServiceConfig, resource, route};

pub use request::fuzz;

use crate::wire::fetching::Fetching;

/// The folders that a portal stands in, by the names that its makers gave it over the years.
const FOLDERS: [&str; 4] = ["", "/stalker_portal", "/stalker", "/ministra"];
/// The folders of its page below them, by which most people know the address.
const PAGES: [&str; 3] = ["/c", "/c_", "/client"];

/// What is kept between requests: how boxes count pages, and who is fetching a long list.
#[derive(Default)]
pub struct PortalCache {
    counting: paging::Counting,
    fetching: Arc<Fetching>,
}

/// Mounts every address that boxes and apps are given for the portal.
pub fn routes(config: &mut ServiceConfig) {
    let pages = || FOLDERS.iter().flat_map(|folder| PAGES.map(|page| format!("{folder}{page}")));
    let places: Vec<String> = pages().chain(FOLDERS.iter().map(|folder| (*folder).to_owned())).collect();
    let api = places.iter().flat_map(|place| {
        ["/portal.php", "/portal.php/", "/server/load.php", "/server/load.php/", "/load.php", "/load.php/"]
            .map(|file| format!("{place}{file}"))
    });
    config
        .service(resource(api.collect::<Vec<_>>()).route(route().to(actions::entry)))
        .service(resource(with("/", pages())).route(route().to(page::or_api)))
        .service(resource(with("/index.html", pages())).route(route().to(page::or_api)))
        .service(resource(pages().collect::<Vec<_>>()).route(route().to(page::without_slash)))
        .service(resource(with("/{file}", pages())).route(route().to(page::file)));
    let folders = FOLDERS.iter().filter(|folder| !folder.is_empty());
    let folders = folders.flat_map(|folder| [(*folder).to_owned(), format!("{folder}/")]);
    config.service(resource(folders.collect::<Vec<_>>()).route(route().to(page::folder)));
}

fn with(file: &str, pages: impl Iterator<Item = String>) -> Vec<String> {
    pages.map(|page| format!("{page}{file}")).collect()
}
