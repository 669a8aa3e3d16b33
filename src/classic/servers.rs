//! `action=server`: servers.

use serde_json::{Value, json};

use super::{
    call::Call,
    reply::Answer,
    rows::{flag, optional, text},
};
use crate::{
    domain::{
        Result, Stored,
        ids::Id,
        machine::server::Server,
        page::{Limit, Page},
    },
    ops::{Ops, managed},
};

/// Servers in the order of ids, at most 1,000.
pub async fn list(call: Call) -> Result<Answer> {
    let page = Page { limit: Limit::MOST, ..Page::default() };
    let read = call.ops.read(&call.actor, call.action, move |look| managed::list::<Server>(look, &page));
    let rows = read.await?.rows;
    Ok(Answer::Rows(rows.iter().map(|server| row(&call.ops, server)).collect()))
}

fn row(ops: &Ops, server: &Stored<Server>) -> Value {
    let is_here = ops.here().is(server.id);
    let health = ops.health(server.id);
    let vpn_ip = server.record.vpn_ip.map(|address| address.0);
    json!({
        "id": text(server.id.number()),
        "server_name": text(server.record.name.as_str()),
        "domain_name": text(""),
        "server_ip": text(server.record.server_ip.0),
        "private_ip": optional(vpn_ip),
        "vpn_ip": optional(vpn_ip),
        "is_main": flag(server.id.is_main()),
        "http_broadcast_port": text(server.record.http_port.get()),
        "https_broadcast_port": Value::Null,
        "total_clients": text(if is_here { ops.viewing.open_sessions_total() } else { 0 }),
        // Before its first check, this server is online because it answers this; no other is known to be.
        "status": flag(health.as_ref().map_or(is_here, |health| health.online)),
        "last_check": optional(health.map(|health| health.checked_at.seconds())),
    })
}
