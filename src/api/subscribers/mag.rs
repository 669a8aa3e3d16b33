//! `/api/mag/...`

use serde_json::{Value, json};

use super::line::wishes;
use crate::{
    api::{
        call::Call,
        show,
        viewing::{connections, explain},
    },
    domain::{
        Columns, JsonObject, Result,
        fields::{
            mac::Mac,
            number::Seconds,
            text::{HttpUrl, LinePassword, Notes, Username},
            time::UnixTime,
        },
        ids::Id,
        portal::{
            device::{Device, DeviceReport, Pin},
            mag_event::{Event, Order},
        },
        subscribers::{
            mag::{Mag, MagChange},
            named::Named,
        },
        viewing::session::Viewer,
    },
    ops::{
        clock,
        portal::{self, BoxView},
        random,
        subscribers::{
            convert,
            mags::{self, SaleOptions},
        },
    },
    wire::page,
};

pub async fn create(mut call: Call) -> Result<JsonObject> {
    let wishes = SaleOptions { free: call.data.take("free")?.unwrap_or(false), ..SaleOptions::default() };
    let change = call.change::<MagChange>()?;
    call.write(move |act| {
        let (id, mag) = mags::create(act, change.clone(), wishes)?;
        Ok(json!({ "created_id": id.number(), "mac_address": mag.mac_address.to_string() }))
    })
    .await
}

pub async fn update(mut call: Call) -> Result<JsonObject> {
    let which = which(&mut call)?;
    let wishes = wishes(&mut call)?;
    let change = call.change::<MagChange>()?;
    call.write(move |act| {
        let (id, mag) = mags::update(act, &which, change.clone(), wishes)?;
        Ok(json!({ "modified_id": id.number(), "mac_address": mag.mac_address.to_string() }))
    })
    .await
}

pub async fn delete(mut call: Call) -> Result<JsonObject> {
    let which = which(&mut call)?;
    call.finish()?;
    call.write(move |act| Ok(json!({ "deleted_id": mags::delete(act, &which)?.number() }))).await
}

#[allow(clippy::unused_async, reason = "every call of the table is a future")]
pub async fn info(mut call: Call) -> Result<Value> {
    let which = which(&mut call)?;
    call.finish()?;
    let info = call.ops.point(&call.actor, call.action, |look| mags::info(look, &which))?;
    let channels: Vec<i64> = info.channels.iter().map(|id| id.number()).collect();
    let device = device(&call.ops.device_of(info.mag.id)?);
    let now = clock::now();
    let open = call.ops.viewing.connections_of(Viewer::Mag(info.mag.id));
    let open: Vec<Value> = open.iter().map(|connection| connections::shown(connection, now)).collect();
    Ok(json!({
        "mag_info": show::row(&info.mag),
        "mag_conn_info": open,
        "mag_channel_ids": channels,
        "mag_device": device,
    }))
}

/// Lets an event wait for the box.
pub async fn send_event(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let which = which(&mut call)?;
    let event = Event {
        order: call.params.require::<Order>("event")?,
        msg: call.params.take::<Notes>("msg")?.map(|msg| msg.as_str().to_owned()).unwrap_or_default(),
        param: call.params.take::<HttpUrl>("param1")?.map(|url| url.as_str().to_owned()).unwrap_or_default(),
        reboot_after_ok: call.params.take("reboot_after_ok")?.unwrap_or(false),
        auto_hide_timeout: call.params.take::<Seconds>("auto_hide_timeout")?.map_or(0, Seconds::get),
    };
    let event = event.checked()?;
    call.finish()?;
    call.write(move |act| Ok(json!({ "event_id": portal::send(act, &which, &event)? }))).await
}

/// Releases the device that the MAG is bound to, so that another can take its place.
pub async fn reset_device(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let which = which(&mut call)?;
    call.finish()?;
    call.write(move |act| Ok(json!({ "modified_id": portal::reset(act, &which, None)?.number() }))).await
}

/// Sets the parental PIN, or makes a new one.
pub async fn set_parent_pin(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let which = which(&mut call)?;
    let pin = if let Some(pin) = call.params.take::<Pin>("parent_pin")? {
        pin
    } else {
        call.made.push("parent_pin");
        random::pin()?
    };
    call.finish()?;
    call.write(move |act| {
        let id = portal::set_pin(act, &which, None, &pin)?;
        Ok(json!({ "modified_id": id.number(), "parent_pin": pin.as_str() }))
    })
    .await
}

pub async fn convert_to_line(mut call: Call) -> Result<JsonObject> {
    call.join_places();
    let which = which(&mut call)?;
    let wanted = convert::Credentials {
        username: call.params.take::<Username>("username")?,
        password: call.params.take::<LinePassword>("password")?,
    };
    call.finish()?;
    let (spare, dry_run) = (convert::spare()?, call.dry_run);
    call.write(move |act| {
        let (id, line) = convert::to_line(act, &which, &wanted, &spare)?;
        // A dry run does not tell what the call would not bring.
        let username = (!dry_run || line.username != spare.0).then(|| line.username.as_str());
        let password = (!dry_run || line.password != spare.1).then(|| line.password.as_str());
        Ok(json!({ "created_id": id.number(), "username": username, "password": password }))
    })
    .await
}

pub async fn explain(mut call: Call) -> Result<Value> {
    let which = which(&mut call)?;
    let info = call.ops.point(&call.actor, call.action, |look| mags::info(look, &which))?;
    explain::answer(call, info.mag.into()).await
}

pub async fn list(mut call: Call) -> Result<Value> {
    // A filter by address takes every spelling.
    if let Some(mac) = call.params.take::<Mac>("mac_address")? {
        call.params.or_else("mac_address", &mac.to_string());
    }
    let page = page::read(&mut call.params, &Mag::columns())?;
    call.finish()?;
    let found = call.ops.read(&call.actor, call.action, move |look| {
        let found = mags::list(look, &page)?;
        let devices = mags::devices(look, &found.rows)?;
        Ok((found, devices))
    });
    let (rows, mut devices) = found.await?;
    Ok(show::page("mags", rows, |mag| {
        let mut row = show::row(&mag);
        let device = devices.remove(&mag.id).map(|device| call.ops.up_to_now(mag.id, device));
        row.insert("mag_device".into(), device.as_ref().map(told).into());
        Value::Object(row)
    }))
}

/// Which MAG the call means.
fn which(call: &mut Call) -> Result<Named<Mac>> {
    super::named(call, "mac_address")
}

/// The box of a MAG; the token and what else lets it in stay here.
fn device(shown: &BoxView) -> Value {
    let favourites: Vec<i64> = shown.favourites.iter().map(|id| id.number()).collect();
    let mut all = told(&shown.device);
    all["parent_pin"] = shown.device.parent_pin.as_str().into();
    all["favourite_ids"] = favourites.into();
    all["events_waiting"] = shown.events_waiting.into();
    all
}

/// What a box told, and when it came: what lists show of it too.
fn told(device: &Device) -> Value {
    let DeviceReport { device_id, device_id2, model, firmware, hardware, serial } = &device.about;
    json!({
        "model": model,
        "firmware": firmware,
        "hardware": hardware,
        "serial": serial,
        "device_id": device_id,
        "device_id2": device_id2,
        "ip": device.address,
        "user_agent": device.user_agent,
        "first_seen_at": device.first_seen_at.map(UnixTime::seconds),
        "last_seen_at": device.last_seen_at.map(UnixTime::seconds),
        "last_channel_id": device.last_channel.map(Id::number),
        "signed_in": u8::from(device.signed_in),
    })
}
