//! `/api/archive/...`: what is recorded of streams.

use serde_json::{Value, json};

use crate::{
    api::call::Call,
    domain::{
        Error, Given, JsonObject, Result,
        fields::time::UnixTime,
        ids::{Id, StreamId},
        record,
    },
    ops::channels::recordings::{self, Recording},
};

pub async fn list(mut call: Call) -> Result<Value> {
    call.finish()?;
    let found = call.ops.recordings(&call.actor).await?;
    let shown: Vec<Value> = found.streams.iter().map(shown).collect();
    Ok(json!({
        "total": shown.len(),
        "archives": shown,
        "bytes": found.bytes,
        "room_bytes": found.room,
        "paused": found.paused,
    }))
}

pub async fn delete(mut call: Call) -> Result<JsonObject> {
    let stream: Option<StreamId> = call.params.take("stream_id")?;
    let before = match record::parse::<UnixTime>(&mut call.params, "before")? {
        Given::Absent => None,
        Given::Value(before) => Some(before),
        // A variable that was never filled must not delete everything.
        Given::Empty => return Err(Error::invalid("before", "unix seconds; or leave it out, for all of it")),
    };
    call.finish()?;
    let stream = stream.ok_or(Error::Missing("stream_id"))?;
    let found = call.ops.deletable(stream).await;
    call.write(move |act| {
        recordings::forget(act, stream, before, &found)?;
        Ok(json!({}))
    })
    .await
}

fn shown(recording: &Recording) -> Value {
    let totals = &recording.totals;
    let at = |ms: u64| (totals.pieces > 0).then_some(ms / 1000);
    json!({
        "stream_id": recording.stream.number(),
        "stream_name": recording.name,
        "days": recording.days,
        "bytes": totals.bytes,
        "from": at(totals.from),
        "to": at(totals.to),
        "seconds": totals.recorded / 1000,
        "gaps": totals.gaps,
        "recording": i32::from(recording.is_running),
        "why": recording.why,
    })
}
