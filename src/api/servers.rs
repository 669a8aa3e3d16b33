//! `/api/servers/...`: as the other resources, with role and status, and the seed's own keys.

use serde_json::{Value, json};

use super::{call::Call, managed::id, show};
use crate::{
    domain::{
        Error, Record, Resource, Result, Stored,
        ids::{Id, ServerId},
        server::{Server, ServerChange},
    },
    ops::managed,
    wire::page,
};

pub async fn update(mut call: Call) -> Result<Value> {
    let id: ServerId = id(&mut call)?;
    let change = call.change::<ServerChange>()?;
    call.write(move |act| {
        let server = managed::update::<Server>(act, id, change)?;
        let address = server.server_ip.0.to_string();
        Ok(json!({ "modified_id": id.number(), "name": server.name.as_str(), "IP address": address }))
    })
    .await
}

pub async fn info(mut call: Call) -> Result<Value> {
    let id: ServerId = id(&mut call)?;
    call.finish()?;
    let found = call.ops.read(&call.actor, call.doing, move |read| read.by_id::<Server>(id)).await?;
    Ok(json!({ "server": shown(&found.ok_or(Error::no_such(Resource::Servers))?) }))
}

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &Server::columns())?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.doing, move |read| read.page::<Server>(&page)).await?;
    Ok(show::page("servers", rows, |server| shown(&server)))
}

/// The main server is this program: it answers, so it is online. Nothing has been heard of a load
/// balancer, because none can connect yet.
fn shown(server: &Stored<Server>) -> Value {
    let is_main = server.id == ServerId::MAIN;
    let mut row = show::row(server);
    row.insert("role".into(), if is_main { "main" } else { "load_balancer" }.into());
    row.insert("status".into(), if is_main { "online" } else { "offline" }.into());
    Value::Object(row)
}
