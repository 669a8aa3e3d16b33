//! The portal of MAG boxes and of the apps that act as one (portal.md), and a page for their screens.

mod account;
mod actions;
mod channels;
mod events;
mod page;
mod paging;
mod profile;
mod reply;
mod request;
mod session;
mod stb;
mod watching;
mod words;

use actix_web::web::{Data, ServiceConfig, redirect, resource, route};

/// Mounts the addresses that boxes are given: the portal's own folder, with or without the name that
/// the trade's first product gave it.
pub fn routes(config: &mut ServiceConfig) {
    let api = || route().to(actions::entry);
    for folder in ["", "/stalker_portal"] {
        config
            .service(resource(format!("{folder}/portal.php")).route(api()))
            .service(resource(format!("{folder}/server/load.php")).route(api()))
            .service(resource(format!("{folder}/c/portal.php")).route(api()))
            .service(resource(format!("{folder}/c/server/load.php")).route(api()))
            .service(resource(format!("{folder}/c/")).route(route().to(page::or_api)))
            .service(resource(format!("{folder}/c/index.html")).route(route().to(page::or_api)))
            .service(resource(format!("{folder}/c")).route(route().to(page::without_slash)));
        for file in page::FILES {
            config.service(
                resource(format!("{folder}/c/{}", file.name))
                    .route(route().to(move || async { file.answer() })),
            );
        }
    }
    for bare in ["/stalker_portal", "/stalker_portal/"] {
        config.service(redirect(bare, "/stalker_portal/c/"));
    }
}

/// What is kept between requests: made once, shared by every worker.
pub fn kept() -> Data<paging::Counting> {
    Data::new(paging::Counting::default())
}
