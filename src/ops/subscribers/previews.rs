//! What a batch would do, before it is ordered; and orders of what was seen.

use std::collections::{HashMap, VecDeque};

use super::{
    batch_rows::{self, Rehearsed},
    batches,
};
use crate::{
    domain::{
        Error, Refused, Resource, Result,
        ids::PlanId,
        people::{
            actor::{Actor, Who},
            rights::Access,
        },
        subscribers::{
            batch::{MatchedRow, Which},
            bulk::Bulk,
            listing::Subscribed,
            plan::{Plan, PlanTerms},
        },
    },
    ops::{Act, Action, Ops, clock},
    store::Table,
};

/// Previews that are remembered.
const KEPT: usize = 50;
/// Rows of all of them together: 16 bytes each.
const ROWS: usize = 1_000_000;
/// Rows of one transaction of a preview.
const AT_ONCE: usize = 100;

/// What was seen, and what was to become of it.
#[derive(Clone, Debug)]
pub struct Preview {
    id: i64,
    who: Who,
    resource: Resource,
    /// What is to become of each row.
    pub edit: Bulk,
    matched: Vec<MatchedRow>,
    terms: HashMap<PlanId, PlanTerms>,
}

/// The latest previews.
#[derive(Default)]
pub struct Previews(VecDeque<Preview>);

impl Previews {
    /// Remembers one; its number. Numbers begin with the time, so that one from before the last start never means another.
    fn keep(&mut self, mut seen: Preview) -> i64 {
        let now = clock::now().seconds();
        seen.id = self.0.back().map_or(now, |last| now.max(last.id + 1));
        let id = seen.id;
        self.0.push_back(seen);
        let rows = |kept: &VecDeque<Preview>| kept.iter().map(|seen| seen.matched.len()).sum::<usize>();
        while self.0.len() > 1 && (self.0.len() > KEPT || rows(&self.0) > ROWS) {
            self.0.pop_front();
        }
        id
    }

    fn of(&self, id: i64, actor: &Actor, resource: Resource) -> Result<Preview> {
        let same =
            |seen: &&Preview| seen.id == id && seen.resource == resource && same(&seen.who, &actor.who);
        self.0.iter().find(same).cloned().ok_or(Refused::PreviewGone(id).into())
    }
}

/// Whether it is the same key or person, whatever its rights are by now.
fn same(one: &Who, other: &Who) -> bool {
    match (one, other) {
        (Who::ApiKey { id, .. }, Who::ApiKey { id: other, .. }) => id == other,
        (Who::Administrator { id, .. }, Who::Administrator { id: other, .. }) => id == other,
        _ => false,
    }
}

/// What a batch would do.
pub struct Previewed {
    /// By which it is started.
    pub id: i64,
    /// Over how many rows.
    pub count: usize,
    /// What would become of them.
    pub rehearsed: Rehearsed,
}

impl Ops {
    /// Does what a batch would do to the first `tried` rows, piece by piece, undoes all of it, and remembers what was seen.
    ///
    /// # Errors
    /// As [`Ops::matching`], or a database error.
    pub async fn preview_batch<S: Subscribed + Table>(
        &self,
        actor: &Actor,
        which: Which,
        edit: Bulk,
        tried: usize,
    ) -> Result<Previewed> {
        let matched: Vec<MatchedRow> = self.matching::<S>(actor, which, &edit).await?;
        let action = Action { resource: S::RESOURCE, name: "bulk" };
        let mut rehearsed = Rehearsed::default();
        for rows in matched[..matched.len().min(tried)].chunks(AT_ONCE) {
            let (rows, edit, before) = (rows.to_vec(), edit.clone(), rehearsed);
            let job = move |act: &Act<'_>| batch_rows::rehearse::<S>(act, &rows, &edit, &before);
            rehearsed = self.write(actor.clone(), action, job).await?;
        }
        let count = matched.len();
        let (who, terms) = (actor.who.clone(), rehearsed.terms.clone());
        let seen = Preview { id: 0, who, resource: S::RESOURCE, edit, matched, terms };
        Ok(Previewed { id: self.previews.lock().keep(seen), count, rehearsed })
    }

    /// What the actor has seen under that number.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is not remembered, [`Error::Denied`].
    pub fn seen_preview<S: Subscribed>(&self, actor: &Actor, id: i64) -> Result<Preview> {
        actor.may(S::RESOURCE, Access::Write)?;
        self.previews.lock().of(id, actor, S::RESOURCE)
    }
}

/// Orders what was seen: over rows that are as they were, at the price that was shown; its number.
///
/// # Errors
/// [`Error::Refused`] if a plan is another by now; as [`batches::order`].
pub fn order_seen<S: Subscribed + Table>(act: &Act<'_>, seen: &Preview) -> Result<i64> {
    for (plan, shown) in &seen.terms {
        let now = PlanTerms::of(&act.find::<Plan>(*plan)?.record);
        if let Some(changed) = shown.changed_to(&now) {
            return Err(Error::from(Refused::TermsChangedSincePreview(changed)));
        }
    }
    batches::order::<S>(act, &seen.edit.clone().at(&seen.terms), &seen.matched)
}
