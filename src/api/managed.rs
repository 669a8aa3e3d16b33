//! `new`, `update`, `delete`, `info` and `list` of the resources that are rows and little more.

use serde_json::{Value, json};

use super::{call::Call, show};
use crate::{
    domain::{Error, JsonObject, Result, ids::Id, ids::parse_id},
    ops::managed::{self, Managed},
    wire::{form::Node, page},
};

pub async fn create<R: Managed>(mut call: Call) -> Result<JsonObject> {
    let change = call.change::<R::Change>()?;
    call.write(move |act| Ok(json!({ "created_id": managed::create::<R>(act, change.clone())?.0.number() })))
        .await
}

pub async fn update<R: Managed>(mut call: Call) -> Result<JsonObject> {
    let id = id::<R::Id>(&mut call)?;
    let change = call.change::<R::Change>()?;
    call.write(move |act| {
        managed::update::<R>(act, id, change.clone())?;
        Ok(json!({ "modified_id": id.number() }))
    })
    .await
}

pub async fn delete<R: Managed>(mut call: Call) -> Result<JsonObject> {
    let id = id::<R::Id>(&mut call)?;
    call.finish()?;
    call.write(move |act| {
        managed::delete::<R>(act, id)?;
        Ok(json!({ "deleted_id": id.number() }))
    })
    .await
}

/// The object stands under the singular name of the resource.
pub async fn info<R: Managed>(mut call: Call) -> Result<Value> {
    let id = id::<R::Id>(&mut call)?;
    call.finish()?;
    let row = call.ops.read(&call.actor, call.action, move |look| managed::info::<R>(look, id)).await?;
    Ok(json!({ R::RESOURCE.singular(): show::row(&row) }))
}

/// The array stands under the plural name of the resource.
pub async fn list<R: Managed>(mut call: Call) -> Result<Value> {
    let page = page::read(&mut call.params, &R::columns())?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.action, move |look| managed::list::<R>(look, &page)).await?;
    Ok(show::page(R::RESOURCE.name(), rows, |row| Value::Object(show::row(&row))))
}

/// The required `id`.
pub fn id<I: Id>(call: &mut Call) -> Result<I> {
    optional_id(call)?.ok_or(Error::Missing("id"))
}

/// The `id`, if one was sent.
pub fn optional_id<I: Id>(call: &mut Call) -> Result<Option<I>> {
    match call.params.raw("id") {
        None => Ok(None),
        Some(Node::Text(text)) if text.is_empty() => Ok(None),
        Some(Node::Text(text)) => {
            parse_id(&text).map(|id| Some(I::of(id))).map_err(|rule| Error::invalid("id", rule))
        }
        Some(Node::Flag(_) | Node::Map(_)) => Err(Error::invalid("id", "one number")),
    }
}
