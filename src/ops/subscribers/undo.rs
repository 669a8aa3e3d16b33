//! Undoing a batch, row by row: a row that somebody has changed since stays as it is, is named, and can be tried again.

use super::{batched::Batched, batches};
use crate::{
    domain::{
        Denied, Error, Refused, Resource, Result, Stored,
        channels::{
            bouquet::{Bouquet, Category},
            stream::Stream,
        },
        events::webhook::Webhook,
        fields::{credits::Movement, time::UnixTime},
        guide::source::GuideSource,
        ids::Id,
        machine::server::Server,
        messages::target::MessageTarget,
        people::{
            actor::Actor,
            admin::{Admin, Group},
            reseller::Reseller,
            rights::Access,
        },
        subscribers::{
            batch::{Batch, Named, State},
            line::Line,
            mag::Mag,
            plan::Plan,
        },
        viewing::session::Viewer,
    },
    ops::{Act, Action, Ops},
    store::{
        people::resellers::Cause,
        subscribers::batch_rows::{DoneRow, Earlier, NAMED},
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
    /// Takes back what a batch did, a piece at a time; `dry_run` only tries. Asked again, it goes on where it was, tries
    /// those that were left once more, and takes nothing back twice. [`finish_undo`] ends it.
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
    batches::check_visible(act.actor, &batch, Access::Write)?;
    batch.may_be_undone(act.now)?;
    Ok(batch)
}

fn undo_piece(act: &Act<'_>, id: i64, after: i64, dry_run: bool) -> Result<Part> {
    let batch = check(act, id)?;
    let rows = act.tx.done_rows(id, after)?;
    let earlier = act.tx.earlier(&batch, &rows, act.now)?;
    let mut part = Part { last: rows.last().map(|row| row.id), undone: 0, kept: Vec::new() };
    let mut each = || {
        for row in &rows {
            let outcome = act.attempt(|| undo_one(act, &batch, row, &earlier));
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
fn undo_one(act: &Act<'_>, batch: &Batch, done: &DoneRow, earlier: &Earlier) -> Result<()> {
    let undo: fn(&Act<'_>, &DoneRow, &str) -> Result<(UnixTime, UnixTime)> = match batch.resource {
        Resource::Line => undo_row::<Line>,
        Resource::Mag => undo_row::<Mag>,
        Resource::Streams => undo_row::<Stream>,
        Resource::Bouquets => undo_row::<Bouquet>,
        Resource::SubscriptionPlans => undo_row::<Plan>,
        Resource::Categories => undo_row::<Category>,
        Resource::Resellers => undo_row::<Reseller>,
        Resource::Administrators => undo_row::<Admin>,
        Resource::Servers => undo_row::<Server>,
        Resource::Groups => undo_row::<Group>,
        Resource::GuideSources => undo_row::<GuideSource>,
        Resource::Webhooks => undo_row::<Webhook>,
        Resource::MessageTargets => undo_row::<MessageTarget>,
        _ => return Err(Refused::BatchUnreadable(batch.id).into()),
    };
    let (was, is) = undo(&act.about(batch.resource), done, &batch.action)?;
    act.tx.note_again(earlier, done.id, was, is)
}

/// Its `updated_at` before the batch, and now that it is again what it was.
fn undo_row<R: Batched>(act: &Act<'_>, done: &DoneRow, action: &str) -> Result<(UnixTime, UnixTime)> {
    // Else a reseller would sell a month, and take the credits back a day later.
    if done.paid.is_some() && act.actor.reseller().is_some() {
        return Err(Denied::RefundIsOperators.into());
    }
    let id = R::Id::of(done.id);
    let before = act.tx.row_kept::<R>(id, &done.before)?;
    before.record.check_mine(act)?;
    before.record.check_free(act, id)?;
    let now = act.tx.by_id::<R>(id)?;
    match &now {
        None if action == "delete" => {
            let updated_at = act.now.max(done.changed_at);
            act.restore(&Stored { updated_at, ..before.clone() })?;
            act.tx.restore_beside(R::RESOURCE, done.id, &done.before, act.now)?;
        }
        None => return Err(Error::no_such(R::RESOURCE)),
        Some(now) if now.updated_at == done.changed_at && action != "delete" => {
            now.record.check_mine(act)?;
            act.replace(now, &before.record)?;
        }
        Some(_) => return Err(Error::Changed),
    }
    before.record.check_returned(act, id, now.as_ref().map(|now| &now.record))?;
    give_back::<R>(act, id, done)?;
    Ok((before.updated_at, act.find::<R>(id)?.updated_at))
}

/// Gives back what was paid for a row.
fn give_back<R: Batched>(act: &Act<'_>, id: R::Id, done: &DoneRow) -> Result<()> {
    let Some((reseller, credits)) = done.paid else { return Ok(()) };
    let Some(back) = Movement::new(credits) else { return Ok(()) };
    let (line, mag) = match R::sold_as(id) {
        Some(Viewer::Line(id)) => (Some(id), None),
        Some(Viewer::Mag(id)) => (None, Some(id)),
        None => (None, None),
    };
    let cause = Cause { reason: "undone", actor: act.actor.name(), line, mag, ..Cause::default() };
    let balance = act.tx.move_credits(reseller, back, cause, act.now)?.get();
    let payer = act.find::<Reseller>(reseller)?.record;
    act.tell_credits(reseller, payer.name.as_str(), balance - credits, balance)
}
