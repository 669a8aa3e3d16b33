//! `/api/connections/...`

use serde_json::{Value, json};

use crate::{
    api::call::Call,
    domain::{
        Error, JsonObject, Refused, Result,
        fields::{
            mac::Mac,
            number::Position,
            text::{Reference, Username},
            time::UnixTime,
        },
        ids::{Id, StreamId},
        viewing::session::{SessionId, Viewer},
    },
    ops::{
        clock,
        viewing::connections::{self, Connection, ViewerReference, Which},
    },
};

pub async fn list(mut call: Call) -> Result<Value> {
    let viewer = viewer(&mut call)?;
    let stream: Option<StreamId> = call.params.take("stream_id")?;
    call.finish()?;
    let mut open = match viewer {
        Some(viewer) => call.ops.viewing.connections_of(viewer),
        None => call.ops.connections_for(&call.actor).await?,
    };
    open.retain(|connection| stream.is_none_or(|stream| connection.title.stream() == stream));
    let now = clock::now();
    let shown: Vec<Value> = open.iter().map(|connection| shown_with_subscriber(connection, now)).collect();
    Ok(json!({ "total": shown.len(), "connections": shown }))
}

pub async fn kill(mut call: Call) -> Result<JsonObject> {
    let one: Option<Position> = call.params.take("connection_id")?;
    let viewer = viewer(&mut call)?;
    let stream: Option<StreamId> = call.params.take("stream_id")?;
    call.finish()?;
    let which = match (one, viewer, stream) {
        (Some(id), None, None) => Which::One(SessionId(id.get().unsigned_abs())),
        (None, Some(viewer), None) => Which::Of(viewer),
        (None, None, Some(stream)) => {
            call.ops.point(&call.actor, call.action, |look| connections::check_stream(look, stream))?;
            Which::Watching(stream)
        }
        (None, None, None) => return Err(Error::Missing("connection_id")),
        _ => {
            return Err(Refused::OneOfFive.into());
        }
    };
    let ops = call.ops.clone();
    call.write(move |act| {
        // Looked up within the job: a repeat under the same Idempotency-Key finds nothing open any more.
        let ids = connections::targets(act, &ops.viewing, which)?;
        connections::kill(act, &ids)?;
        Ok(json!({ "killed": ids.iter().map(|id| id.0).collect::<Vec<u64>>() }))
    })
    .await
}

/// The line of `username`, the MAG of `mac_address` or either of `reference`, if one was named.
fn viewer(call: &mut Call) -> Result<Option<Viewer>> {
    let username: Option<Username> = call.params.take("username")?;
    let mac: Option<Mac> = call.params.take("mac_address")?;
    let reference: Option<Reference> = call.params.take("reference")?;
    let told = match (username, mac, reference) {
        (None, None, None) => return Ok(None),
        (Some(username), None, None) => ViewerReference::Username(username),
        (None, Some(mac), None) => ViewerReference::Mac(mac),
        (None, None, Some(reference)) => ViewerReference::Reference(reference),
        _ => return Err(Refused::OneOfFive.into()),
    };
    call.ops.point(&call.actor, call.action, |look| connections::viewer_of(look, &told)).map(Some)
}

/// A connection as `line_conn_info` and `mag_conn_info` show it.
pub fn shown(connection: &Connection, now: UnixTime) -> Value {
    json!({
        "connection_id": connection.id.0,
        "kind": connection.title.kind().name(),
        "stream_id": connection.title.stream().number(),
        "stream_name": *connection.title_name,
        "server_id": connection.server_id.number(),
        "ip": connection.address.to_string(),
        "user_agent": *connection.agent,
        "container": connection.container.name(),
        "started_at": connection.started_at.seconds(),
        "seconds": (now.seconds() - connection.started_at.seconds()).max(0),
        "bytes_sent": connection.bytes_sent,
    })
}

fn shown_with_subscriber(connection: &Connection, now: UnixTime) -> Value {
    let mut shown = shown(connection, now);
    let (line, mag) = match connection.viewer {
        Viewer::Line(id) => (Some(id.number()), None),
        Viewer::Mag(id) => (None, Some(id.number())),
    };
    shown["line_id"] = line.into();
    shown["mag_id"] = mag.into();
    shown["subscriber"] = (*connection.subscriber).into();
    shown
}
