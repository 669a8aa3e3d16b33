//! `/api/batches/...`

use serde_json::{Value, json};

use super::bulk::named;
use crate::{
    api::{call::Call, managed, show},
    domain::{
        JsonObject, Resource, Result,
        fields::time::UnixTime,
        ids::BatchId,
        subscribers::{
            batch::{Batch, Named},
            line::Line,
            listing::Subscribed,
            mag::Mag,
        },
    },
    ops::subscribers::{
        batches,
        undo::{self, Undone},
    },
    wire::page,
};

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read_window(&mut call.params)?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.action, move |look| batches::list(look, &page)).await?;
    Ok(show::page("batches", rows, |batch| shown(&batch)))
}

pub async fn info(mut call: Call) -> Result<Value> {
    let id: BatchId = managed::id(&mut call)?;
    call.finish()?;
    let info = call.ops.read(&call.actor, call.action, move |look| batches::info(look, id.0)).await?;
    let mut batch = shown(&info.batch);
    batch["refused"] = rows_of(info.batch.resource, &info.failed.1).into();
    batch["refused_total"] = info.failed.0.into();
    batch["kept"] = rows_of(info.batch.resource, &info.kept.1).into();
    batch["kept_total"] = info.kept.0.into();
    Ok(json!({ "batch": batch }))
}

/// Row by row in transactions of their own; the answer is that of the last one, which ends it.
pub async fn undo(mut call: Call) -> Result<JsonObject> {
    let id: BatchId = managed::id(&mut call)?;
    call.finish()?;
    // A repeat takes nothing back that its first answer does not tell.
    if let Some(answer) = call.ops.answered(&call.actor, call.action, call.once.clone()).await? {
        return Ok(answer);
    }
    let tried = call.ops.undo_batch(&call.actor, id.0, call.dry_run).await?;
    let dry_run = call.dry_run;
    call.write(move |act| {
        let (resource, undone) = undo::finish_undo(act, id.0)?;
        // A dry run has taken back and noted nothing that its last part could count.
        let Undone { undone, kept } = if dry_run {
            Undone { undone: undone.undone + tried.undone, kept: tried.kept.clone() }
        } else {
            undone
        };
        Ok(json!({ "undone": undone, "kept": rows_of(resource, &kept.1), "kept_total": kept.0 }))
    })
    .await
}

fn rows_of(resource: Resource, rows: &[Named]) -> Vec<Value> {
    named(
        match resource {
            Resource::Line => Line::NAME,
            Resource::Mag => Mag::NAME,
            Resource::Administrators => "username",
            Resource::Webhooks => "url",
            _ => "name",
        },
        rows,
    )
}

fn shown(batch: &Batch) -> Value {
    json!({
        "id": batch.id,
        "resource": batch.resource.name(),
        "action": batch.action,
        "state": batch.state.name(),
        "done": batch.done,
        "of": batch.of,
        "failed": batch.failed,
        "undone": batch.undone,
        "why": batch.why,
        "actor": batch.actor,
        "created_at": batch.created_at.seconds(),
        "ended_at": batch.ended_at.map(UnixTime::seconds),
    })
}
