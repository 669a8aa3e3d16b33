//! What is recorded of streams, how long the disk lasts, and deleting it.

use actix_web::web::{Path, ServiceConfig, resource};
use askama::Template;
use jiff::tz::TimeZone;

use crate::{
    domain::{
        Error, Resource, Result,
        fields::time::UnixTime,
        ids::{Id, StreamId},
        people::rights::Access,
    },
    ops::channels::recordings::{self, Recording, Recordings},
    panel::kit::{
        caller::{Caller, action, done},
        error::Reply,
        frame::Frame,
        pages::ConfirmPage,
        show::{self, Moment},
        table::{Cell, Head, Link, Listing, Pager, RowAction, Tone},
    },
};

/// Its address.
const PATH: &str = "/panel/recordings";

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/recordings").get(show))
        .service(resource("/recordings/{id}/delete").get(ask).post(delete));
}

#[derive(Template)]
#[template(path = "recordings.html")]
struct Page {
    frame: Frame,
    /// Why nothing is recorded at all.
    paused: Option<String>,
    room: Vec<String>,
    listing: Listing,
}

async fn show(caller: Caller) -> Reply {
    let found = caller.ops.recordings(caller.actor()).await?;
    let may_write = caller.may_write(Resource::Archive);
    let may_open = caller.may_read(Resource::Streams);
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let listing = Listing {
        heads: vec![
            Head::new("Stream"),
            Head::new("State"),
            Head::numeric("Days"),
            Head::numeric("Recorded"),
            Head::numeric("Size"),
            Head::new("From"),
            Head::new("To"),
            Head::numeric("Gaps"),
            Head::new(""),
        ],
        rows: found.streams.iter().map(|stream| row(stream, may_open, may_write, &zone)).collect(),
        empty: "No stream is recorded. Set \"Recorded days\" in the form of a stream.".into(),
        pager: Pager {
            summary: if found.streams.is_empty() {
                String::new()
            } else {
                show::many(found.streams.len(), "stream")
            },
            ..Pager::default()
        },
        links: if may_open { vec![Link::new("/panel/streams", "Streams")] } else { Vec::new() },
        ..Listing::default()
    };
    let frame = caller.frame("Recordings");
    Ok(caller.page(&Page { frame, paused: found.paused.clone(), room: room(&found), listing }))
}

/// How much there is, and for how long there is room.
fn room(found: &Recordings) -> Vec<String> {
    let mut told = vec![format!("{} are recorded.", show::bytes(found.bytes))];
    if !found.is_whole {
        told.push("The folder is still being read: there may be more.".into());
    }
    let rate = found.rate();
    if rate > 0 {
        told.push(format!(
            "{} a day are recorded now ({}).",
            show::bytes(rate.saturating_mul(86_400)),
            show::rate(rate / 125)
        ));
    }
    match found.room {
        Some(room) => told.push(format!("There is room for another {}.", show::bytes(room))),
        None => told.push("The free space on the disk of the recordings cannot be read.".into()),
    }
    if let Some(lasts) = found.lasts() {
        told.push(format!(
            "At this rate there is room for {} of what is recorded now.",
            show::duration(lasts / 3600 * 3600)
        ));
        let needed = found.needed();
        let has = found.bytes.saturating_add(found.room.unwrap_or(0));
        told.push(if needed > has {
            format!(
                "All recorded days take {}, which is {} more than there is room for: the oldest recordings go sooner.",
                show::bytes(needed),
                show::bytes(needed - has)
            )
        } else {
            format!("All recorded days take {}, for which there is room.", show::bytes(needed))
        });
    }
    told
}

fn row(stream: &Recording, may_open: bool, may_write: bool, zone: &TimeZone) -> Vec<Cell> {
    let id = stream.stream.number();
    let name = match &stream.name {
        Some(text) if may_open => Cell::Link { href: format!("/panel/streams/{id}"), text: text.clone() },
        Some(text) => Cell::Text(text.clone()),
        None => Cell::Text(format!("Stream {id}, which was deleted")),
    };
    let at = |ms: u64| {
        let seconds = i64::try_from(ms / 1000).unwrap_or(0);
        (stream.totals.pieces > 0).then(|| Moment::of(UnixTime::clamped(seconds), zone))
    };
    let number = |number: u64| Cell::Number(show::number(i64::try_from(number).unwrap_or(i64::MAX)));
    vec![
        name,
        state(stream),
        number(stream.days),
        Cell::Number(show::duration(stream.totals.recorded / 1000)),
        Cell::Number(show::bytes(stream.totals.bytes)),
        Cell::Time(at(stream.totals.from), "nothing yet"),
        Cell::Time(at(stream.totals.to), "nothing yet"),
        number(stream.totals.gaps),
        Cell::Actions(actions(stream, may_open, may_write)),
    ]
}

/// Whether it is recorded, and why not if it should be.
pub fn state(stream: &Recording) -> Cell {
    match &stream.why {
        _ if stream.is_running => Cell::Badge(Tone::Good, "recording".into()),
        Some(why) => {
            let badge = Cell::Badge(Tone::Bad, "not recording".into());
            Cell::Under(Box::new(badge), why.clone())
        }
        None => Cell::Badge(Tone::Plain, "no longer recorded".into()),
    }
}

/// What can be done with the recordings of a stream: the place of the link that plays any moment of them.
fn actions(stream: &Recording, may_open: bool, may_write: bool) -> Vec<RowAction> {
    let mut actions = Vec::new();
    if may_open && stream.name.is_some() && stream.totals.pieces > 0 {
        let href = format!("/panel/streams/{}/archive", stream.stream.number());
        actions.push(RowAction::Go { href, label: "Play".into() });
    }
    if may_write && stream.totals.pieces > 0 {
        let href = format!("{PATH}/{}/delete", stream.stream.number());
        actions.push(RowAction::Go { href, label: "Delete".into() });
    }
    actions
}

async fn ask(caller: Caller, id: Path<i64>) -> Reply {
    caller.actor().may(Resource::Archive, Access::Write)?;
    let stream = find(&caller, StreamId(*id)).await?;
    let name = stream.name.unwrap_or_else(|| format!("stream {id}"));
    let text = format!(
        "Everything that is recorded of {name} will be deleted: {}. This cannot be undone. Recording continues.",
        show::bytes(stream.totals.bytes)
    );
    let page = ConfirmPage {
        frame: caller.frame(format!("Delete the recordings of {name}?")),
        text,
        action: format!("{PATH}/{id}/delete"),
        submit: "Delete",
        cancel: PATH.into(),
        seen: String::new(),
        changed: false,
        barred: false,
    };
    Ok(page.shown(&caller, false))
}

async fn delete(caller: Caller, id: Path<i64>) -> Reply {
    let stream = StreamId(*id);
    let found = caller.ops.deletable(stream).await;
    let job = move |act: &crate::ops::Act<'_>| recordings::forget(act, stream, None, &found);
    caller.ops.write(caller.actor().clone(), action(Resource::Archive, "delete"), job).await?;
    Ok(done(PATH, "The recordings are being deleted."))
}

async fn find(caller: &Caller, id: StreamId) -> Result<Recording> {
    let found = caller.ops.recordings(caller.actor()).await?;
    let mut streams = found.streams.into_iter();
    streams.find(|stream| stream.stream == id).ok_or_else(|| Error::no_such(Resource::Archive))
}
