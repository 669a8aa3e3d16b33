//! `/api/webhooks/...`

use serde_json::{Map, Value, json};

use crate::{
    api::{call::Call, managed::id, show},
    domain::{
        Columns, Error, Given, JsonObject, Kind, Resource, Result, Written,
        events::webhook::{Webhook, WebhookChange},
        fields::{number::whole, time::UnixTime},
        ids::{Id, WebhookId},
        people::{audit::MASK, rights::Access},
        record::Source,
    },
    ops::events::webhooks::{self, Again, Delivery, ShownHook},
    wire::page,
};

pub async fn create(mut call: Call) -> Result<JsonObject> {
    let change = call.change::<WebhookChange>()?;
    let secret = call.ops.new_hook_secret()?;
    call.write(move |act| {
        let id = webhooks::create(act, change.clone(), &secret)?;
        Ok(json!({ "created_id": id.number(), "secret": secret.reveal() }))
    })
    .await
}

pub async fn info(mut call: Call) -> Result<Value> {
    let id = id::<WebhookId>(&mut call)?;
    call.finish()?;
    let ops = call.ops.clone();
    let row = call.ops.read(&call.actor, call.action, move |look| ops.hook(look, id)).await?;
    Ok(json!({ Resource::Webhooks.singular(): shown(row, is_told_addresses(&call)) }))
}

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &Webhook::columns())?;
    call.finish()?;
    let ops = call.ops.clone();
    let rows = call.ops.read(&call.actor, call.action, move |look| ops.hooks(look, &page)).await?;
    let whole = is_told_addresses(&call);
    Ok(show::page(Resource::Webhooks.name(), rows, |hook| shown(hook, whole)))
}

/// Whoever only looks learns no password or token that may be in an address.
fn is_told_addresses(call: &Call) -> bool {
    call.actor.may(Resource::Webhooks, Access::Write).is_ok()
}

pub async fn rotate(mut call: Call) -> Result<JsonObject> {
    let id = id::<WebhookId>(&mut call)?;
    call.finish()?;
    let secret = call.ops.new_hook_secret()?;
    call.write(move |act| {
        webhooks::rotate(act, id, &secret)?;
        Ok(json!({ "modified_id": id.number(), "secret": secret.reveal() }))
    })
    .await
}

pub async fn test(mut call: Call) -> Result<JsonObject> {
    let id = id::<WebhookId>(&mut call)?;
    call.finish()?;
    call.write(move |act| {
        webhooks::test(act, id)?;
        Ok(json!({}))
    })
    .await
}

pub async fn resend(mut call: Call) -> Result<JsonObject> {
    let id = id::<WebhookId>(&mut call)?;
    let again = match (number(&mut call, "event_id")?, number(&mut call, "after")?) {
        (Some(event), None) => Again::Event(event),
        (None, Some(after)) => Again::After(after),
        (Some(_), Some(_)) => return Err(Error::invalid("after", "not together with event_id")),
        (None, None) => return Err(Error::Missing("event_id")),
    };
    call.finish()?;
    call.write(move |act| {
        webhooks::resend(act, id, again)?;
        Ok(json!({}))
    })
    .await
}

pub async fn deliveries(mut call: Call) -> Result<Value> {
    let id = id::<WebhookId>(&mut call)?;
    let state = match call.params.given("state", Kind::Text)? {
        Given::Value(Written::Text(text)) if ["waiting", "delivered", "failed"].contains(&text.as_str()) => {
            Some(text)
        }
        Given::Value(_) => return Err(Error::invalid("state", "waiting, delivered or failed")),
        Given::Absent | Given::Empty => None,
    };
    let page = page::read_window(&mut call.params)?;
    call.finish()?;
    let job = move |look: &crate::ops::Look<'_>| webhooks::deliveries(look, id, state.as_deref(), &page);
    let rows = call.ops.read(&call.actor, call.action, job).await?;
    Ok(show::page("deliveries", rows, |row| delivery(&row)))
}

fn number(call: &mut Call, name: &'static str) -> Result<Option<i64>> {
    match call.params.given(name, Kind::Number)? {
        Given::Value(written) => {
            let number = written.text().ok().and_then(whole).filter(|number| *number >= 0);
            number.map(Some).ok_or(Error::invalid(name, "a whole number from 0"))
        }
        Given::Absent | Given::Empty => Ok(None),
    }
}

fn seconds(at: Option<UnixTime>) -> Value {
    at.map(UnixTime::seconds).into()
}

fn shown(hook: ShownHook, whole: bool) -> Value {
    let mut row: Map<String, Value> = show::row(&hook.row);
    if !whole {
        row.insert("url".into(), format!("{}/{MASK}", hook.row.record.url.shown()).into());
    }
    let health = hook.health;
    for (name, value) in [
        ("has_secret", i64::from(hook.has_secret).into()),
        ("told_to", health.told_to.into()),
        ("failures", health.failures.into()),
        ("failing_since", seconds(health.failing_since)),
        ("last_try_at", seconds(health.last_try_at)),
        ("last_success_at", seconds(health.last_success_at)),
        ("last_error", health.last_error.into()),
    ] {
        show::put(&mut row, "created_at", name, value);
    }
    Value::Object(row)
}

fn delivery(row: &Delivery) -> Value {
    json!({
        "event_id": row.event_id,
        "type": row.kind,
        "state": row.state,
        "attempts": row.attempts,
        "next_at": seconds(row.next_at),
        "last_at": seconds(row.last_at),
        "status": row.status,
        "error": row.error,
        "micros": row.micros,
    })
}
