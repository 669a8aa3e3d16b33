//! `/api/streams/online`, `offline`, `start` and `stop`; the rest is as of every plain resource.

use serde_json::{Value, json};

use crate::{
    api::call::Call,
    domain::{
        Error, JsonObject, Kind, Result, Written,
        channels::stream::SourceUrl,
        field::{Given, Item},
        ids::{Id, ServerId, StreamId},
        record::Source,
    },
    ops::channels::streams::{self, Running, Which},
};

pub async fn online(call: Call) -> Result<Value> {
    listed(call, |stream| stream.is_online()).await
}

pub async fn offline(call: Call) -> Result<Value> {
    listed(call, |stream| !stream.is_online()).await
}

async fn listed(mut call: Call, which: impl Fn(&Running) -> bool) -> Result<Value> {
    let server: Option<ServerId> = call.params.take("server_id")?;
    call.finish()?;
    let streams = call.ops.read(&call.actor, call.action, move |look| streams::list(look, server)).await?;
    let now = crate::ops::clock::now();
    let running = call.ops.running(streams);
    let shown: Vec<Value> =
        running.iter().filter(|stream| which(stream)).map(|stream| shown(stream, now)).collect();
    Ok(json!({ "streams": shown }))
}

pub async fn start(mut call: Call) -> Result<JsonObject> {
    let (which, server) = targets(&mut call)?;
    call.write(move |act| Ok(json!({ "started": numbers(&streams::restart(act, &which, server)?) }))).await
}

pub async fn stop(mut call: Call) -> Result<JsonObject> {
    let (which, server) = targets(&mut call)?;
    call.write(move |act| Ok(json!({ "stopped": numbers(&streams::stop(act, &which, server)?) }))).await
}

fn numbers(ids: &[StreamId]) -> Vec<i64> {
    ids.iter().map(|id| id.number()).collect()
}

/// `stream_ids[]=7`, `stream_id=7`, `id=7` or the segment after the key as `7,8,9`; `all` is every one.
fn targets(call: &mut Call) -> Result<(Which, Option<ServerId>)> {
    let server: Option<ServerId> = call.params.take("server_id")?;
    let mut texts: Vec<String> = Vec::new();
    for name in ["stream_ids", "stream_id", "id"] {
        if let Given::Value(written) = call.params.given(name, Kind::List)? {
            let list = match &written {
                Written::Text(text) => std::slice::from_ref(text),
                Written::List(list) => list,
            };
            texts.extend(list.iter().flat_map(|text| text.split(',')).map(|text| text.trim().to_owned()));
        }
    }
    call.finish()?;
    texts.retain(|text| !text.is_empty());
    let which = match texts.as_slice() {
        [] => return Err(Error::Missing("stream_ids")),
        [all] if all == "all" => Which::All,
        texts => {
            let ids = texts
                .iter()
                .map(|text| StreamId::parse_item(text).map_err(|rule| Error::invalid("stream_ids", rule)));
            let mut ids: Vec<StreamId> = ids.collect::<Result<_>>()?;
            ids.sort();
            ids.dedup();
            Which::These(ids)
        }
    };
    Ok((which, server))
}

/// A stream as the four calls show it.
fn shown(running: &Running, now: crate::domain::fields::time::UnixTime) -> Value {
    let stream = &running.stream.record;
    let status = running.status.as_ref();
    let uptime = status.and_then(|status| status.uptime).map(|uptime| uptime.as_secs());
    let source = status.and_then(|status| status.source);
    let (width, height) = status.and_then(|status| status.resolution).unzip();
    let retry_in = status.and_then(|status| match &status.state {
        crate::domain::channels::run::State::Waiting { retry_in, .. } => Some(retry_in.as_secs() + 1),
        _ => None,
    });
    json!({
        "id": running.stream.id.number(),
        "name": stream.name.as_str(),
        "server_id": stream.server().number(),
        "enabled": i32::from(stream.enabled),
        "on_demand": i32::from(stream.on_demand),
        "status": running.state(),
        "why": running.why(),
        "retry_at": retry_in.map(|seconds| now.seconds().saturating_add_unsigned(seconds)),
        "started_at": uptime.map(|uptime| now.seconds().saturating_sub_unsigned(uptime)),
        "uptime": uptime.unwrap_or(0),
        "clients": running.clients,
        "bitrate_kbps": status.map_or(0, |status| status.bitrate_kbps),
        "source": source.and_then(|place| stream.sources.get(place)).map(SourceUrl::shown),
        "source_number": source.map(|place| place + 1),
        "video_codec": status.and_then(|status| status.video_codec.clone()),
        "audio_codec": status.and_then(|status| status.audio_codec.clone()),
        "width": width,
        "height": height,
        "restarts": status.map_or(0, |status| status.restarts),
        "errors": status.map(|status| status.errors.clone()).unwrap_or_default(),
    })
}
