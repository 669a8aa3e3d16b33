//! The panel: pages that an operator and a reseller work in, rendered here, without a framework.
//!
//! A page is a handler that takes a `kit::caller::Caller` (who is signed in), asks the use cases, and renders
//! a template. Lists are a `kit::table::Listing`, forms a `kit::form::Form`; both are drawn by one template, so
//! that every page looks and behaves alike.

mod channels;
mod events;
mod guide;
pub(crate) mod kit;
mod machine;
mod middleware;
mod people;
mod portal;
mod subscribers;
mod viewing;

pub use kit::live::Live;
use kit::live::Topics;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    middleware::from_fn,
    web::{ServiceConfig, resource, route, scope},
};

/// Every page whose parts change while one looks at it.
const TOPICS: Topics = Topics(&[
    machine::dashboard::TOPIC,
    machine::servers::TOPIC,
    machine::jobs::TOPIC,
    machine::backups::TOPIC,
    channels::streams::LIST,
    channels::streams::PAGE,
    guide::sources::TOPIC,
    viewing::connections::TOPIC,
]);

/// Mounts the panel. Comes before the stream URLs, whose `/U/P/ID` would take `/panel/lines/7`.
pub fn routes(config: &mut ServiceConfig) {
    let panel = scope("/panel")
        .wrap(from_fn(kit::error::framed))
        .wrap(from_fn(middleware::same_origin::guard))
        .wrap(from_fn(middleware::refusals::note))
        // Outermost: nothing of a page is made for whoever is led elsewhere.
        .wrap(from_fn(middleware::https::lead))
        .service(resource("/assets/{file}").get(kit::assets::get))
        .configure(people::login::routes)
        .configure(people::forgotten::routes)
        .configure(people::oidc::routes)
        .configure(people::account::routes)
        .configure(people::second_factor::routes)
        .configure(|config| kit::live::routes(config, TOPICS))
        .configure(machine::dashboard::routes)
        .configure(machine::settings::routes)
        .configure(machine::api_settings::routes)
        .configure(machine::classic_api::routes)
        .configure(machine::mail::routes)
        .configure(machine::backups::routes)
        .configure(machine::sign_in_settings::routes)
        .configure(machine::jobs::routes)
        .configure(viewing::security::routes)
        .configure(people::resellers::routes)
        .configure(people::administrators::routes)
        .configure(people::statement::routes)
        .configure(machine::logs::routes)
        .configure(machine::servers::routes)
        .configure(kit::records::routes)
        .configure(channels::streams::routes)
        .configure(guide::routes)
        .configure(events::routes)
        .configure(channels::recordings::routes)
        .configure(portal::set_top_box::routes)
        .configure(subscribers::routes)
        .configure(viewing::connections::routes)
        .service(resource("").get(async || moved("/panel/")))
        .default_service(route().to(kit::error::no_such_page));
    config
        .service(resource("/").get(start))
        // Browsers ask for it there, whatever a page says.
        .service(resource("/favicon.ico").get(async || moved(&kit::assets::FAVICON.url())))
        .service(panel);
}

/// The bare address of the server leads to the panel.
async fn start(request: HttpRequest) -> HttpResponse {
    middleware::https::elsewhere(&request).unwrap_or_else(|| moved("/panel/"))
}

/// Sends the browser on to another page, to be fetched with GET.
fn moved(to: &str) -> HttpResponse {
    // What somebody typed may hold a line end, which is none in a header.
    let to = percent_encoding::utf8_percent_encode(to, percent_encoding::CONTROLS).to_string();
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}
