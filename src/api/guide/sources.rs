//! `/api/guide_sources/...`

use serde_json::{Value, json};

use crate::{
    api::{
        call::Call,
        managed::{id, optional_id},
        show,
    },
    domain::{
        Columns, JsonObject, Resource, Result,
        fields::time::UnixTime,
        guide::source::GuideSource,
        ids::{GuideSourceId, Id},
    },
    ops::guide::sources::{self, ShownSource},
    wire::page,
};

pub async fn info(mut call: Call) -> Result<Value> {
    let id = id::<GuideSourceId>(&mut call)?;
    call.finish()?;
    let row = call.ops.read(&call.actor, call.action, move |look| sources::info(look, id)).await?;
    Ok(json!({ Resource::GuideSources.singular(): shown(row) }))
}

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &GuideSource::columns())?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.action, move |look| sources::list(look, &page)).await?;
    Ok(show::page(Resource::GuideSources.name(), rows, shown))
}

pub async fn refresh(mut call: Call) -> Result<JsonObject> {
    let id = optional_id::<GuideSourceId>(&mut call)?;
    call.finish()?;
    call.write(move |act| {
        let started = sources::refresh(act, id)?;
        Ok(json!({ "started": started.iter().map(|id| id.number()).collect::<Vec<_>>() }))
    })
    .await
}

fn shown(source: ShownSource) -> Value {
    let mut row = show::row(&source.row);
    let health = source.health;
    let mut put = |name, value| show::put(&mut row, "created_at", name, value);
    put("last_try_at", health.last_try_at.map(UnixTime::seconds).into());
    put("last_success_at", health.last_success_at.map(UnixTime::seconds).into());
    put("last_error", health.last_error.into());
    put("channels", health.channels.into());
    put("programmes", health.programmes.into());
    Value::Object(row)
}
