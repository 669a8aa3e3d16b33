//! `/api/messages/...`

use serde_json::{Value, json};

use crate::{
    api::{call::Call, managed::id, show},
    domain::{
        Error, Given, JsonObject, Kind, Resource, Result, Written,
        fields::{text::Email, time::UnixTime},
        ids::{Id, MessageId, MessageTargetId},
        messages::STATES,
        record::Source,
    },
    ops::messages::{self, Message},
    wire::page,
};

pub async fn list(mut call: Call) -> Result<Value> {
    let state = match call.params.given("state", Kind::Text)? {
        Given::Value(Written::Text(text)) if STATES.contains(&text.as_str()) => Some(text),
        Given::Value(_) => return Err(Error::invalid("state", "waiting, sent, failed or dropped")),
        Given::Absent | Given::Empty => None,
    };
    let target: Option<MessageTargetId> = call.params.take("target_id")?;
    let page = page::read_window(&mut call.params)?;
    call.finish()?;
    let job = move |look: &crate::ops::Look<'_>| messages::list(look, state.as_deref(), target, &page);
    let rows = call.ops.read(&call.actor, call.action, job).await?;
    Ok(show::page(Resource::Messages.name(), rows, |row| shown(&row)))
}

pub async fn resend(mut call: Call) -> Result<JsonObject> {
    let id = id::<MessageId>(&mut call)?;
    call.finish()?;
    call.write(move |act| {
        messages::resend(act, id)?;
        Ok(json!({ "modified_id": id.number() }))
    })
    .await
}

pub async fn test(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let to: Email = call.params.require("to")?;
    call.finish()?;
    call.write(move |act| {
        messages::send_test_mail(act, &to)?;
        Ok(json!({}))
    })
    .await
}

fn shown(row: &Message) -> Value {
    let seconds = |at: Option<UnixTime>| Value::from(at.map(UnixTime::seconds));
    json!({
        "id": row.id.number(),
        "event_id": row.event,
        "type": row.kind,
        "key": row.key,
        "reference": row.reference,
        "at": row.at.seconds(),
        "way": row.way,
        "receiver": row.receiver,
        "target_id": row.target.map(Id::number),
        "subject": row.subject,
        "text": row.text,
        "state": row.state,
        "attempts": row.attempts,
        "next_at": seconds(row.next_at),
        "last_at": seconds(row.last_at),
        "error": row.error,
    })
}
