//! Live bytes: the stream URLs of players (player-api.md, A.1 and A.8).

mod hls;
mod live;
mod refusal;
mod sendfile;

use actix_web::web::{ServiceConfig, resource, route, scope};

/// Mounts the stream URLs. `/U/P/ID` looks like any path of three segments, so it comes last.
pub fn routes(config: &mut ServiceConfig) {
    let live = || route().to(live::watch);
    config
        .service(scope("/live").default_service(live()))
        .service(resource("/play/{token}").route(route().to(live::play)))
        .service(resource("/play/{token}/{form}").route(route().to(live::play)))
        .service(resource("/hls/{token}/{file}").route(route().to(hls::segment)))
        .service(resource("/{username}/{password}/{file:[0-9]+(?:\\.(?i:ts|m3u8))?}").route(live()));
}
