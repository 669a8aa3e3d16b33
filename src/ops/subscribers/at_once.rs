//! What the panel deletes and moves: a batch that is over at once, of one row too, so that it can be undone like any other.

use std::collections::HashSet;

use serde_json::json;

use super::{batched::Batched, batches};
use crate::{
    domain::{
        Column, Kind, Resource, Result, Stored,
        fields::time::UnixTime,
        ids::Id,
        people::audit::difference,
        subscribers::batch::{MatchedRow, State},
    },
    ops::Act,
    store::subscribers::batch_rows::DoneRow,
};

/// Rows that are gone.
pub struct DeletedRows {
    /// The number of the batch, by which they come back.
    pub batch: i64,
    /// What they were called.
    pub names: Vec<String>,
}

/// Deletes rows: all of them or none.
///
/// # Errors
/// [`crate::domain::Error::NoSuch`], and as the deletion of each.
pub fn delete<R: Batched>(act: &Act<'_>, ids: &[R::Id]) -> Result<DeletedRows> {
    let rows: Vec<Stored<R>> = ids.iter().map(|id| act.find::<R>(*id)).collect::<Result<_>>()?;
    // Before the first is gone: each knows its neighbours in lists.
    let kept = rows.iter().map(|row| {
        row.record.check_mine(act)?;
        act.tx.kept_row(row, true)
    });
    let kept: Vec<String> = kept.collect::<Result<_>>()?;
    let mut done = Vec::new();
    for (row, before) in rows.iter().zip(kept) {
        let paid = R::take_away(act, row)?;
        done.push(DoneRow {
            id: row.id.number(),
            name: row.record.label(),
            before,
            changed_at: act.now.max(UnixTime::clamped(row.updated_at.seconds() + 1)),
            paid: paid.map(|payment| (payment.reseller, payment.credits)),
        });
    }
    let batch = note(act, R::RESOURCE, "delete", &done)?;
    Ok(DeletedRows { batch, names: done.into_iter().map(|row| row.name).collect() })
}

/// Notes those of the rows that have moved since they were read, which is in this act: that belong to other rows now, hold
/// others, or stand at another place. The number of the batch, if there are any.
pub fn moved<R: Batched>(act: &Act<'_>, before: &[Stored<R>]) -> Result<Option<i64>> {
    let places: HashSet<&str> =
        R::columns().iter().filter(|column| is_place(column)).map(|it| it.name).collect();
    let mut done = Vec::new();
    for row in before {
        let Some(now) = act.tx.by_id::<R>(row.id)? else { continue };
        if difference(&row.record.facts(), &now.record.facts()).iter().any(|(name, ..)| places.contains(name))
        {
            done.push(DoneRow {
                id: row.id.number(),
                name: row.record.label(),
                before: act.tx.kept_row(row, false)?,
                changed_at: now.updated_at,
                paid: None,
            });
        }
    }
    if done.is_empty() { Ok(None) } else { note(act, R::RESOURCE, "update", &done).map(Some) }
}

fn is_place(column: &Column) -> bool {
    matches!(column.kind, Kind::Reference(_) | Kind::References(_)) || column.name == "position"
}

fn note(act: &Act<'_>, resource: Resource, action: &'static str, done: &[DoneRow]) -> Result<i64> {
    let matched: Vec<MatchedRow> = done.iter().map(|row| (row.id, None)).collect();
    let batch = batches::insert(act, resource, action, &json!({}), &matched)?;
    for row in done {
        act.tx.note_done(batch, row)?;
    }
    let count = i64::try_from(done.len()).unwrap_or(i64::MAX);
    act.tx.end_piece(batch, 0, (count, 0), act.now)?;
    act.tx.end_batch(batch, State::Done, "", act.now)?;
    Ok(batch)
}
