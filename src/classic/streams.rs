//! `action=stream`: streams.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    call::Call,
    reply::Answer,
    rows::{flag, list as json_text, optional, text},
};
use crate::{
    domain::{
        Result, Stored,
        channels::stream::{SourceUrl, Stream},
        fields::text::HttpUrl,
        ids::{Id, StreamId},
    },
    ops::channels::streams::{self, Running, Which},
};

/// Every stream, in the order of ids.
pub async fn list(call: Call) -> Result<Answer> {
    let rows = call.ops.read(&call.actor, call.action, |look| streams::list(look, None)).await?;
    Ok(Answer::Rows(rows.iter().map(row).collect()))
}

fn row(stream: &Stored<Stream>) -> Value {
    let record = &stream.record;
    let sources: Vec<String> = record.sources.iter().map(SourceUrl::shown).collect();
    json!({
        "id": text(stream.id.number()),
        "stream_display_name": text(record.name.as_str()),
        "stream_source": json_text(&json!(sources)),
        "stream_icon": text(record.logo_url.as_ref().map_or("", HttpUrl::as_str)),
        "category_id": optional(record.category_id.map(Id::number)),
        "channel_id": text(record.epg_channel_id.as_str()),
        "order": text(record.number.get()),
        "tv_archive_duration": text(record.archive_days.get()),
        "on_demand": flag(record.on_demand),
        "direct_source": flag(false),
        "notes": text(record.notes.as_str()),
        "added": text(stream.created_at.seconds()),
    })
}

/// The streams that play, each with the servers on which it does.
pub async fn online(call: Call) -> Result<Answer> {
    by_id(call, Running::is_online).await
}

/// The streams that do not play, each with the server that is to run it.
pub async fn offline(call: Call) -> Result<Answer> {
    by_id(call, |stream| !stream.is_online()).await
}

/// PHP writes an empty map as an empty list.
async fn by_id(call: Call, which: impl Fn(&Running) -> bool) -> Result<Answer> {
    let rows = call.ops.read(&call.actor, call.action, |look| streams::list(look, None)).await?;
    let running = call.ops.running(rows);
    let servers: BTreeMap<i64, Value> = running
        .iter()
        .filter(|running| which(running))
        .map(|running| (running.stream.id.number(), json!([text(running.stream.record.server().number())])))
        .collect();
    if servers.is_empty() {
        return Ok(Answer::Rows(json!([])));
    }
    let servers: Map<String, Value> =
        servers.into_iter().map(|(id, servers)| (id.to_string(), servers)).collect();
    Ok(Answer::Rows(servers.into()))
}

/// Starts streams, and starts anew what runs.
pub async fn start(mut call: Call) -> Result<Answer> {
    let which = targets(&mut call)?;
    call.write(move |act| streams::restart(act, &which, None).map(|_| Answer::done())).await
}

pub async fn stop(mut call: Call) -> Result<Answer> {
    let which = targets(&mut call)?;
    call.write(move |act| streams::stop(act, &which, None).map(|_| Answer::done())).await
}

fn targets(call: &mut Call) -> Result<Which> {
    let mut ids: Vec<StreamId> = call.params.require("stream_ids")?;
    ids.sort();
    Ok(Which::These(ids))
}
