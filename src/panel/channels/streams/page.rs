//! A stream's page: what it is doing and why not, who watches, where it stands, what was changed.

use actix_web::web::Path;
use askama::Template;

use super::{actions, bitrate, codecs, resolution, state, uptime};
use crate::{
    domain::{
        Fact, Field, Resource, Result, Stored,
        channels::stream::{AtEnd, Stream},
        ids::{Id, StreamId, parse_id},
        people::rights::Access,
        viewing::session::{SessionId, Viewer},
    },
    ops::{
        channels::streams::{self, Running, plays_audio, plays_video},
        clock,
        viewing::connections::{self, Connection, Which},
    },
    panel::{
        guide,
        kit::{
            audit,
            caller::{Caller, action, done},
            error::Reply,
            frame::Frame,
            live::{Part, Topic, View},
            records::{self, About, Shown},
            sent::Query,
            show::{self, Moment},
            table::{Cell, Head, Link, Listing, RowAction},
        },
    },
};

/// What the stream `id` is doing and who watches it change.
pub const TOPIC: Topic = Topic { name: "stream", parts: |view| Box::pin(async move { parts(&view).await }) };

#[derive(Template)]
#[template(path = "stream.html")]
struct StreamPage {
    frame: Frame,
    id: i64,
    may_write: bool,
    actions: Vec<RowAction>,
    remark: String,
    playable: bool,
    is_recorded: bool,
    facts: Part,
    settings: Facts,
    lines: Part,
    viewers: Option<Part>,
    bouquets: Option<Vec<Link>>,
    audit: Option<Listing>,
}

/// Names and what they are.
#[derive(Template)]
#[template(path = "facts.html")]
struct Facts(Vec<(&'static str, Cell)>);

/// ffmpeg's last lines.
#[derive(Template)]
#[template(path = "lines.html")]
struct Lines(Vec<String>);

pub async fn show(caller: Caller, id: Path<String>, query: Query) -> Reply {
    let stream = records::find::<Stream>(&caller, &id).await?;
    let about = About::ask(&caller, &[Resource::Categories, Resource::Servers]).await?;
    let settings = settings(&stream, &about);
    let bouquets = bouquets(&caller, stream.id).await?;
    let audit = audit::of(&caller, Resource::Streams, stream.id.number())?;
    let view = View::of(&caller, query);
    let running = running(&view, stream)?;
    let record = &running.stream.record;
    let may_write = caller.may_write(Resource::Streams);
    let back = Stream::href(running.stream.id);
    Ok(caller.page(&StreamPage {
        frame: caller.frame(record.name.as_str()).live(&TOPIC, &format!("id={}", running.stream.id.number())),
        id: running.stream.id.number(),
        may_write,
        actions: if may_write { actions(&running, &back) } else { Vec::new() },
        remark: remark(&running),
        playable: running.status.is_some(),
        is_recorded: view.ops.viewing.newest(running.stream.id).is_some(),
        facts: facts(&view, &running)?,
        settings,
        lines: lines(&running),
        viewers: viewers(&view, running.stream.id),
        bouquets,
        audit,
    }))
}

async fn parts(view: &View) -> Result<Vec<Part>> {
    let stream = records::find_for::<Stream>(&view.ops, &view.actor, view.query.text("id")).await?;
    let running = running(view, stream)?;
    let mut parts = vec![facts(view, &running)?, lines(&running)];
    parts.extend(viewers(view, running.stream.id));
    Ok(parts)
}

/// Ends the session of a viewer of this stream.
pub async fn kick(caller: Caller, id: Path<String>, query: Query) -> Reply {
    caller.actor().may(Resource::Connections, Access::Write)?;
    let stream = records::find::<Stream>(&caller, &id).await?;
    let session = parse_id(query.text("connection_id")).ok();
    let session = session.map(|id| SessionId(id.unsigned_abs()));
    let watching = caller.ops.viewing.matching(Which::Watching(stream.id));
    let ids: Vec<SessionId> = watching.iter().map(|open| open.id).filter(|id| Some(*id) == session).collect();
    let to = Stream::href(stream.id);
    if ids.is_empty() {
        return Ok(done(&to, "That viewer is already gone."));
    }
    let job = move |act: &crate::ops::Act<'_>| connections::kill(act, &ids);
    caller.ops.write(caller.actor().clone(), action(Resource::Connections, "kill"), job).await?;
    Ok(done(&to, "The viewer was disconnected."))
}

fn running(view: &View, stream: Stored<Stream>) -> Result<Running> {
    let missing = crate::domain::Error::no_such(Resource::Streams);
    view.ops.running(vec![stream]).pop().ok_or(missing)
}

fn facts(view: &View, running: &Running) -> Result<Part> {
    let status = running.status.as_ref();
    let source = status.and_then(|status| status.source).filter(|_| running.status.is_some());
    let source = source.and_then(|place| {
        let source = running.stream.record.sources.get(place)?;
        Some(format!("{}: {}", place + 1, source.shown()))
    });
    let text = |text: String| Cell::Text(if text.is_empty() { "–".into() } else { text });
    let mut facts = vec![
        ("State", state(running)),
        ("Viewers", text(show::number(i64::try_from(running.clients).unwrap_or(i64::MAX)))),
        ("Source in use", source.map_or_else(|| text(String::new()), Cell::Code)),
        ("Bitrate", text(bitrate(running))),
        ("Video", text(resolution(running))),
        ("Codecs", text(codecs(running))),
        ("Uptime", text(uptime(running))),
        ("Restarts", text(status.map_or_else(String::new, |status| status.restarts.to_string()))),
    ];
    if view.actor.may(Resource::Guide, Access::Read).is_ok()
        && let Some(on) = guide::now_and_next(&view.ops, running.stream.id, clock::now())?
    {
        facts.insert(1, ("On now", on));
    }
    Ok(Part::of("facts", &Facts(facts)))
}

fn settings(stream: &Stored<Stream>, about: &About) -> Facts {
    let record = &stream.record;
    let category = record.category_id.map_or("–", |id| about.name(Resource::Categories, id.number()));
    let server = about.name(Resource::Servers, record.server().number());
    let sources: Vec<Cell> = record.sources.iter().map(|source| Cell::Code(source.shown())).collect();
    let mut facts = vec![
        ("Id", Cell::Text(stream.id.number().to_string())),
        ("Category", Cell::Text(category.into())),
        ("Server", Cell::Text(server.into())),
        ("Sources", if sources.is_empty() { Cell::Text("–".into()) } else { Cell::Many(sources) }),
        (
            "Starts",
            Cell::Text(if record.on_demand { "with its first viewer" } else { "automatically" }.into()),
        ),
    ];
    if !record.user_agent.as_str().is_empty() {
        facts.push(("User-Agent", Cell::Text(record.user_agent.as_str().into())));
    }
    if let Fact::Masked(headers) = record.headers.fact()
        && !headers.is_empty()
    {
        facts
            .push(("Headers", Cell::Many(headers.into_iter().map(|(_, shown)| Cell::Code(shown)).collect())));
    }
    if !record.tls_verify {
        facts.push(("Certificates", Cell::Text("not verified".into())));
    }
    if record.audio_to_aac {
        facts.push(("Audio", Cell::Text("converted to AAC".into())));
    }
    if record.at_end == AtEnd::Stop {
        facts.push(("At its end", Cell::Text("stops".into())));
    }
    if record.number.get() > 0 {
        facts.push(("Channel number", Cell::Text(record.number.get().to_string())));
    }
    if !record.epg_channel_id.as_str().is_empty() {
        facts.push(("Guide id", Cell::Text(record.epg_channel_id.as_str().into())));
    }
    if !record.notes.as_str().is_empty() {
        facts.push(("Notes", Cell::Text(record.notes.as_str().into())));
    }
    Facts(facts)
}

fn lines(running: &Running) -> Part {
    let errors = running.status.as_ref().map(|status| status.errors.iter().cloned().collect());
    Part::of("lines", &Lines(errors.unwrap_or_default()))
}

/// What the browser may not play, as far as the codecs are known.
fn remark(running: &Running) -> String {
    let Some(status) = &running.status else { return String::new() };
    let video = status.video_codec.as_deref();
    let audio = status.audio_codec.as_deref();
    match (video, audio) {
        (Some("hevc"), _) => "The video is hevc: some browsers do not play it.".into(),
        (Some(codec), _) if !plays_video(codec) => {
            format!("Browsers do not play {codec}: watch it with a player such as VLC.")
        }
        (_, Some(codec)) if !plays_audio(codec) => {
            format!("No sound in this preview: browsers do not play {codec}. Players do.")
        }
        _ => String::new(),
    }
}

fn viewers(view: &View, stream: StreamId) -> Option<Part> {
    view.actor.may(Resource::Connections, Access::Read).ok()?;
    let mut open = view.ops.viewing.open_connections();
    open.retain(|connection| connection.title.stream() == stream);
    let zone = view.ops.snapshot().settings.time_zone.zone();
    let may_kick = view.actor.may(Resource::Connections, Access::Write).is_ok();
    let row = |connection: &Connection| {
        let (kind, id) = match connection.viewer {
            Viewer::Line(id) => ("lines", id.number()),
            Viewer::Mag(id) => ("mags", id.number()),
        };
        let kick = RowAction::Do {
            action: format!("/panel/streams/{}/kick?connection_id={}", stream.number(), connection.id.0),
            label: "Disconnect".into(),
        };
        vec![
            Cell::Link { href: format!("/panel/{kind}/{id}"), text: connection.subscriber.to_string() },
            Cell::Code(connection.address.to_string()),
            Cell::Text(connection.agent.to_string()),
            Cell::Text(connection.container.name().into()),
            Cell::Time(Some(Moment::of(connection.started_at, &zone)), ""),
            Cell::Number(show::bytes(connection.bytes_sent)),
            Cell::Actions(if may_kick { vec![kick] } else { Vec::new() }),
        ]
    };
    let mut heads: Vec<Head> = ["Who", "Address", "Player", "Format", "Since"].map(Head::new).into();
    heads.extend([Head::numeric("Sent"), Head::new("")]);
    let listing = Listing {
        label: "Watching now",
        heads,
        rows: open.iter().map(row).collect(),
        empty: "Nobody is watching.".into(),
        ..Listing::default()
    };
    Some(Part::of("viewers", &listing))
}

async fn bouquets(caller: &Caller, id: StreamId) -> Result<Option<Vec<Link>>> {
    if !caller.may_read(Resource::Bouquets) {
        return Ok(None);
    }
    let list = action(Resource::Bouquets, "list");
    let held = caller.ops.read(caller.actor(), list, move |look| streams::bouquets_of(look, id)).await?;
    Ok(Some(held.into_iter().map(|(id, name)| Link::new(format!("/panel/bouquets/{id}"), name)).collect()))
}
