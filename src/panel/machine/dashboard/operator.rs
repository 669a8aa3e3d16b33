//! The operator's dashboard: each part for those who may look at what it shows.

use jiff::tz::TimeZone;

use super::{
    COUNTING, Figure, Figures, Meters, Part, ROWS, Tile, View, active_figure, certificates, credits_tile,
    ending_tile, number, states_tile, usage::Usage,
};
use crate::{
    domain::{
        Fact, Resource, Result,
        channels::run::State,
        fields::time::UnixTime,
        ids::Id,
        machine::leap::Leap,
        page::{Limit, Page},
        people::rights::Access,
    },
    ops::{
        Action,
        channels::{
            recordings::{Recording, Recordings},
            streams::{self, Running},
        },
        events::webhooks::ShownHook,
        guide::sources::ShownSource,
        machine::logs,
    },
    panel::kit::{
        show::{self, Moment},
        table::{Cell, Head, Link, RowAction, Tone},
    },
};

pub async fn parts(view: &View) -> Result<Vec<Part>> {
    let may = |resource| view.actor.may(resource, Access::Read).is_ok();
    let zone = view.ops.snapshot().settings.time_zone.zone();
    let mut figures = Vec::new();
    let mut tiles = Vec::new();
    if let Some(leap) = view.ops.leap() {
        tiles.push(Part::of(
            "clock",
            &clock_tile(leap, view.actor.may(Resource::Settings, Access::Write).is_ok()),
        ));
    }
    if may(Resource::Connections) {
        let viewers = view.ops.connections_for(&view.actor).await?.len();
        figures.push(Figure {
            value: show::number(i64::try_from(viewers).unwrap_or(i64::MAX)),
            name: if viewers == 1 { "viewer now" } else { "viewers now" },
            more: String::new(),
            href: "/panel/connections",
        });
        let samples = view.ops.usage(&view.actor, Usage::SECONDS).await?;
        tiles.push(Part::of("usage", &Usage::of(&samples, crate::ops::clock::now())));
    }
    if may(Resource::Servers) {
        tiles.push(Part::of("load", &Meters::of(&view.ops.load())));
    }
    if may(Resource::Settings) {
        let all = view.ops.certificates();
        tiles.extend(
            certificates::tile(&all, crate::ops::clock::now(), &zone)
                .map(|tile| Part::of("certificates", &tile)),
        );
    }
    if may(Resource::Line) {
        let counted = view.ops.subscribers_by_state(&view.actor).await?;
        figures.push(active_figure(counted.as_ref()));
        let next = view.ops.lines_ending(&view.actor, ROWS).await?;
        tiles.push(Part::of("subscribers", &states_tile(counted.as_ref())));
        tiles.push(Part::of("ending", &ending_tile(counted.as_ref(), &next, &zone)));
    }
    if may(Resource::Streams) {
        let action = Action { resource: Resource::Streams, name: "dashboard" };
        let all = view.ops.read(&view.actor, action, |look| streams::list(look, None)).await?;
        let all = view.ops.running(all);
        let up = all.iter().filter(|stream| stream.is_online()).count();
        let down = all.iter().filter(|stream| is_down(stream)).count();
        let idle = all.iter().filter(|stream| is_idle(stream)).count();
        figures.push(Figure {
            value: show::number(i64::try_from(up).unwrap_or(i64::MAX)),
            name: if up == 1 { "stream up" } else { "streams up" },
            more: format!("{down} down, {idle} on demand"),
            href: "/panel/streams",
        });
        tiles.push(Part::of("channels", &channels_tile(&all)));
        tiles.push(Part::of("streams", &down_tile(&all)));
    }
    if may(Resource::Archive) {
        let found = view.ops.recordings(&view.actor).await?;
        tiles.extend(recordings_tile(&found).map(|tile| Part::of("recordings", &tile)));
    }
    if may(Resource::Guide) {
        let (ops, action) =
            (view.ops.clone(), Action { resource: Resource::GuideSources, name: "dashboard" });
        let warnings = view.ops.read(&view.actor, action, move |look| ops.guide_warnings(look)).await?;
        if !warnings.is_empty() {
            tiles.push(Part::of("guide", &guide_tile(&warnings, &zone)));
        }
    }
    tiles.extend(lost_tile(view, may(Resource::Settings)).map(|tile| Part::of("secrets", &tile)));
    tiles.extend(webhooks(view, may(Resource::Webhooks)).await?.map(|tile| Part::of("webhooks", &tile)));
    if may(Resource::Messages) {
        tiles.extend(messages_tile(view).await?.map(|tile| Part::of("messages", &tile)));
    }
    if may(Resource::Backups) {
        tiles.extend(backups_tile(view).await?.map(|tile| Part::of("backups", &tile)));
    }
    if may(Resource::Resellers) {
        let sold = view.ops.credits_sold(&view.actor).await?;
        figures.push(Figure {
            value: sold.map_or_else(|| COUNTING.into(), |sold| show::number(sold.today)),
            name: "credits sold today",
            more: String::new(),
            href: "/panel/resellers",
        });
        tiles.push(Part::of(
            "credits",
            &credits_tile("Credits sold", Link::new("/panel/resellers", "Resellers"), sold),
        ));
    }
    if may(Resource::Logs) {
        let action = Action { resource: Resource::Logs, name: "dashboard" };
        let rows = view.ops.read(&view.actor, action, |look| logs::latest_errors(look, 5)).await?;
        tiles.push(Part::of("errors", &errors_tile(&rows, &zone)));
    }
    let mut parts = vec![Part::of("figures", &Figures { figures })];
    parts.extend(tiles);
    Ok(parts)
}

/// A stream that is to play and does not: one that is stopped, or on demand without viewers, is as it should be.
/// Says that the clock has leapt, and what to do.
fn clock_tile(leap: Leap, may_confirm: bool) -> Tile {
    let confirm = RowAction::Do { action: "/panel/confirm-clock".into(), label: "The clock is right".into() };
    Tile {
        title: "The clock has jumped",
        heads: vec![Head::new(""), Head::new("")],
        rows: vec![vec![
            Cell::Badge(Tone::Bad, leap.words()),
            Cell::Actions(if may_confirm { vec![confirm] } else { Vec::new() }),
        ]],
        note: "Until it is set right, or somebody confirms it, nothing is deleted because of its age, and calls repeated with an \
               Idempotency-Key are not done again however old they are. If Linecard was simply switched off for that long, confirm it; \
               after at most 60 days this happens automatically once the clock has run steadily for an hour."
            .into(),
        ..Tile::default()
    }
}

/// The webhooks that need somebody, if there are any.
async fn webhooks(view: &View, may_see: bool) -> Result<Option<Tile>> {
    if !may_see {
        return Ok(None);
    }
    let (ops, action) = (view.ops.clone(), Action { resource: Resource::Webhooks, name: "dashboard" });
    let whole = Page { limit: Limit::MOST, ..Page::default() };
    let hooks = view.ops.read(&view.actor, action, move |look| ops.hooks(look, &whole)).await?.rows;
    let bad: Vec<_> =
        hooks.iter().filter(|hook| !hook.has_secret || !hook.health.last_error.is_empty()).collect();
    Ok((!bad.is_empty()).then(|| webhooks_tile(&bad)))
}

/// What of backups needs somebody, if anything does.
async fn backups_tile(view: &View) -> Result<Option<Tile>> {
    let (ops, action) = (view.ops.clone(), Action { resource: Resource::Backups, name: "dashboard" });
    let warnings = view.ops.read(&view.actor, action, move |look| ops.backup_warnings(look)).await?;
    let row = |(what, why)| vec![Cell::Badge(Tone::Bad, what), Cell::Text(why)];
    Ok((!warnings.is_empty()).then(|| Tile {
        title: "Backups that need attention",
        more: Some(Link::new("/panel/settings/backups", "Backups")),
        heads: ["Backup", "Why, and what to do"].map(Head::new).into(),
        rows: warnings.into_iter().map(row).collect(),
        ..Tile::default()
    }))
}

/// What of messages needs somebody, if anything does.
async fn messages_tile(view: &View) -> Result<Option<Tile>> {
    let (ops, action) = (view.ops.clone(), Action { resource: Resource::Messages, name: "dashboard" });
    let warnings = view.ops.read(&view.actor, action, move |look| ops.message_warnings(look)).await?;
    let row = |(what, why)| vec![Cell::Text(what), Cell::Text(why)];
    Ok((!warnings.is_empty()).then(|| Tile {
        title: "Messages that need attention",
        more: Some(Link::new("/panel/messages", "Messages")),
        heads: ["Messages", "Why"].map(Head::new).into(),
        rows: warnings.into_iter().map(row).collect(),
        ..Tile::default()
    }))
}

/// A secret of the settings that has to be typed again; those of webhooks stand with their webhooks.
fn lost_tile(view: &View, may_see: bool) -> Option<Tile> {
    (may_see && view.ops.classic_password_is_lost()).then(|| Tile {
        title: "Secrets that must be typed again",
        more: Some(Link::new("/panel/settings/api", "API Settings")),
        heads: ["Secret", "Why"].map(Head::new).into(),
        rows: vec![vec![
            Cell::Text("The password of the classic API".into()),
            Cell::Text(
                "It was sealed with another key, and no call of the classic API is answered: type it again, or put the key file back."
                    .into(),
            ),
        ]],
        ..Tile::default()
    })
}

/// The webhooks that need somebody.
fn webhooks_tile(hooks: &[&ShownHook]) -> Tile {
    let row = |hook: &&ShownHook| {
        let why = if hook.has_secret {
            hook.health.last_error.clone()
        } else {
            "Its secret was sealed with another key, and nothing is sent: make a new one, or put the key file back.".into()
        };
        vec![Cell::Text(hook.row.record.url.shown()), Cell::Text(why)]
    };
    Tile {
        title: "Webhooks that need attention",
        more: Some(Link::new("/panel/webhooks", "Webhooks")),
        heads: ["Webhook", "Why"].map(Head::new).into(),
        rows: hooks.iter().map(row).collect(),
        ..Tile::default()
    }
}

fn is_down(stream: &Running) -> bool {
    stream.stream.record.enabled && stream.status.as_ref().is_some_and(|status| status.state.is_down())
}

/// On demand, and nobody watches it.
fn is_idle(stream: &Running) -> bool {
    stream.status.as_ref().is_some_and(|status| status.state == State::Stopped)
}

fn down_tile(all: &[Running]) -> Tile {
    let down = all.iter().filter(|stream| is_down(stream));
    let row = |stream: &Running| {
        let why = stream.why().unwrap_or_default();
        vec![link(stream), Cell::Many(vec![Cell::Badge(Tone::Bad, stream.state().into()), Cell::Text(why)])]
    };
    let rows: Vec<_> = down.clone().take(ROWS as usize).map(row).collect();
    let more = down.count().saturating_sub(rows.len());
    Tile {
        title: "Streams that are down",
        more: Some(Link::new("/panel/streams", "Streams")),
        heads: vec![Head::new("Stream"), Head::new("Why")],
        rows,
        empty: "Every stream that should be running is.",
        note: if more > 0 { format!("And {more} more.") } else { String::new() },
    }
}

/// Says what is not recorded that should be, if anything is not.
fn recordings_tile(found: &Recordings) -> Option<Tile> {
    let missing = found.streams.iter().filter(|stream| stream.why.is_some());
    let row = |stream: &Recording| {
        let why = stream.why.clone().unwrap_or_default();
        vec![
            Cell::Text(stream.name.clone().unwrap_or_default()),
            Cell::Many(vec![Cell::Badge(Tone::Bad, "not recording".into()), Cell::Text(why)]),
        ]
    };
    let rows: Vec<_> = match &found.paused {
        Some(why) => vec![vec![Cell::Text("All streams".into()), Cell::Badge(Tone::Bad, why.clone())]],
        None => missing.clone().take(ROWS as usize).map(row).collect(),
    };
    let more = if found.paused.is_some() { 0 } else { missing.count().saturating_sub(rows.len()) };
    (!rows.is_empty()).then(|| Tile {
        title: "Streams that are not recorded",
        more: Some(Link::new("/panel/recordings", "Recordings")),
        heads: vec![Head::new("Stream"), Head::new("Why")],
        rows,
        note: if more > 0 { format!("And {more} more.") } else { String::new() },
        ..Tile::default()
    })
}

fn channels_tile(all: &[Running]) -> Tile {
    let mut watched: Vec<&Running> = all.iter().filter(|stream| stream.clients > 0).collect();
    watched.sort_by_key(|stream| std::cmp::Reverse(stream.clients));
    let row =
        |stream: &&Running| vec![link(stream), number(i64::try_from(stream.clients).unwrap_or(i64::MAX))];
    Tile {
        title: "Top channels now",
        more: Some(Link::new("/panel/connections", "Connections")),
        heads: vec![Head::new("Channel"), Head::numeric("Viewers")],
        rows: watched.iter().take(ROWS as usize).map(row).collect(),
        empty: "Nobody is watching.",
        ..Tile::default()
    }
}

fn guide_tile(warnings: &[(ShownSource, Option<UnixTime>)], zone: &TimeZone) -> Tile {
    let row = |(source, end): &(ShownSource, Option<UnixTime>)| {
        let href = format!("/panel/guide/sources/{}", source.row.id.number());
        let mut state = Vec::new();
        if let Some(end) = end {
            state.push(Cell::Badge(Tone::Warn, "runs out".into()));
            state.push(Cell::Time(Some(Moment::of(*end, zone)), ""));
        }
        if !source.health.last_error.is_empty() {
            state.push(Cell::Badge(Tone::Bad, "failed".into()));
            state.push(Cell::Text(source.health.last_error.clone()));
        }
        vec![Cell::Link { href, text: source.row.record.name.as_str().into() }, Cell::Many(state)]
    };
    Tile {
        title: "Programme guide",
        more: Some(Link::new("/panel/guide/sources", "Sources")),
        heads: vec![Head::new("Source"), Head::new("State")],
        rows: warnings.iter().take(ROWS as usize).map(row).collect(),
        ..Tile::default()
    }
}

fn link(stream: &Running) -> Cell {
    let href = format!("/panel/streams/{}", stream.stream.id.number());
    Cell::Link { href, text: stream.stream.record.name.as_str().to_owned() }
}

fn errors_tile(rows: &[crate::ops::machine::logs::LogRow], zone: &TimeZone) -> Tile {
    let row = |row: &crate::ops::machine::logs::LogRow| {
        let fact = |name| row.iter().find(|(column, _)| *column == name).map(|(_, fact)| fact);
        let text = |name| match fact(name) {
            Some(Fact::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let at = match fact("at") {
            Some(Fact::Number(at)) => Some(Moment::of(UnixTime::clamped(*at), zone)),
            _ => None,
        };
        vec![Cell::Time(at, ""), Cell::Text(text("error")), Cell::Code(text("reference"))]
    };
    Tile {
        title: "Panel Error Log",
        more: Some(Link::new("/panel/logs/error", "Show all")),
        heads: vec![Head::new("When"), Head::new("Error"), Head::new("Reference")],
        rows: rows.iter().map(row).collect(),
        empty: "No statement has failed.",
        ..Tile::default()
    }
}
