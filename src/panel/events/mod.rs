//! What happened, and who is told of it.

mod deliveries;
mod log;
mod message_targets;
mod messages;
mod webhooks;

use actix_web::web::ServiceConfig;

use crate::panel::kit::tabs::{Tab, Tabs};

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .configure(log::routes)
        .configure(deliveries::routes)
        .configure(webhooks::routes)
        .configure(messages::routes)
        .configure(message_targets::routes);
}

/// The tabs of the log and of those who are told of it.
fn tabs(current: &str) -> Tabs {
    let pages = [
        ("Events", log::PATH),
        ("Webhooks", webhooks::PATH),
        ("Messages", messages::PATH),
        ("Message targets", message_targets::PATH),
    ];
    let tab = |(label, path): (_, &str)| Tab { label, href: path.into(), current: path == current };
    Tabs { label: "Events", tabs: pages.into_iter().map(tab).collect() }
}
