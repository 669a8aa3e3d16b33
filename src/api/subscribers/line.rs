//! `/api/line/...`

use serde_json::{Value, json};

use crate::{
    api::{
        call::Call,
        show,
        viewing::{connections, explain},
    },
    domain::{
        Columns, Error, Given, JsonObject, Resource, Result,
        fields::{
            mac::Mac,
            text::{LinePassword, Username},
        },
        ids::{Id, LineId},
        subscribers::line::{Line, LineChange},
        viewing::session::Viewer,
    },
    ops::{
        clock, random,
        subscribers::{
            convert,
            lines::{self, Credentials, SaleOptions},
        },
    },
    wire::page,
};

pub async fn create(mut call: Call) -> Result<JsonObject> {
    let wishes = SaleOptions { free: call.data.take("free")?.unwrap_or(false), ..SaleOptions::default() };
    let change = change(&mut call)?;
    let random =
        [("username", change.username.value().is_none()), ("password", change.password.value().is_none())];
    call.made.extend(random.iter().filter(|(_, random)| *random).map(|(name, _)| name));
    let change = lines::with_credentials(change)?;
    call.write(move |act| {
        let (id, line) = lines::create(act, change.clone(), wishes)?;
        Ok(named("created_id", id, &line))
    })
    .await
}

pub async fn update(mut call: Call) -> Result<JsonObject> {
    let who = credentials(&mut call)?;
    let wishes = wishes(&mut call)?;
    let change = change(&mut call)?;
    call.write(move |act| {
        let (id, line) = lines::update(act, &who, change.clone(), wishes)?;
        Ok(named("modified_id", id, &line))
    })
    .await
}

pub async fn delete(mut call: Call) -> Result<JsonObject> {
    let who = credentials(&mut call)?;
    call.finish()?;
    call.write(move |act| Ok(json!({ "deleted_id": lines::delete(act, &who)?.number() }))).await
}

/// Which line it was that was made or changed.
fn named(member: &str, id: LineId, line: &Line) -> JsonObject {
    JsonObject::default()
        .with(member, id.number())
        .with("username", line.username.as_str())
        .with("password", line.password.as_str())
}

#[allow(clippy::unused_async, reason = "every call of the table is a future")]
pub async fn info(mut call: Call) -> Result<JsonObject> {
    let who = credentials(&mut call)?;
    call.finish()?;
    let info = call.ops.line_info(&call.actor, call.action, &who)?;
    let now = clock::now();
    let open = call.ops.viewing.connections_of(Viewer::Line(info.line.id));
    let open: Vec<Value> = open.iter().map(|connection| connections::shown(connection, now)).collect();
    Ok(JsonObject::of_about(1_500)
        .with_object("line_info", &show::object(&info.line))
        .with("line_conn_info", open)
        .with_json("line_channel_ids", info.channels.json()))
}

pub async fn convert_to_mag(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let who = credentials(&mut call)?;
    let mac: Mac = call.params.require("mac_address")?;
    call.finish()?;
    call.write(move |act| {
        let (id, mag) = convert::to_mag(act, &who, mac)?;
        Ok(json!({ "created_id": id.number(), "mac_address": mag.mac_address.to_string() }))
    })
    .await
}

pub async fn explain(mut call: Call) -> Result<Value> {
    let who = credentials(&mut call)?;
    let line = call.ops.line_info(&call.actor, call.action, &who)?.line;
    explain::answer(call, (&*line).into()).await
}

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &Line::columns())?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.action, move |look| lines::list(look, &page)).await?;
    Ok(show::page("lines", rows, |line| Value::Object(show::row(&line))))
}

/// What a call says beside the columns of `data`.
pub fn wishes(call: &mut Call) -> Result<SaleOptions> {
    let mut flag = |name| Ok::<_, Error>(call.data.take(name)?.unwrap_or(false));
    Ok(SaleOptions { extend: flag("extend_plan")?, free: flag("free")?, terms: None })
}

/// The columns, with a token made here if that is wished.
fn change(call: &mut Call) -> Result<LineChange> {
    let new_token = call.data.take("new_token")?.unwrap_or(false);
    let mut change: LineChange = call.change()?;
    if new_token {
        change.token = Given::Value(Some(random::line_token()?));
    }
    Ok(change)
}

/// A username or password that no line can have is a wrong one, not an invalid one.
fn credentials(call: &mut Call) -> Result<Credentials> {
    let wrong = |error| match error {
        Error::Invalid { .. } => Error::no_such(Resource::Line),
        error => error,
    };
    let named = super::named::<Username>(call, "username").map_err(wrong)?;
    let password: Option<LinePassword> = call.params.take("password").map_err(wrong)?;
    Ok(Credentials { named, password })
}
