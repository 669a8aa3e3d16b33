//! Undoing a batch, row by row: a row that somebody has changed since stays as it is, and is named.

use super::batches;
use crate::{
    domain::{
        Error, Resource, Result, Stored,
        fields::{credits::Movement, time::UnixTime},
        ids::Id,
        people::{actor::Actor, reseller::Reseller, rights::Access},
        subscribers::{
            batch::{Batch, Named, State},
            line::Line,
            listing::Subscribed,
            mag::Mag,
        },
        viewing::session::Viewer,
    },
    ops::{Act, Action, Ops},
    store::{
        Table,
        people::resellers::Cause,
        subscribers::{
            batches::{DoneRow, NAMED},
            kept_row,
        },
    },
};

/// The act, under the batches and in the audit trail of each row.
const UNDO: Action = Action { resource: Resource::Batches, name: "undo" };

/// What became of an undo: how many rows were taken back in all, and what was left.
#[derive(Clone, Debug)]
pub struct Undone {
    /// Taken back.
    pub undone: i64,
    /// Left as somebody else has made them since: how many, and the first of them with the reasons.
    pub kept: (i64, Vec<Named>),
}

impl Ops {
    /// Takes back what a batch did, a piece at a time; `dry_run` only tries. Asked again, it goes on where it was, and
    /// takes nothing back twice. [`finish_undo`] ends it.
    ///
    /// # Errors
    /// [`Error::NoSuch`], [`Error::Denied`], [`Error::Refused`] if it cannot be undone, or a database error.
    pub async fn undo_batch(&self, actor: &Actor, id: i64, dry_run: bool) -> Result<Undone> {
        let (mut after, mut tried) = (0, Undone { undone: 0, kept: (0, Vec::new()) });
        loop {
            let part =
                self.write(actor.clone(), UNDO, move |act| undo_piece(act, id, after, dry_run)).await?;
            let Some(last) = part.last else { return Ok(tried) };
            after = last;
            tried.undone += part.undone;
            tried.kept.0 += i64::try_from(part.kept.len()).unwrap_or(i64::MAX);
            let room = NAMED.saturating_sub(tried.kept.1.len());
            tried.kept.1.extend(part.kept.into_iter().take(room));
        }
    }
}

/// Ends an undo whose rows are all taken back or left.
///
/// # Errors
/// As [`Ops::undo_batch`].
pub fn finish_undo(act: &Act<'_>, id: i64) -> Result<(Resource, Undone)> {
    let batch = check(act, id)?;
    if batch.state != State::Undone {
        act.tx.end_batch(id, State::Undone, &batch.why, act.now)?;
        act.audit(Some(id), "", &serde_json::json!({}), &serde_json::json!({ "undone": batch.undone }))?;
    }
    Ok((batch.resource, Undone { undone: batch.undone, kept: act.tx.named_rows(id, "kept")? }))
}

/// What came of some rows.
struct Part {
    /// The last of them; none if there were none.
    last: Option<i64>,
    undone: i64,
    kept: Vec<Named>,
}

/// The batch, if it can be undone by whoever asks.
fn check(act: &Act<'_>, id: i64) -> Result<Batch> {
    let batch = batches::find(act.tx, id)?;
    act.actor.may(batch.resource, Access::Write)?;
    batch.may_be_undone(act.now)?;
    Ok(batch)
}

fn undo_piece(act: &Act<'_>, id: i64, after: i64, dry_run: bool) -> Result<Part> {
    let batch = check(act, id)?;
    let rows = act.tx.done_rows(id, after)?;
    let mut part = Part { last: rows.last().map(|row| row.id), undone: 0, kept: Vec::new() };
    let about = act.about(batch.resource);
    let mut each = || {
        for row in &rows {
            let outcome = act.attempt(|| match batch.resource {
                Resource::Mag => undo_row::<Mag>(&about, row, &batch.action),
                _ => undo_row::<Line>(&about, row, &batch.action),
            });
            let why = match outcome {
                Ok(()) => None,
                Err(error @ (Error::Database(_) | Error::Busy)) => return Err(error),
                Err(error) => Some(error.to_string()),
            };
            act.tx.note_undone(id, row.id, why.as_deref())?;
            match why {
                None => part.undone += 1,
                Some(why) => {
                    let name = row.name.clone();
                    part.kept.push(Named { id: row.id, name, why });
                }
            }
        }
        Ok(())
    };
    if dry_run {
        act.rehearse(each)?;
    } else {
        each()?;
    }
    Ok(part)
}

/// Takes one row back.
fn undo_row<S: Subscribed + Table>(act: &Act<'_>, done: &DoneRow, action: &str) -> Result<()> {
    let id = S::Id::of(done.id);
    let before = kept_row::row::<S>(id, &done.before)?;
    act.actor.may_reach(S::RESOURCE, before.record.subscription().reseller_id)?;
    let viewer = S::viewer(id);
    if let Some(reference) = &before.record.subscription().reference
        && act.tx.holder_of(reference)?.is_some_and(|holder| holder != viewer)
    {
        return Err(Error::Taken { resource: S::RESOURCE, field: "reference" });
    }
    let now = act.tx.by_id::<S>(id)?;
    match now {
        None if action == "delete" => {
            let updated_at = act.now.max(UnixTime::clamped(done.changed_at.seconds()));
            act.restore(&Stored { updated_at, ..before })?;
            if S::RESOURCE == Resource::Mag {
                act.tx.restore_device(done.id, &done.before)?;
            }
        }
        None => return Err(Error::no_such(S::RESOURCE)),
        Some(now) if now.updated_at == done.changed_at && action != "delete" => {
            act.actor.may_reach(S::RESOURCE, now.record.subscription().reseller_id)?;
            act.replace(&now, &before.record)?;
        }
        Some(_) => return Err(Error::Changed),
    }
    let Some((reseller, credits)) = done.paid else { return Ok(()) };
    let Some(back) = Movement::new(credits) else { return Ok(()) };
    let (line, mag) = match viewer {
        Viewer::Line(id) => (Some(id), None),
        Viewer::Mag(id) => (None, Some(id)),
    };
    let cause = Cause { reason: "undone", actor: act.actor.name(), line, mag, ..Cause::default() };
    let balance = act.tx.move_credits(reseller, back, cause, act.now)?.get();
    let payer = act.find::<Reseller>(reseller)?.record;
    act.tell_credits(reseller, payer.name.as_str(), balance - credits, balance)
}
