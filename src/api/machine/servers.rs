//! `/api/servers/...`: as the other resources, with role, state and load, and the seed's own keys.

use serde_json::{Value, json};

use crate::{
    api::{call::Call, managed::id, show},
    domain::{
        Columns, JsonObject, Result, Stored,
        ids::{Id, ServerId},
        machine::server::{Health, Load, Server, ServerChange},
    },
    ops::{Ops, managed},
    wire::page,
};

pub async fn update(mut call: Call) -> Result<JsonObject> {
    let id: ServerId = id(&mut call)?;
    let change = call.change::<ServerChange>()?;
    call.write(move |act| {
        let server = managed::update::<Server>(act, id, change.clone())?;
        let address = server.server_ip.0.to_string();
        Ok(json!({ "modified_id": id.number(), "name": server.name.as_str(), "IP address": address }))
    })
    .await
}

pub async fn info(mut call: Call) -> Result<Value> {
    let id: ServerId = id(&mut call)?;
    call.finish()?;
    let found = call.ops.read(&call.actor, call.action, move |look| managed::info(look, id)).await?;
    Ok(json!({ "server": shown(&call.ops, &found) }))
}

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &Server::columns())?;
    call.finish()?;
    let rows =
        call.ops.read(&call.actor, call.action, move |look| managed::list::<Server>(look, &page)).await?;
    Ok(show::page("servers", rows, |server| shown(&call.ops, &server)))
}

fn shown(ops: &Ops, server: &Stored<Server>) -> Value {
    let (is_main, is_here) = (server.id.is_main(), ops.here().is(server.id));
    let mut row = show::row(server);
    show::put(&mut row, "server_ip", "role", if is_main { "main" } else { "load_balancer" }.into());
    row.extend(state(ops.health(server.id), is_here));
    // Nothing is measured on other machines.
    let load = if is_here { ops.load() } else { Load::default() };
    row.extend(load_members(load));
    row.insert("clients".into(), is_here.then(|| ops.viewing.open_sessions_total()).into());
    Value::Object(row)
}

/// Before its first check, this server is online because it answers this; no other is known to be.
fn state(health: Option<Health>, is_here: bool) -> [(String, Value); 4] {
    let online = health.as_ref().map_or(is_here, |health| health.online);
    let since = health.as_ref().map(|health| health.since.seconds());
    let checked_at = health.as_ref().map(|health| health.checked_at.seconds());
    [
        ("status".into(), if online { "online" } else { "offline" }.into()),
        ("status_since".into(), since.into()),
        ("last_check_at".into(), checked_at.into()),
        ("last_error".into(), health.and_then(|health| health.last_error).into()),
    ]
}

fn load_members(load: Load) -> [(String, Value); 8] {
    [
        ("cpu_percent".into(), load.cpu_percent.into()),
        ("memory_used".into(), load.memory.map(|memory| memory.used).into()),
        ("memory_total".into(), load.memory.map(|memory| memory.total).into()),
        ("disk_used".into(), load.disk.map(|disk| disk.used).into()),
        ("disk_total".into(), load.disk.map(|disk| disk.total).into()),
        ("network_in_kbps".into(), load.network.map(|network| network.in_kbps).into()),
        ("network_out_kbps".into(), load.network.map(|network| network.out_kbps).into()),
        ("uptime".into(), load.uptime.into()),
    ]
}
