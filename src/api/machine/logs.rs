//! `/api/logs/list`

use serde_json::Value;

use crate::{
    api::{call::Call, show},
    domain::{Column, Error, Result, fields::text::ShortText},
    ops::machine::logs::{self, Log},
    wire::page,
};

pub async fn list(mut call: Call) -> Result<Value> {
    let kind: ShortText = call.params.require("kind")?;
    let log = Log::ALL.iter().find(|(name, _)| *name == kind.as_str());
    let log = log
        .map(|(_, log)| *log)
        .ok_or(Error::invalid("kind", "error, audit, login, connection, refusal or api"))?;
    let columns = log.columns().iter().map(|(name, kind)| Column { name, kind: *kind, doc: "" });
    let page = page::read_log(&mut call.params, &columns.collect::<Vec<_>>())?;
    call.finish()?;
    let rows = call.ops.read(&call.actor, call.action, move |look| logs::list(look, log, &page)).await?;
    Ok(show::page("logs", rows, show::log_row))
}
