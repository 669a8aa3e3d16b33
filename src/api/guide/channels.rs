//! `/api/guide/...`: channels, which streams they belong to, and programmes.

use serde_json::{Value, json};

use crate::{
    api::{call::Call, show},
    domain::{
        Error, Given, JsonObject, Kind, Result, Written,
        fields::{
            text::{GuideId, ShortText},
            time::UnixTime,
        },
        guide::matched::{Match, State},
        ids::{GuideSourceId, Id, StreamId},
        page::{Page, Start},
        record::Source,
    },
    ops::guide::choosing::{self, Choice},
    wire::page,
};

/// Programmes of one answer at most.
const PROGRAMMES: usize = 5_000;

pub async fn channels(mut call: Call) -> Result<Value> {
    let source: Option<GuideSourceId> = call.params.take("source_id")?;
    let page = sought(&mut call)?;
    if matches!(page.start, Start::After(_)) {
        return Err(Error::invalid("after", "not here, where rows have no ids of their own: use offset"));
    }
    call.finish()?;
    let ops = call.ops.clone();
    let list = move |look: &crate::ops::Look<'_>| ops.guide_channels(look, source, &page);
    let rows = call.ops.read(&call.actor, call.action, list).await?;
    Ok(show::page("channels", rows, |row| {
        json!({
            "guide_id": row.channel.guide_id,
            "names": row.channel.names,
            "source_id": row.channel.source.number(),
            "programmes": row.channel.programmes,
            "stream_ids": row.streams.iter().map(|id| id.number()).collect::<Vec<_>>(),
        })
    }))
}

pub async fn matches(mut call: Call) -> Result<Value> {
    let state = match text(&mut call, "state")? {
        None => None,
        Some(text) => {
            let state = State::named(&text);
            Some(state.ok_or(Error::invalid("state", "matched, suggested or none"))?)
        }
    };
    let page = sought(&mut call)?;
    call.finish()?;
    let (search, start, most) = (page.search.unwrap_or_default(), page.start, i64::from(page.limit.rows()));
    let list = move |look: &crate::ops::Look<'_>| choosing::matches(look, state, &search, start, most);
    let rows = call.ops.read(&call.actor, call.action, list).await?;
    Ok(show::page("matches", rows, |(name, found)| shown(&name, &found)))
}

pub async fn choose(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let stream: StreamId = call.params.require("stream_id")?;
    let source: Option<GuideSourceId> = call.params.take("source_id")?;
    let guide_id = match call.params.given("guide_id", Kind::Text)? {
        Given::Absent => None,
        Given::Empty => Some(String::new()),
        Given::Value(written) => {
            Some(written.text().map_err(|rule| Error::invalid("guide_id", rule))?.to_owned())
        }
    };
    let reset: Option<bool> = call.params.take("reset")?;
    call.finish()?;
    let choice = match (reset.unwrap_or(false), guide_id, source) {
        (true, None, None) => Choice::Rules,
        (true, ..) => return Err(Error::invalid("reset", "not together with source_id or guide_id")),
        (false, None, _) => return Err(Error::Missing("guide_id")),
        (false, Some(id), _) if id.is_empty() => Choice::None,
        (false, Some(_), None) => return Err(Error::Missing("source_id")),
        (false, Some(id), Some(source)) => {
            let id = GuideId::new(&id).map_err(|rule| Error::invalid("guide_id", rule))?;
            Choice::Channel(source, id)
        }
    };
    let choice = call.ops.known_choice(choice).await?;
    call.write(move |act| {
        choosing::choose(act, stream, &choice)?;
        Ok(json!({ "modified_id": stream.number() }))
    })
    .await
}

pub async fn programmes(mut call: Call) -> Result<Value> {
    let stream: StreamId = call.params.require("stream_id")?;
    let (from, to): (Option<UnixTime>, Option<UnixTime>) =
        (call.params.take("from")?, call.params.take("to")?);
    call.finish()?;
    let from = from.unwrap_or(UnixTime::clamped(1));
    let to = to.unwrap_or(UnixTime::clamped(i64::MAX));
    let ops = call.ops.clone();
    let list = move |look: &crate::ops::Look<'_>| ops.programmes_of(look, stream, from, to, PROGRAMMES);
    let found = call.ops.read(&call.actor, call.action, list).await?;
    let archive = call.ops.viewing.archive();
    let shown: Vec<Value> = found
        .iter()
        .map(|programme| {
            json!({
                "start": programme.start.seconds(),
                "stop": programme.stop.seconds(),
                "title": programme.title,
                "subtitle": programme.subtitle,
                "description": programme.description,
                "category": programme.category,
                "recorded": archive.is_recorded(stream, programme.start, programme.stop),
            })
        })
        .collect();
    Ok(json!({ "programmes": shown }))
}

fn shown(name: &str, found: &Match) -> Value {
    let channel = found.channel.as_ref();
    json!({
        "stream_id": found.stream.number(),
        "name": name,
        "source_id": channel.map(|(source, _)| source.number()),
        "guide_id": channel.map_or("", |(_, id)| id.as_str()),
        "state": found.state.name(),
        "score": found.score,
        "chosen_by": if found.by_person { "person" } else { "rule" },
    })
}

/// A window of what a search finds.
fn sought(call: &mut Call) -> Result<Page> {
    let search: Option<ShortText> = call.params.take("search")?;
    let page = page::read_window(&mut call.params)?;
    Ok(Page { search: search.map(|text| text.as_str().to_owned()), ..page })
}

/// A text beside `data`; empty is none.
fn text(call: &mut Call, name: &'static str) -> Result<Option<String>> {
    match call.params.given(name, Kind::Text)? {
        Given::Value(Written::Text(text)) => Ok(Some(text)),
        Given::Value(Written::List(_)) => Err(Error::invalid(name, "one value, not a list")),
        Given::Absent | Given::Empty => Ok(None),
    }
}
