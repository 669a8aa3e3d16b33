//! `/api/mag/...`

use serde_json::{Value, json};

use super::{call::Call, connections, explain, line::wishes, show};
use crate::{
    domain::{
        Record, Result,
        ids::Id,
        mac::Mac,
        mag::{Mag, MagChange},
        session::Viewer,
    },
    ops::{
        clock,
        mags::{self, Wishes},
    },
    wire::page,
};

pub async fn create(mut call: Call) -> Result<Value> {
    let wishes = Wishes { extend: false, free: call.data.take("free")?.unwrap_or(false) };
    let change = call.change::<MagChange>()?;
    call.write(move |act| {
        let (id, mag) = mags::create(act, change.clone(), wishes)?;
        Ok(json!({ "created_id": id.number(), "mac_address": mag.mac_address.to_string() }))
    })
    .await
}

pub async fn update(mut call: Call) -> Result<Value> {
    let mac: Mac = call.params.require("mac_address")?;
    let wishes = wishes(&mut call)?;
    let change = call.change::<MagChange>()?;
    call.write(move |act| {
        let (id, mag) = mags::update(act, mac, change.clone(), wishes)?;
        Ok(json!({ "modified_id": id.number(), "mac_address": mag.mac_address.to_string() }))
    })
    .await
}

pub async fn delete(mut call: Call) -> Result<Value> {
    let mac: Mac = call.params.require("mac_address")?;
    call.finish()?;
    call.write(move |act| Ok(json!({ "deleted_id": mags::delete(act, mac)?.number() }))).await
}

#[allow(clippy::unused_async, reason = "every call of the table is a future")]
pub async fn info(mut call: Call) -> Result<Value> {
    let mac: Mac = call.params.require("mac_address")?;
    call.finish()?;
    let info = call.ops.point(&call.actor, call.doing, |read| mags::info(read, mac, clock::now()))?;
    let channels: Vec<i64> = info.channels.iter().map(|id| id.number()).collect();
    let now = clock::now();
    let open = call.ops.connections_of(Viewer::Mag(info.mag.id));
    let open: Vec<Value> = open.iter().map(|connection| connections::shown(connection, now)).collect();
    Ok(json!({ "mag_info": show::row(&info.mag), "mag_conn_info": open, "mag_channel_ids": channels }))
}

pub async fn explain(mut call: Call) -> Result<Value> {
    let mac: Mac = call.params.require("mac_address")?;
    let info = call.ops.point(&call.actor, call.doing, |read| mags::info(read, mac, clock::now()))?;
    explain::answer(call, info.mag.into()).await
}

pub async fn list(mut call: Call) -> Result<Value> {
    // A filter by address takes every spelling.
    if let Some(mac) = call.params.take::<Mac>("mac_address")? {
        call.params.or_else("mac_address", &mac.to_string());
    }
    let page = page::read(&mut call.params, &Mag::columns())?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.doing, move |read| read.page::<Mag>(&page)).await?;
    Ok(show::page("mags", rows, |mag| Value::Object(show::row(&mag))))
}
