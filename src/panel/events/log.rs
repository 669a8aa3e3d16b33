//! The log of events, the newest first.

use actix_web::web::{ServiceConfig, resource};
use askama::Template;

use super::tabs;
use crate::{
    domain::Resource,
    ops::events::follow::{self, EventSeen},
    panel::kit::{
        audit::{self, Words},
        caller::{Caller, action},
        error::Reply,
        frame::Frame,
        sent::Query,
        show::Moment,
        table::{Cell, Head, Listing, Pager},
        tabs::Tabs,
    },
};

/// Where it is.
pub const PATH: &str = "/panel/events";

/// Rows of a page.
const ROWS: usize = 100;

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/events").get(page));
}

#[derive(Template)]
#[template(path = "events.html")]
struct Events {
    frame: Frame,
    tabs: Tabs,
    about: String,
    listing: Listing,
}

async fn page(caller: Caller, query: Query) -> Reply {
    let before = query.text("before").parse::<i64>().ok().filter(|id| *id > 0);
    let list = action(Resource::Events, "list");
    let read = caller.ops.read(caller.actor(), list, move |look| follow::latest(look, before, ROWS));
    let events = read.await?;
    let parts: Vec<(String, String)> = events.iter().map(|event| sides(&event.data)).collect();
    let named = parts.iter().flat_map(|(before, after)| audit::referred(before, after));
    let words = Words::of(&caller, named)?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let row = |(event, (before, after)): (&EventSeen, &(String, String))| {
        let mut changes = vec![Cell::Changes(words.compared(before, after))];
        if event.omitted != "[]" {
            changes.push(Cell::Text(format!("without {}, which is too long", event.omitted)));
        }
        vec![
            Cell::Number(event.id.to_string()),
            Cell::Time(Some(Moment::of(event.at, &zone)), ""),
            Cell::Code(event.kind.clone()),
            Cell::Text(event.key.clone()),
            Cell::Text(event.actor.replacen(':', " ", 1)),
            Cell::Many(changes),
        ]
    };
    let mut heads = vec![Head::numeric("Number")];
    heads.extend(["When", "Type", "Which", "Who", "Before and after"].map(Head::new));
    let next =
        events.last().filter(|_| events.len() == ROWS).map(|last| format!("{PATH}?before={}", last.id));
    let listing = Listing {
        label: "Events",
        heads,
        rows: events.iter().zip(&parts).map(row).collect(),
        empty: "No events yet.".into(),
        pager: Pager { previous: before.map(|_| PATH.to_owned()), next, ..Pager::default() },
        ..Listing::default()
    };
    let days = caller.ops.snapshot().settings.event_retention_days.get();
    let about = match days {
        0 => "There are no events: General Settings -> Days to keep logs -> Events is 0.".to_owned(),
        days => format!(
            "What happens, in order, for systems that follow it by events/list or webhooks. Kept for {days} days."
        ),
    };
    Ok(caller.page(&Events { frame: caller.frame("Events"), tabs: tabs(PATH), about, listing }))
}

/// What was before and what is after, each as JSON.
fn sides(data: &str) -> (String, String) {
    let data: serde_json::Value = serde_json::from_str(data).unwrap_or_default();
    (data["before"].to_string(), data["after"].to_string())
}
