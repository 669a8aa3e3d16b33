//! What is on and what comes next, beside streams on the pages of others.

use super::view::time;
use crate::{
    domain::{Result, fields::time::UnixTime, guide::programme::Programme, ids::StreamId},
    ops::Ops,
    panel::kit::table::Cell,
};

/// What is on, with what comes next below it; `None` if the guide knows neither.
pub fn now_and_next(ops: &Ops, stream: StreamId, now: UnixTime) -> Result<Option<Cell>> {
    let (on, next) = ops.guide.now_and_next(stream, now)?;
    if on.is_none() && next.is_none() {
        return Ok(None);
    }
    let words = words(ops, on.as_ref(), next);
    let title = on.map_or("–".into(), |on| on.title);
    Ok(Some(Cell::Under(Box::new(Cell::Text(title)), words)))
}

/// `Harbour Today until 18:30, then The Long Read`; empty if the guide does not know.
pub fn in_words(ops: &Ops, stream: StreamId, now: UnixTime) -> Result<String> {
    let (on, next) = ops.guide.now_and_next(stream, now)?;
    let words = words(ops, on.as_ref(), next);
    Ok(on.map_or(words.clone(), |on| format!("{} {words}", on.title)))
}

/// `until 18:30, then The Long Read`
fn words(ops: &Ops, on: Option<&Programme>, next: Option<Programme>) -> String {
    let zone = ops.snapshot().settings.time_zone.zone();
    let until = on.map(|on| format!("until {}", time(on.stop, &zone)));
    let next = next.map(|next| {
        if on.is_some_and(|on| on.stop == next.start) {
            format!("then {}", next.title)
        } else {
            format!("{} {}", time(next.start, &zone), next.title)
        }
    });
    until.into_iter().chain(next).collect::<Vec<_>>().join(", ")
}
