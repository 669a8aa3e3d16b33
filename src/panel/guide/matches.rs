//! Which channel of the guide belongs to which stream: what the rules are not sure of is for a person to review.

use std::fmt::Write as _;

use actix_web::web::{Path, ServiceConfig, resource};
use askama::Template;

use super::tabs;
use crate::{
    domain::{
        Error, Resource, Result,
        fields::text::GuideId,
        guide::{
            matched::{Match, State},
            names::normalised,
        },
        ids::{GuideSourceId, Id, StreamId, parse_id},
        page::Start,
        people::rights::Access,
    },
    ops::guide::choosing::{self, Choice as Chosen},
    panel::kit::{
        caller::{Caller, action, done},
        error::Reply,
        form::Choice,
        frame::Frame,
        searched::{ROWS, Searched},
        sent::Query,
        show,
        table::{Cell, Filter, Head, Listing, RowAction, Tone},
        tabs::Tabs,
    },
};

/// Where it is.
pub const PATH: &str = "/panel/guide/matches";

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/guide/matches").get(list))
        .service(resource("/guide/matches/{stream}").get(channels).post(choose));
}

#[derive(Template)]
#[template(path = "guide_matches.html")]
struct Matches {
    frame: Frame,
    tabs: Tabs,
    about: String,
    /// What can be done with the stream that the page is about.
    actions: Option<Cell>,
    listing: Listing,
}

async fn list(caller: Caller, query: Query) -> Reply {
    let searched = Searched::read(&query);
    let (text, from) = (searched.text.clone(), searched.from);
    let state = query.text("state").to_owned();
    let state = if state.is_empty() { State::Suggested.name().to_owned() } else { state };
    let of = State::named(&state);
    let look = action(Resource::Guide, "matches");
    let read = caller.ops.read(caller.actor(), look, move |look| {
        choosing::matches(look, of, &text, Start::Offset(from), ROWS)
    });
    let found = read.await?;
    let sources = caller.ops.names(Resource::GuideSources).await?;
    let may_write = caller.may_write(Resource::Guide);
    let mut pager = searched.pager(PATH, found.total, "stream");
    for href in pager.previous.iter_mut().chain(&mut pager.next) {
        let _ = write!(href, "&state={state}");
    }
    let states = [
        ("suggested", "To review"),
        ("matched", "With a channel"),
        ("none", "Without a channel"),
        ("any", "All streams"),
    ];
    let listing = Listing {
        label: "Matches",
        search: Some(searched.text.clone()),
        search_hint: "Name of a stream",
        filters: vec![Filter {
            name: "state",
            label: "State",
            choices: states.map(|(value, label)| Choice::new(value, label)).into(),
            value: state.clone(),
        }],
        heads: ["Stream", "Channel of the guide", "State", ""].map(Head::new).into(),
        rows: found.rows.iter().map(|(name, found)| row(name, found, &sources, may_write, &state)).collect(),
        empty: if of == Some(State::Suggested) { "Nothing to review.".into() } else { searched.empty() },
        pager,
        ..Listing::default()
    };
    let about = "Streams and their channels in the guide. Rules match what is sure: the same id or the same name. The rest is for \
                 you to review, and what you choose stays.";
    let frame = caller.frame("Guide matches");
    Ok(caller.page(&Matches { frame, tabs: tabs(PATH), about: about.into(), actions: None, listing }))
}

fn row(name: &str, found: &Match, sources: &[(i64, String)], may_write: bool, state: &str) -> Vec<Cell> {
    let stream = found.stream.number();
    let channel = match &found.channel {
        None => Cell::Text(String::new()),
        Some((source, id)) => {
            let source = sources.iter().find(|(of, _)| *of == source.number());
            let source = source.map(|(_, name)| name.clone()).unwrap_or_default();
            Cell::Under(Box::new(Cell::Code(id.as_str().into())), source)
        }
    };
    let by = if found.by_person { "chosen" } else { "by rule" };
    let badge = match (found.state, found.by_person) {
        (State::Matched, _) => Cell::Under(Box::new(Cell::Badge(Tone::Good, "matched".into())), by.into()),
        (State::Suggested, _) => {
            let alike = format!("{} % alike", found.score);
            Cell::Under(Box::new(Cell::Badge(Tone::Warn, "suggested".into())), alike)
        }
        (State::None, true) => {
            Cell::Under(Box::new(Cell::Badge(Tone::Plain, "none of these".into())), by.into())
        }
        (State::None, false) => Cell::Badge(Tone::Plain, "none".into()),
    };
    let act = |choice: &str, label: &str| RowAction::Do {
        action: format!("{PATH}/{stream}?state={state}&{choice}"),
        label: label.into(),
    };
    let mut actions = Vec::new();
    if may_write {
        if let (State::Suggested, Some((source, id))) = (found.state, &found.channel) {
            actions.push(act(&chosen(*source, id.as_str()), "Accept"));
        }
        actions.push(RowAction::Go { href: format!("{PATH}/{stream}"), label: "Choose".into() });
        if !(found.by_person && found.state == State::None) {
            actions.push(act("none=1", "None of these"));
        }
        if found.by_person {
            actions.push(act("reset=1", "Leave to the rules"));
        }
    }
    let name = Cell::Link { href: format!("/panel/streams/{stream}"), text: name.into() };
    vec![name, channel, badge, Cell::Actions(actions)]
}

/// A channel as the parameters of a choice.
fn chosen(source: GuideSourceId, id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("source={}&guide_id={id}", source.number())
}

/// The channels to choose from for one stream: at first those that hold the first word of its name.
async fn channels(caller: Caller, stream: Path<String>, query: Query) -> Reply {
    caller.actor().may(Resource::Guide, Access::Write)?;
    let stream = stream_of(&stream)?;
    let mut searched = Searched::read(&query);
    let look = action(Resource::Guide, "matches");
    let (name, found) =
        caller.ops.read(caller.actor(), look, move |look| choosing::match_of(look, stream)).await?;
    if !query.0.contains_key("search") {
        normalised(&name).split(' ').next().unwrap_or_default().clone_into(&mut searched.text);
    }
    let (ops, page) = (caller.ops.clone(), searched.page());
    let look = action(Resource::Guide, "channels");
    let list = move |look: &crate::ops::Look<'_>| ops.guide_channels(look, None, &page);
    let channels = caller.ops.read(caller.actor(), look, list).await?;
    let sources = caller.ops.names(Resource::GuideSources).await?;
    let path = format!("{PATH}/{}", stream.number());
    let row = |row: &crate::ops::guide::sources::ShownChannel| {
        let channel = &row.channel;
        let source = sources.iter().find(|(of, _)| *of == channel.source.number());
        let is_its = found
            .channel
            .as_ref()
            .is_some_and(|(source, id)| *source == channel.source && id.as_str() == channel.guide_id);
        let names = channel.names.join(", ");
        let use_it = RowAction::Do {
            action: format!("{path}?{}", chosen(channel.source, &channel.guide_id)),
            label: "Use this".into(),
        };
        vec![
            Cell::Under(Box::new(Cell::Code(channel.guide_id.clone())), names),
            Cell::Text(source.map(|(_, name)| name.clone()).unwrap_or_default()),
            Cell::Number(show::number(i64::try_from(row.streams.len()).unwrap_or(i64::MAX))),
            if is_its && found.state == State::Matched {
                Cell::Badge(Tone::Good, "its channel".into())
            } else {
                Cell::Actions(vec![use_it])
            },
        ]
    };
    let mut heads: Vec<Head> = ["Channel", "Source"].map(Head::new).into();
    heads.extend([Head::numeric("Streams"), Head::new("")]);
    let listing = Listing {
        label: "Channels",
        search: Some(searched.text.clone()),
        search_hint: "Id or name of a channel",
        heads,
        rows: channels.rows.iter().map(row).collect(),
        empty: searched.empty(),
        pager: searched.pager(&path, channels.total, "channel"),
        ..Listing::default()
    };
    let act =
        |choice: &str, label: &str| RowAction::Do { action: format!("{path}?{choice}"), label: label.into() };
    let actions = Cell::Actions(vec![act("none=1", "None of these"), act("reset=1", "Leave to the rules")]);
    let frame = caller.frame(format!("Channel of {name}"));
    let about = format!("Choose the channel of the guide whose programmes {name} shows.");
    Ok(caller.page(&Matches { frame, tabs: tabs(PATH), about, actions: Some(actions), listing }))
}

async fn choose(caller: Caller, stream: Path<String>, query: Query) -> Reply {
    caller.actor().may(Resource::Guide, Access::Write)?;
    let stream = stream_of(&stream)?;
    let choice = match (query.text("none"), query.text("reset")) {
        ("1", _) => Chosen::None,
        (_, "1") => Chosen::Rules,
        _ => {
            let source = parse_id(query.text("source")).map(GuideSourceId);
            let source = source.map_err(|rule| Error::invalid("source", rule))?;
            let id = GuideId::new(query.text("guide_id")).map_err(|rule| Error::invalid("guide_id", rule))?;
            Chosen::Channel(source, id)
        }
    };
    let choice = caller.ops.known_choice(choice).await?;
    let told = match &choice {
        Chosen::None => "It no longer has a channel in the guide.",
        Chosen::Rules => "The rules look for its channel again.",
        Chosen::Channel(..) => "Its channel was chosen.",
    };
    let job = move |act: &crate::ops::Act<'_>| choosing::choose(act, stream, &choice);
    caller.ops.write(caller.actor().clone(), action(Resource::Guide, "match"), job).await?;
    let state = State::named(query.text("state")).map_or("any", State::name);
    let state = if query.text("state").is_empty() { State::Suggested.name() } else { state };
    Ok(done(&format!("{PATH}?state={state}"), told))
}

fn stream_of(id: &str) -> Result<StreamId> {
    parse_id(id).map(StreamId).map_err(|_| Error::no_such(Resource::Streams))
}
