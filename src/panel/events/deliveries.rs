//! What was delivered to a webhook, and what waits; each can be sent once more.

use actix_web::web::{Path, ServiceConfig, resource};
use askama::Template;

use super::{tabs, webhooks::PATH};
use crate::{
    domain::{Error, Resource, events::webhook::Webhook, ids::parse_id, people::rights::Access},
    ops::{
        Act, Look,
        events::webhooks::{self, Again, Delivery},
    },
    panel::kit::{
        caller::{Caller, action, done},
        error::Reply,
        frame::Frame,
        records::{self, Shown},
        searched::Searched,
        sent::Query,
        show::Moment,
        table::{Cell, Head, Link, Listing, RowAction, Tone},
        tabs::Tabs,
    },
};

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/webhooks/{id}/deliveries").get(page))
        .service(resource("/webhooks/{id}/deliveries/{event}/resend").post(resend));
}

#[derive(Template)]
#[template(path = "events.html")]
struct Deliveries {
    frame: Frame,
    tabs: Tabs,
    about: String,
    listing: Listing,
}

async fn page(caller: Caller, id: Path<String>, query: Query) -> Reply {
    let hook = records::find::<Webhook>(&caller, &id).await?;
    let searched = Searched::read(&query);
    let (asked, hook_id) = (searched.page(), hook.id);
    let job = move |look: &Look<'_>| webhooks::deliveries(look, hook_id, None, &asked);
    let found = caller.ops.read(caller.actor(), action(Resource::Webhooks, "deliveries"), job).await?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let may_write = caller.may_write(Resource::Webhooks) && hook.record.enabled;
    let href = Webhook::href(hook.id);
    let row = |row: &Delivery| {
        let moment = |at| Moment::of(at, &zone);
        let state = match row.state.as_str() {
            "delivered" => Cell::Badge(Tone::Good, "delivered".into()),
            "waiting" => Cell::Badge(Tone::Warn, "waiting".into()),
            _ => Cell::Badge(Tone::Bad, "failed".into()),
        };
        let why = match (row.error.as_str(), row.status) {
            ("", Some(status)) => format!("status {status}"),
            (error, _) => error.to_owned(),
        };
        let again = RowAction::Do {
            action: format!("{href}/deliveries/{}/resend", row.event_id),
            label: "Send again".into(),
        };
        vec![
            Cell::Number(row.event_id.to_string()),
            Cell::Code(row.kind.clone()),
            Cell::Under(Box::new(state), why),
            Cell::Number(row.attempts.to_string()),
            Cell::Time(row.last_at.map(moment), "not yet"),
            Cell::Time(row.next_at.filter(|at| at.seconds() > 1).map(moment), ""),
            Cell::Actions(if may_write { vec![again] } else { Vec::new() }),
        ]
    };
    let mut heads = vec![Head::numeric("Event")];
    heads.extend(["Type", "State"].map(Head::new));
    heads.push(Head::numeric("Attempts"));
    heads.extend(["Last", "Next", ""].map(Head::new));
    let listing = Listing {
        label: "Deliveries",
        links: vec![Link::new(PATH, "Webhooks")],
        heads,
        rows: found.rows.iter().map(row).collect(),
        empty: "Nothing was sent yet.".into(),
        pager: searched.pager(&format!("{href}/deliveries"), found.total, "delivery"),
        ..Listing::default()
    };
    let about = "What was sent, newest first. Events of one line, MAG or stream are sent in order: while one is waiting, those after it wait too.";
    let frame = caller.frame(format!("Deliveries to {}", hook.record.url.shown()));
    Ok(caller.page(&Deliveries { frame, tabs: tabs(""), about: about.into(), listing }))
}

async fn resend(caller: Caller, path: Path<(String, String)>) -> Reply {
    caller.actor().may(Resource::Webhooks, Access::Write)?;
    let (id, event) = path.into_inner();
    let hook = records::find::<Webhook>(&caller, &id).await?;
    let event = parse_id(&event).map_err(|_| Error::no_such(Resource::Events))?;
    let job = move |act: &Act<'_>| webhooks::resend(act, hook.id, Again::Event(event));
    caller.ops.write(caller.actor().clone(), action(Resource::Webhooks, "resend"), job).await?;
    let to = format!("{}/deliveries", Webhook::href(hook.id));
    Ok(done(&to, &format!("Event {event} will be sent again.")))
}
