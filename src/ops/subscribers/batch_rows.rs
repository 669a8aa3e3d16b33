//! What a batch does to its rows: each by itself, so that one that is refused keeps no other.

use std::collections::HashMap;

use super::{
    batches::find,
    subscriptions::{self, Payment, SaleOptions},
};
use crate::{
    domain::{
        Change, Error, Refused, Result, Stored,
        fields::{credits::Movement, time::UnixTime},
        ids::{Id, PlanId, ResellerId},
        people::audit::{Difference, difference},
        subscribers::{
            batch::{MatchedRow, Named, State},
            bulk::Bulk,
            listing::Subscribed,
            plan::{Plan, PlanTerms},
        },
    },
    ops::Act,
    store::{
        Table,
        people::resellers::Cause,
        subscribers::batch_rows::{DoneRow, NAMED},
    },
};

/// Rows that a preview shows.
const SAMPLE: usize = 5;

/// Does the next piece of a batch; ends the batch if there is none.
///
/// # Errors
/// A database error, and [`Error::Denied`] or [`Error::Refused`] if it cannot go on.
pub fn take_piece<S: Subscribed + Table>(act: &Act<'_>, batch: i64) -> Result<()> {
    let found = find(act.tx, batch)?;
    if !matches!(found.state, State::Waiting | State::Running) {
        return Ok(());
    }
    let Some((piece, rows)) = act.tx.next_piece(batch)? else {
        return act.tx.end_batch(batch, State::Done, "", act.now);
    };
    let edit = Bulk::of_json(&found.action, &act.tx.edit_of_batch(batch)?);
    let edit = edit.ok_or(Refused::BatchUnreadable(batch))?;
    let change = S::Change::read(&mut edit.columns())?;
    let (mut done, mut failed) = (0, 0);
    for matched in rows {
        let taken = take::<S>(act, matched, &edit, &change);
        match taken {
            Ok(Taken::Changed(row)) => {
                act.tx.note_done(batch, &row)?;
                done += 1;
            }
            Ok(Taken::AsWanted) => done += 1,
            Err((name, error)) => {
                if matches!(error, Error::Database(_) | Error::Busy) {
                    return Err(error);
                }
                act.tx.note_failed(batch, &Named { id: matched.0, name, why: reason(&error) })?;
                failed += 1;
            }
        }
    }
    act.tx.end_piece(batch, piece, (done, failed), act.now)
}

/// What became of a row.
enum Taken {
    Changed(DoneRow),
    AsWanted,
}

/// Changes one row; else its name, and why not.
fn take<S: Subscribed + Table>(
    act: &Act<'_>,
    matched: MatchedRow,
    edit: &Bulk,
    change: &S::Change,
) -> Result<Taken, (String, Error)> {
    let row = seen::<S>(act, matched)?;
    let name = row.record.name();
    let done = act.attempt(|| {
        // Before it is gone, and with it what belongs to it.
        let before = act.tx.kept_row(&row, *edit == Bulk::Delete)?;
        let Outcome::Changed(payment) = apply(act, &row, edit, change)? else { return Ok(Taken::AsWanted) };
        Ok(Taken::Changed(DoneRow {
            id: row.id.number(),
            name: name.clone(),
            before,
            changed_at: act.now.max(UnixTime::clamped(row.updated_at.seconds() + 1)),
            paid: payment.map(|payment| (payment.reseller, payment.credits)),
        }))
    });
    done.map_err(|error| (name, error))
}

/// A row as it is matched, if the actor may reach it; else its name, and why not.
fn seen<S: Subscribed + Table>(act: &Act<'_>, (id, seen): MatchedRow) -> Result<Stored<S>, (String, Error)> {
    let row = subscriptions::reach::<S>(act.tx, act.actor, S::Id::of(id))
        .map_err(|error| (String::new(), error))?;
    if seen.is_some_and(|seen| seen != row.updated_at.seconds()) {
        return Err((row.record.name(), Error::Changed));
    }
    Ok(row)
}

/// What a change came to.
enum Outcome {
    /// There was nothing to change.
    AsWanted,
    /// It was changed, and paid if it costs something.
    Changed(Option<Payment>),
}

/// Changes one row.
///
/// # Errors
/// As [`subscriptions::update`].
fn apply<S: Subscribed + Table>(
    act: &Act<'_>,
    row: &Stored<S>,
    edit: &Bulk,
    change: &S::Change,
) -> Result<Outcome> {
    if *edit == Bulk::Delete {
        return subscriptions::delete(act, row).map(|_| Outcome::Changed(None));
    }
    let change = edit.of::<S>(change.clone(), row.record.subscription(), act.now)?;
    let terms = edit.shown(edit.plan().or(row.record.subscription().subscription_plan_id));
    let wishes = SaleOptions { extend: edit.extends_by_plan(), free: edit.is_free(), terms };
    if !wishes.extend {
        let after = act.updated(row, change.clone())?;
        if after.facts() == row.record.facts() {
            return Ok(Outcome::AsWanted);
        }
    }
    subscriptions::update_paying(act, row, change, wishes).map(|(_, payment)| Outcome::Changed(payment))
}

/// Why a row is refused: whoever changes many chose what happens to them, and named no fields of a row.
fn reason(error: &Error) -> String {
    match error {
        Error::Invalid { field: "subscription_plan_id", rule } => format!("plan: {rule}"),
        Error::Invalid { field: "expire_date", rule } => format!("end date: {rule}"),
        Error::Invalid { field: "extend_plan", rule } => rule.to_string(),
        error => error.to_string(),
    }
}

/// What a batch would do to some rows, added to what it would do to those before them.
#[derive(Clone, Debug, Default)]
pub struct Rehearsed {
    /// With how many rows it was tried.
    pub tried: usize,
    /// How many credits it would charge.
    pub credits: i64,
    /// How many rows it would refuse.
    pub refused: i64,
    /// The first of these.
    pub named: Vec<Named>,
    /// Why, each reason with how many rows; of very many reasons only some.
    pub reasons: HashMap<String, i64>,
    /// The first rows: id, name, and what would change.
    pub sample: Vec<(i64, String, Difference)>,
    /// The plans that extend rows, as they are sold now.
    pub terms: HashMap<PlanId, PlanTerms>,
    paid: HashMap<ResellerId, i64>,
}

/// Does to some rows what a batch would do, and undoes all of it.
pub fn rehearse<S: Subscribed + Table>(
    act: &Act<'_>,
    rows: &[MatchedRow],
    edit: &Bulk,
    before: &Rehearsed,
) -> Result<Rehearsed> {
    act.rehearse(|| {
        let mut all = before.clone();
        // Those before have paid already.
        for (reseller, credits) in &before.paid {
            let cause = Cause { reason: "extension", actor: act.actor.name(), ..Cause::default() };
            let Some(paid) = Movement::new(-credits) else { continue };
            act.tx.move_credits(*reseller, paid, cause, act.now)?;
        }
        let change = S::Change::read(&mut edit.columns())?;
        if let Some(plan) = edit.plan()
            && !all.terms.contains_key(&plan)
        {
            all.terms.insert(plan, PlanTerms::of(&act.find::<Plan>(plan)?.record));
        }
        all.tried += rows.len();
        for matched in rows {
            rehearse_row::<S>(act, *matched, edit, &change, &mut all)?;
        }
        Ok(all)
    })
}

fn rehearse_row<S: Subscribed + Table>(
    act: &Act<'_>,
    matched: MatchedRow,
    edit: &Bulk,
    change: &S::Change,
    all: &mut Rehearsed,
) -> Result<()> {
    let outcome = seen::<S>(act, matched).and_then(|row| {
        let name = row.record.name();
        let done = act.attempt(|| apply(act, &row, edit, change));
        done.map(|outcome| (row, outcome)).map_err(|error| (name, error))
    });
    let (row, outcome) = match outcome {
        Ok(done) => done,
        Err((_, error @ (Error::Database(_) | Error::Busy))) => return Err(error),
        Err((name, error)) => {
            all.refused += 1;
            if all.named.len() < NAMED {
                all.named.push(Named { id: matched.0, name, why: reason(&error) });
            }
            if all.reasons.len() < NAMED {
                *all.reasons.entry(reason(&error)).or_default() += 1;
            }
            return Ok(());
        }
    };
    if let Outcome::Changed(Some(payment)) = outcome {
        all.credits += payment.credits;
        *all.paid.entry(payment.reseller).or_default() += payment.credits;
    }
    let after = act.tx.by_id::<S>(row.id)?;
    if edit.extends_by_plan()
        && let Some(plan) = after.as_ref().and_then(|after| after.record.subscription().subscription_plan_id)
        && !all.terms.contains_key(&plan)
    {
        all.terms.insert(plan, PlanTerms::of(&act.find::<Plan>(plan)?.record));
    }
    if all.sample.len() < SAMPLE {
        let changes = after.map(|after| difference(&row.record.facts(), &after.record.facts()));
        all.sample.push((row.id.number(), row.record.name(), changes.unwrap_or_default()));
    }
    Ok(())
}
