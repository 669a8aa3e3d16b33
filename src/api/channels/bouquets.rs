//! `bouquets/update`, which also takes streams in and out by themselves.

use serde_json::json;

use crate::{
    api::{call::Call, managed},
    domain::{
        JsonObject, Result,
        channels::bouquet::BouquetChange,
        ids::{BouquetId, Id, StreamId},
    },
    ops::channels::streams,
};

pub async fn update(mut call: Call) -> Result<JsonObject> {
    let id = managed::id::<BouquetId>(&mut call)?;
    let add: Vec<StreamId> = call.data.take("add_streams")?.unwrap_or_default();
    let remove: Vec<StreamId> = call.data.take("remove_streams")?.unwrap_or_default();
    let change = call.change::<BouquetChange>()?;
    call.write(move |act| {
        streams::update_bouquet(act, id, change.clone(), &remove, &add)?;
        Ok(json!({ "modified_id": id.number() }))
    })
    .await
}
