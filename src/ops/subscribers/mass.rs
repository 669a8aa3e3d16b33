//! Mass edits: first a preview, then the same change of every row that the preview meant, 500 rows in a
//! transaction. A row that somebody else has written to since the preview, or that matches no more, is left alone.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};

use super::subscriptions::{self, SaleOptions};
use crate::{
    domain::{
        Error, Refused, Result, Stored,
        ids::ResellerId,
        people::{
            actor::{Actor, Who},
            audit::{Difference, difference},
            reseller::Reseller,
            rights::Access,
        },
        subscribers::{
            listing::{Selection, State, Subscribed},
            mass_edit::MassEdit,
            plan::{Plan, Terms},
        },
    },
    ops::{Act, Action, Ops, clock},
    store::Table,
};

/// Rows of one transaction.
const AT_ONCE: usize = 500;
/// Rows that a preview shows.
const SAMPLE: usize = 5;
/// Rows with which a preview tries what the run would do: a fraction of a second of the writer.
const TRIED: usize = 1000;
/// Reasons of refusals that a preview tells.
const TOLD: usize = 10;
/// Refusals that are kept, with their reasons; more are only counted.
const REASONS: usize = 100;
/// Finished runs that are remembered.
const RUNS: usize = 50;

/// Rows by name, each with what would change, or why it would not.
pub type Sample = Vec<(String, Result<Difference>)>;

/// What a mass edit would do.
#[derive(Default)]
pub struct Preview {
    /// Exactly how many rows it means.
    pub rows: i64,
    /// The newest row of the audit trail: rows that are written to later are left alone.
    pub mark: i64,
    /// The first of them, with what would change, or why it would not.
    pub sample: Sample,
    /// The terms of the plan that extends them: no others are charged.
    pub terms: Option<Terms>,
    /// What became of the first of them when the run was tried.
    pub trial: Trial,
}

/// A run that was tried and undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// With how many rows.
    pub tried: usize,
    /// How many of these it would refuse.
    pub refused: usize,
    /// How many credits it would charge for these.
    pub credits: i64,
    /// The commonest reasons first, each with how many it would refuse.
    pub reasons: Vec<(String, usize)>,
}

/// How far a mass edit is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// How many rows the preview meant.
    pub wanted: i64,
    /// How many were changed.
    pub changed: i64,
    /// How many were as wanted already.
    pub unchanged: i64,
    /// How many were refused.
    pub refused: i64,
    /// The first refused, with the reasons.
    pub reasons: Vec<(String, String)>,
    /// Whether it is over.
    pub finished: bool,
    /// Why it ended early, if it did.
    pub failed: Option<String>,
}

impl Progress {
    /// How many rows were left alone, because they were changed since the preview or match no more.
    pub fn left_alone(&self) -> i64 {
        (self.wanted - self.changed - self.unchanged - self.refused).max(0)
    }
}

/// A mass edit under way or over.
pub struct Run {
    who: Who,
    progress: Mutex<Progress>,
}

impl Run {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock()
    }
}

/// The runs since the server was started, by number.
pub type Runs = Mutex<BTreeMap<u64, Arc<Run>>>;

/// What came of some rows.
#[derive(Default)]
struct Part {
    changed: i64,
    unchanged: i64,
    refused: Vec<(String, String)>,
}

impl Ops {
    /// What a mass edit would do.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`] or [`Error::Refused`] for an edit that makes no sense; a database error.
    pub async fn preview_mass_edit<S: Subscribed + Table>(
        &self,
        actor: &Actor,
        selection: Selection,
        edit: MassEdit,
    ) -> Result<Preview> {
        actor.may(S::RESOURCE, Access::Write)?;
        let selection = self.meant_by::<S>(actor, selection, &edit)?;
        let action = Action { resource: S::RESOURCE, name: "mass_edit" };
        let meant = selection.clone();
        let look = self.read(actor, action, move |look| {
            let ids = look.read.selected::<S>(&meant, 0, TRIED)?;
            Ok((ids, look.read.count_selected::<S>(&meant)?, look.read.newest_audit()?))
        });
        let (ids, rows, mark) = look.await?;
        let tried = self.write(actor.clone(), action, move |act| {
            let terms = edit.extend_plan.map(|plan| act.find::<Plan>(plan)).transpose()?;
            let terms = terms.map(|plan| Terms::of(&plan.record));
            Ok((terms, try_out::<S>(act, &selection, &edit, &ids, terms)?))
        });
        let (terms, (sample, trial)) = tried.await?;
        Ok(Preview { rows, mark, sample, terms, trial })
    }

    /// Begins a mass edit as it was previewed; the number of the run.
    ///
    /// # Errors
    /// As [`Ops::preview_mass_edit`].
    pub fn begin_mass_edit<S: Subscribed + Table>(
        &self,
        actor: &Actor,
        selection: Selection,
        edit: MassEdit,
        preview: &Preview,
    ) -> Result<(u64, impl Future<Output = ()> + use<S>)> {
        actor.may(S::RESOURCE, Access::Write)?;
        let mut selection = self.meant_by::<S>(actor, selection, &edit)?;
        if edit.extend_plan.is_some() != preview.terms.is_some() {
            return Err(Refused::NotPreviewed.into());
        }
        let terms = preview.terms;
        selection.untouched_since = Some(preview.mark);
        let progress = Progress { wanted: preview.rows, ..Progress::default() };
        let run = Arc::new(Run { who: actor.who.clone(), progress: Mutex::new(progress) });
        let number = self.remember(run.clone());
        let (ops, actor) = (self.clone(), actor.clone());
        let work = async move {
            let outcome = ops.mass_edit::<S>(&actor, selection, edit, terms, &run).await;
            let mut progress = run.lock();
            progress.finished = true;
            progress.failed = outcome.err().map(|error| error.to_string());
        };
        Ok((number, work))
    }

    /// A run of the same actor.
    pub fn mass_run(&self, actor: &Actor, number: u64) -> Option<Arc<Run>> {
        let runs = self.runs.lock();
        runs.get(&number).filter(|run| run.who == actor.who).cloned()
    }

    /// Numbers begin with the time, so that the page of a run from before the last start never shows another.
    fn remember(&self, run: Arc<Run>) -> u64 {
        let mut runs = self.runs.lock();
        let now = u64::try_from(clock::now().seconds()).unwrap_or(1);
        let number = runs.last_key_value().map_or(now, |(last, _)| now.max(last + 1));
        if runs.len() >= RUNS {
            let over = runs.iter().find(|(_, run)| run.progress().finished).map(|(number, _)| *number);
            over.and_then(|over| runs.remove(&over));
        }
        runs.insert(number, run);
        number
    }

    fn meant_by<S: Subscribed>(
        &self,
        actor: &Actor,
        mut selection: Selection,
        edit: &MassEdit,
    ) -> Result<Selection> {
        edit.check()?;
        if selection.state == Some(State::Watching) {
            return Err(Refused::StateNeverStays.into());
        }
        self.confine::<S>(actor, &mut selection);
        Ok(selection)
    }

    async fn mass_edit<S: Subscribed + Table>(
        &self,
        actor: &Actor,
        selection: Selection,
        edit: MassEdit,
        terms: Option<Terms>,
        run: &Run,
    ) -> Result<()> {
        let action =
            Action { resource: S::RESOURCE, name: if edit.delete { "mass_delete" } else { "mass_edit" } };
        let mut after = 0;
        loop {
            let chosen = selection.clone();
            let ids = self
                .read(actor, action, move |look| look.read.selected::<S>(&chosen, after, AT_ONCE))
                .await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = *last;
            let (chosen, edit) = (selection.clone(), edit.clone());
            let part = self
                .write(actor.clone(), action, move |act| {
                    check_terms(act, &edit, terms)?;
                    part::<S>(act, &chosen, &edit, &ids)
                })
                .await?;
            let mut progress = run.lock();
            progress.changed += part.changed;
            progress.unchanged += part.unchanged;
            progress.refused += i64::try_from(part.refused.len()).unwrap_or(i64::MAX);
            let room = REASONS.saturating_sub(progress.reasons.len());
            progress.reasons.extend(part.refused.into_iter().take(room));
        }
    }
}

/// Nobody is charged a price that the preview did not show.
fn check_terms(act: &Act<'_>, edit: &MassEdit, shown: Option<Terms>) -> Result<()> {
    let (Some(plan), Some(shown)) = (edit.extend_plan, shown) else { return Ok(()) };
    let now = Terms::of(&act.find::<Plan>(plan)?.record);
    match shown.changed_to(&now) {
        Some(changed) => Err(Refused::TermsChangedSincePreview(changed).into()),
        None => Ok(()),
    }
}

/// Changes some rows, each by itself: one that is refused keeps no other from being changed.
fn part<S: Subscribed + Table>(
    act: &Act<'_>,
    selection: &Selection,
    edit: &MassEdit,
    ids: &[i64],
) -> Result<Part> {
    let mut part = Part::default();
    for id in ids {
        let Some(row) = act.tx.if_selected::<S>(selection, *id)? else { continue };
        match act.attempt(|| apply(act, &row, edit)) {
            Ok(true) => part.changed += 1,
            Ok(false) => part.unchanged += 1,
            Err(error @ (Error::Database(_) | Error::Busy)) => return Err(error),
            Err(error) => part.refused.push((row.record.name(), reason(&error))),
        }
    }
    Ok(part)
}

/// Changes one row; whether there was anything to change.
fn apply<S: Subscribed + Table>(act: &Act<'_>, row: &Stored<S>, edit: &MassEdit) -> Result<bool> {
    if edit.delete {
        return subscriptions::delete(act, row).map(|_| true);
    }
    let change = edit.of::<S>(row.record.subscription(), act.now)?;
    let wishes = SaleOptions { extend: edit.extend_plan.is_some(), free: edit.free, terms: None };
    if !wishes.extend {
        let after = act.updated(row, change.clone())?;
        if after.facts() == row.record.facts() {
            return Ok(false);
        }
    }
    subscriptions::update(act, row, change, wishes).map(|_| true)
}

/// Does to some rows what the run would do, and undoes all of it: what would change of the first, and what is refused.
fn try_out<S: Subscribed + Table>(
    act: &Act<'_>,
    selection: &Selection,
    edit: &MassEdit,
    ids: &[i64],
    terms: Option<Terms>,
) -> Result<(Sample, Trial)> {
    act.rehearse(|| try_each::<S>(act, selection, edit, ids, terms))
}

fn try_each<S: Subscribed + Table>(
    act: &Act<'_>,
    selection: &Selection,
    edit: &MassEdit,
    ids: &[i64],
    terms: Option<Terms>,
) -> Result<(Sample, Trial)> {
    let price = terms.filter(|_| !edit.free).map_or(0, |terms| terms.credits());
    let mut payers: HashMap<ResellerId, bool> = HashMap::new();
    let (mut sample, mut trial) = (Vec::new(), Trial::default());
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for id in ids {
        let Some(row) = act.tx.if_selected::<S>(selection, *id)? else { continue };
        trial.tried += 1;
        let outcome = act.attempt(|| apply(act, &row, edit));
        if let Err(error) = &outcome {
            if matches!(error, Error::Database(_) | Error::Busy) {
                return Err(error.clone());
            }
            trial.refused += 1;
            *reasons.entry(reason(error)).or_default() += 1;
        } else if let Some(reseller) = edit.reseller.unwrap_or(row.record.subscription().reseller_id)
            && price > 0
        {
            let pays = match payers.get(&reseller) {
                Some(pays) => *pays,
                None => act.find::<Reseller>(reseller)?.record.use_credits,
            };
            payers.insert(reseller, pays);
            trial.credits += if pays { price } else { 0 };
        }
        if sample.len() < SAMPLE {
            let change = outcome.and_then(|_| {
                let after = act.tx.by_id::<S>(row.id)?;
                Ok(after
                    .map(|after| difference(&row.record.facts(), &after.record.facts()))
                    .unwrap_or_default())
            });
            sample.push((row.record.name(), change));
        }
    }
    trial.reasons = reasons.into_iter().collect();
    trial.reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    trial.reasons.truncate(TOLD);
    Ok((sample, trial))
}

/// Why one of them is refused: whoever edits many chose what happens to them, and sent no fields of a call.
pub fn reason(error: &Error) -> String {
    match error {
        Error::Invalid { field: "subscription_plan_id", rule } => format!("plan: {rule}"),
        Error::Invalid { field: "expire_date", rule } => format!("end date: {rule}"),
        Error::Invalid { rule, .. } => rule.to_string(),
        error => error.to_string(),
    }
}
