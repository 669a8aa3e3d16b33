//! A log as a CSV file: read and sent a piece at a time.

use std::collections::VecDeque;

use actix_web::web::{Bytes, Path};
use futures_util::stream;

use super::{LogQuery, kind, kinds::Kind};
use crate::{
    domain::{Fact, Kind as Column, Resource, Result, fields::time::UnixTime, people::actor::Actor},
    ops::{
        Ops,
        machine::logs::{self, LogRow, LogSearch, Turn},
    },
    panel::kit::{
        caller::{Caller, action},
        csv,
        error::Reply,
        sent::Query,
    },
};

/// Rows read at once.
const PIECE: u32 = 1000;

/// Every row that the page would show on all its pages, with every column. Times are UTC.
pub async fn get(caller: Caller, name: Path<String>, query: Query) -> Reply {
    let kind = kind(&name)?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let sought = LogSearch { rows: PIECE, ..LogQuery::of(kind, &query, &zone)?.sought };
    let head: Vec<&str> = kind.log.columns().iter().map(|(name, _)| *name).collect();
    // The first piece decides whether there is a file at all.
    let (ops, actor) = (caller.ops, caller.signed_in.actor);
    let first = piece(&ops, &actor, kind, &sought).await?;
    let begin = (VecDeque::from([first.0]), first.1);
    let rest = stream::unfold(begin, move |(mut ready, older)| {
        let (ops, actor, sought) = (ops.clone(), actor.clone(), sought.clone());
        async move {
            if let Some(bytes) = ready.pop_front() {
                return Some((Ok(bytes), (ready, older)));
            }
            let sought = LogSearch { turn: Turn::Older(older?), ..sought };
            match piece(&ops, &actor, kind, &sought).await {
                Ok((bytes, older)) => Some((Ok(bytes), (ready, older))),
                // The file ends in its middle, and the browser says so.
                Err(error) => Some((Err(error), (ready, None))),
            }
        }
    });
    Ok(csv::download(&format!("{}.csv", kind.name), &head, rest))
}

/// Some rows, and before which id there are more.
async fn piece(ops: &Ops, actor: &Actor, kind: &Kind, sought: &LogSearch) -> Result<(Bytes, Option<i64>)> {
    let (log, sought) = (kind.log, sought.clone());
    let list = action(Resource::Logs, "csv");
    let found = ops.read(actor, list, move |look| logs::seek(look, log, &sought)).await?;
    Ok((csv::rows(found.rows.iter().map(|row| cells(kind, row)))?, found.older))
}

fn cells(kind: &Kind, row: &LogRow) -> Vec<String> {
    let columns = row.iter().zip(kind.log.columns());
    let cell = |((_, fact), (_, column)): (&(&str, Fact), &(&str, Column))| match fact {
        Fact::Number(seconds) if *column == Column::Time => {
            format!("{}Z", UnixTime::clamped(*seconds).local(&jiff::tz::TimeZone::UTC).replace(' ', "T"))
        }
        Fact::Number(number) => number.to_string(),
        Fact::Text(text) => text.clone(),
        _ => String::new(),
    };
    columns.map(cell).collect()
}
