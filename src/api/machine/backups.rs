//! `/api/backups/...`

use serde_json::{Value, json};

use crate::{
    api::{call::Call, managed::id, show},
    domain::{
        JsonObject, Resource, Result,
        fields::time::UnixTime,
        ids::{BackupId, Id},
        machine::backups::Backup,
    },
    ops::machine::backups,
    wire::page,
};

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read_window(&mut call.params)?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.action, move |look| backups::list(look, &page)).await?;
    Ok(show::page(Resource::Backups.name(), rows, |row| shown(&row)))
}

pub async fn create(mut call: Call) -> Result<JsonObject> {
    call.finish()?;
    call.write(move |act| Ok(json!({ "created_id": backups::order(act)?.number() }))).await
}

pub async fn verify(mut call: Call) -> Result<JsonObject> {
    let id = id::<BackupId>(&mut call)?;
    call.finish()?;
    call.write(move |act| {
        backups::verify(act, id)?;
        Ok(json!({ "modified_id": id.number() }))
    })
    .await
}

pub async fn delete(mut call: Call) -> Result<JsonObject> {
    let id = id::<BackupId>(&mut call)?;
    call.finish()?;
    call.write(move |act| {
        backups::delete(act, id)?;
        Ok(json!({ "deleted_id": id.number() }))
    })
    .await
}

fn shown(row: &Backup) -> Value {
    let seconds = |at: Option<UnixTime>| Value::from(at.map(UnixTime::seconds));
    json!({
        "id": row.id.number(),
        "name": row.name,
        "kind": row.kind.name(),
        "actor": row.actor,
        "state": row.state.name(),
        "bytes": row.bytes,
        "error": row.error,
        "made_at": seconds(row.made_at),
        "verified_at": seconds(row.verified_at),
        "verify_error": row.verify_error,
        "good": i32::from(row.is_good()),
        "sent_at": seconds(row.sent_at),
        "sent_to": row.sent_to,
        "encrypted": i32::from(row.encrypted),
        "send_error": row.send_error,
        "next_send_at": seconds(row.next_send_at),
        "created_at": row.created_at.seconds(),
        "updated_at": row.updated_at.seconds(),
    })
}
