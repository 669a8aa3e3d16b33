//! The classic API (docs/classic-api.md): the calls that modules for Xtream Codes make at `/api.php`, over the use cases of
//! the Server API.

mod access;
mod call;
mod calls;
mod fields;
mod lines;
mod mags;
mod reply;
mod resellers;
mod rows;
mod servers;
mod streams;

use actix_web::web::{ServiceConfig, resource, route};

/// Mounts its one address.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/api.php").route(route().to(calls::entry)));
}
