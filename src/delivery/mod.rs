//! Live bytes: the stream URLs of players (docs/streams.md, "Watching").

mod catchup;
mod hls;
mod live;
mod recording;
mod refusal;
mod sendfile;

use actix_web::web::{ServiceConfig, resource, route, scope};

/// Mounts the stream URLs that begin with a word of their own. They are tried first and by that word: a pattern costs
/// microseconds even where it does not match, and viewers ask most.
pub fn routes(config: &mut ServiceConfig) {
    let play = || route().to(live::play);
    config
        .service(scope("/live").default_service(route().to(live::watch)))
        .service(scope("/timeshift").default_service(route().to(catchup::timeshift)))
        .service(resource("/streaming/timeshift.php").route(route().to(catchup::script)))
        .service(scope("/archive").service(resource("/{token}/{file}").route(route().to(catchup::file))))
        .service(scope("/hls").service(resource("/{token}/{file}").route(route().to(hls::segment))))
        .service(
            scope("/play")
                .service(resource("/{token}").route(play()))
                .service(resource("/{token}/{form}").route(play())),
        );
}

/// Mounts `/U/P/ID`. It looks like any path of three segments, so it comes after those of the player API.
pub fn short_routes(config: &mut ServiceConfig) {
    let file = resource("/{username}/{password}/{file:[0-9]+(?:\\.(?i:ts|m3u8))?}");
    config.service(file.route(route().to(live::watch)));
}
