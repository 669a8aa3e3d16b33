//! `/api/resellers/...`

use serde_json::{Value, json};

use crate::{
    api::{call::Call, managed::optional_id, show},
    domain::{
        Columns, Error, Given, JsonObject, Result,
        fields::{
            credits::{Credits, Movement},
            text::ShortText,
        },
        ids::Id,
        people::reseller::{Reseller, ResellerChange},
        record,
    },
    ops::people::resellers::{self, Booked, Selector},
    wire::page,
};

pub async fn create(mut call: Call) -> Result<JsonObject> {
    let opening = call.data.take::<Credits>("credits")?.unwrap_or(Credits::ZERO);
    let change = call.change::<ResellerChange>()?;
    call.write(move |act| {
        let (id, reseller, balance) = resellers::create(act, change.clone(), opening)?;
        Ok(json!({ "created_id": id.number(), "name": reseller.name.as_str(), "credits": balance.get() }))
    })
    .await
}

pub async fn update(mut call: Call) -> Result<JsonObject> {
    let who = selector(&mut call)?;
    let balance = match record::parse::<Credits>(&mut call.data, "credits")? {
        Given::Absent => None,
        Given::Empty => Some(Credits::ZERO),
        Given::Value(balance) => Some(balance),
    };
    let change = call.change::<ResellerChange>()?;
    call.write(move |act| {
        let (id, reseller, balance) = resellers::update(act, &who, change.clone(), balance)?;
        Ok(json!({ "modified_id": id.number(), "name": reseller.name.as_str(), "credits": balance.get() }))
    })
    .await
}

pub async fn add_credits(mut call: Call) -> Result<JsonObject> {
    let who = selector(&mut call)?;
    let movement: Movement = call.params.require("credits")?;
    let note = call.params.take::<ShortText>("note")?;
    call.finish()?;
    call.write(move |act| {
        let Booked { id, balance, .. } = resellers::add_credits(act, &who, movement, note.as_ref(), None)?;
        Ok(json!({ "modified_id": id.number(), "credits": balance.get() }))
    })
    .await
}

pub async fn delete(mut call: Call) -> Result<JsonObject> {
    let who = selector(&mut call)?;
    call.finish()?;
    call.write(move |act| Ok(json!({ "deleted_id": resellers::delete(act, &who)?.number() }))).await
}

pub async fn list(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &Reseller::columns())?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.action, move |look| resellers::list(look, &page)).await?;
    Ok(show::page("resellers", rows, |listed| {
        let mut row = show::row(&listed.reseller);
        show::put(&mut row, "trials_per_day", "credits", listed.credits.get().into());
        let (usernames, emails): (Vec<String>, Vec<String>) =
            listed.holdings.people.into_iter().map(|person| (person.username, person.email)).unzip();
        show::put(&mut row, "max_allowed_connections", "usernames", usernames.into());
        show::put(&mut row, "max_allowed_connections", "emails", emails.into());
        row.insert("lines".into(), listed.holdings.lines.into());
        row.insert("mags".into(), listed.holdings.mags.into());
        row.insert("held_connections".into(), listed.holdings.held.connections.into());
        Value::Object(row)
    }))
}

pub async fn statement(mut call: Call) -> Result<Value> {
    let who = selector(&mut call)?;
    let page = page::read_window(&mut call.params)?;
    call.finish()?;
    let read =
        call.ops.read(&call.actor, call.action, move |look| resellers::statement(look, &who, &page)).await;
    let (reseller, balance, rows) = read?;
    let mut answer = json!({
        "id": reseller.id.number(),
        "name": reseller.record.name.as_str(),
        "credits": balance.get(),
        "total": rows.total,
    });
    let mut page = show::page("statement", rows, |booking| {
        json!({
            "id": booking.id,
            "at": booking.at.seconds(),
            "amount": booking.amount,
            "balance": booking.balance,
            "reason": booking.reason,
            "actor": booking.actor,
            "line_id": booking.line_id,
            "mag_id": booking.mag_id,
            "subscription_plan_id": booking.plan_id,
            "note": booking.note,
        })
    });
    answer["statement"] = page["statement"].take();
    Ok(answer)
}

fn selector(call: &mut Call) -> Result<Selector> {
    let id = optional_id(call)?;
    match (id, call.params.take::<ShortText>("username")?) {
        (Some(id), Some(name)) => Ok(Selector::Both(id, name)),
        (Some(id), None) => Ok(Selector::Id(id)),
        (None, Some(name)) => Ok(Selector::Named(name)),
        (None, None) => Err(Error::Missing("id or username")),
    }
}
