//! `/api/message_targets/...`

use serde_json::{Map, Value, json};

use crate::{
    api::{call::Call, managed::id, show},
    domain::{
        Columns, Error, JsonObject, Resource, Result,
        channels::source_request::SourceHeader,
        fields::{text::TargetUrl, time::UnixTime},
        ids::{Id, MessageTargetId},
        messages::target::{MessageTarget, MessageTargetChange},
        record,
    },
    ops::{
        managed,
        messages::{self, SentTarget, ShownTarget, Whose},
    },
    wire::page,
};

pub async fn create(mut call: Call) -> Result<JsonObject> {
    let sent = sent(&mut call)?;
    let change = call.change::<MessageTargetChange>()?;
    let change = call.ops.sealed_target(change, &sent, Whose::New)?;
    call.write(move |act| Ok(json!({ "created_id": messages::create(act, change.clone())?.number() }))).await
}

pub async fn update(mut call: Call) -> Result<JsonObject> {
    let id = id::<MessageTargetId>(&mut call)?;
    let sent = sent(&mut call)?;
    let change = call.change::<MessageTargetChange>()?;
    let read = move |look: &crate::ops::Look<'_>| managed::info::<MessageTarget>(look, id);
    // Whether it is there is for the write to say: this may be a repeat.
    let before = match call.ops.read(&call.actor, call.action, read).await {
        Ok(row) => Some(row.record),
        Err(Error::NoSuch { .. }) => None,
        Err(error) => return Err(error),
    };
    let whose = before.as_ref().map_or(Whose::Gone, Whose::Row);
    let change = call.ops.sealed_target(change, &sent, whose)?;
    call.write(move |act| {
        messages::update(act, id, change.clone(), before.as_ref())?;
        Ok(json!({ "modified_id": id.number() }))
    })
    .await
}

pub async fn info(mut call: Call) -> Result<Value> {
    let id = id::<MessageTargetId>(&mut call)?;
    call.finish()?;
    let ops = call.ops.clone();
    let row = call.ops.read(&call.actor, call.action, move |look| ops.message_target(look, id)).await?;
    Ok(json!({ Resource::MessageTargets.singular(): shown(row) }))
}

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &MessageTarget::columns())?;
    call.finish()?;
    let ops = call.ops.clone();
    let rows = call.ops.read(&call.actor, call.action, move |look| ops.message_targets(look, &page)).await?;
    Ok(show::page(Resource::MessageTargets.name(), rows, shown))
}

pub async fn test(mut call: Call) -> Result<JsonObject> {
    let id = id::<MessageTargetId>(&mut call)?;
    call.finish()?;
    call.write(move |act| {
        messages::test(act, id)?;
        Ok(json!({}))
    })
    .await
}

/// What is secret of a target is sealed before it is a column.
fn sent(call: &mut Call) -> Result<SentTarget> {
    Ok(SentTarget {
        url: record::parse::<TargetUrl>(&mut call.data, "url")?,
        headers: record::parse::<Vec<SourceHeader>>(&mut call.data, "headers")?,
    })
}

fn shown(target: ShownTarget) -> Value {
    let mut row: Map<String, Value> = show::row(&target.row);
    show::put(&mut row, "content_type", "url", target.url.into());
    show::put(&mut row, "content_type", "headers", target.headers.into());
    let seconds = |at: Option<UnixTime>| Value::from(at.map(UnixTime::seconds));
    row.insert("has_secrets".into(), i64::from(target.has_secrets).into());
    row.insert("last_try_at".into(), seconds(target.health.last_try_at));
    row.insert("last_success_at".into(), seconds(target.health.last_success_at));
    row.insert("last_error".into(), target.health.last_error.into());
    Value::Object(row)
}
