//! The panel: pages that an operator and a reseller work in, rendered here, without a framework.
//!
//! A page is a handler that takes a `caller::Caller` (who is signed in), asks the use cases, and renders
//! a template. Lists are a `table::Listing`, forms a `form::Form`; both are drawn by one template, so
//! that every page looks and behaves alike.

mod account;
mod administrators;
mod api_settings;
mod assets;
mod audit;
mod bouquets;
mod caller;
mod connections;
mod csv;
mod dashboard;
mod error;
mod form;
mod frame;
mod groups;
mod host_cookies;
mod live;
mod login;
mod logs;
mod order;
mod ordered;
mod own_cookies;
mod pages;
mod plans;
mod records;
mod refusals;
mod resellers;
mod rights;
mod same_origin;
mod searched;
mod security;
mod seen;
mod sent;
mod servers;
mod set_top_box;
mod settings;
mod show;
mod statement;
mod streams;
mod subscribers;
mod table;
mod tabs;

pub use live::Live;

use actix_web::{
    HttpResponse,
    http::header,
    middleware::from_fn,
    web::{ServiceConfig, resource, route, scope},
};

/// Mounts the panel. Comes before the stream URLs, whose `/U/P/ID` would take `/panel/lines/7`.
pub fn routes(config: &mut ServiceConfig) {
    let panel = scope("/panel")
        .wrap(from_fn(error::framed))
        .wrap(from_fn(same_origin::guard))
        .wrap(from_fn(refusals::note))
        .service(resource("/assets/{file}").get(assets::get))
        .configure(login::routes)
        .configure(account::routes)
        .configure(live::routes)
        .configure(dashboard::routes)
        .configure(settings::routes)
        .configure(api_settings::routes)
        .configure(security::routes)
        .configure(resellers::routes)
        .configure(administrators::routes)
        .configure(statement::routes)
        .configure(logs::routes)
        .configure(servers::routes)
        .configure(records::routes)
        .configure(streams::routes)
        .configure(set_top_box::routes)
        .configure(subscribers::routes)
        .configure(connections::routes)
        .service(resource("").get(async || moved("/panel/")))
        .default_service(route().to(error::no_such_page));
    config.service(resource("/").get(async || moved("/panel/"))).service(panel);
}

/// Sends the browser on to another page, to be fetched with GET.
fn moved(to: &str) -> HttpResponse {
    // What somebody typed may hold a line end, which is none in a header.
    let to = percent_encoding::utf8_percent_encode(to, percent_encoding::CONTROLS).to_string();
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}
