//! What players ask beside the streams themselves (docs/players.md): the Xtream player API, playlists,
//! the programme guide.

mod account;
mod etag;
mod guide;
mod json_api;
mod listings;
mod lists;
mod packed;
mod parts;
mod playlist;
mod request;
mod template;

use actix_web::web::{ServiceConfig, resource, route};

/// Mounts the addresses that players know.
pub fn routes(config: &mut ServiceConfig) {
    let api = || route().to(json_api::player_api);
    let playlist = || route().to(playlist::get);
    let guide = || route().to(guide::get);
    config
        .service(resource("/player_api.php").route(api()))
        .service(resource("/player_api/{username}/{password}").route(api()))
        .service(resource("/player_api/{username}/{password}/{action}").route(api()))
        .service(resource("/panel_api.php").route(route().to(json_api::panel_api)))
        .service(resource("/get.php").route(playlist()))
        .service(resource("/playlist/{username}/{password}/{type}").route(playlist()))
        .service(resource("/playlist/{username}/{password}/{type}/{output}").route(playlist()))
        .service(resource("/xmltv.php").route(guide()))
        .service(resource("/epg/{username}/{password}").route(guide()));
}

/// What is kept between requests: playlists of every set of bouquets, what guides are made of, and who is fetching what.
#[derive(Default)]
pub struct PlayerCache {
    playlists: playlist::Playlists,
    guides: guide::Guides,
    listings: listings::Listings,
    /// Who is fetching a long list.
    lists: std::sync::Arc<crate::wire::fetching::Fetching>,
}
