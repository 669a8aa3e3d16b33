//! Import of an M3U list: what it would do, and doing it, some hundred streams in a transaction.

mod fetching;
mod lists;
mod reading;

use std::{collections::HashMap, sync::Arc};

pub use fetching::{forget_left, is_address};
pub use lists::{Lists, Run, UploadedList};
pub use reading::{READINGS, Reading};

use super::streams;
pub use crate::domain::channels::import::{Duplicates, Fate, List, Match, Plan};
use crate::{
    domain::{
        Error, Given, Resource, Result, Stored,
        channels::{
            bouquet::{Bouquet, BouquetChange, Category, CategoryChange},
            import::{self, Candidate, Target},
            stream::{Stream, StreamChange},
        },
        fields::{number::Position, text::Name, time::UnixTime},
        ids::{BouquetId, CategoryId, StreamId},
        people::{actor::Actor, rights::Access},
    },
    ops::{Act, Action, Ops, clock, managed},
    store::{self, Read, Write},
};

const ACTION: Action = Action { resource: Resource::Streams, name: "import" };

/// What an import is called among the jobs.
pub const JOB: &str = "Channel list import";
/// What helps after one that ended early.
const AGAIN: &str = "What was imported stays: import the list again for the rest";

/// Streams of one transaction: a list of this many is imported as a whole or not at all.
pub const AT_ONCE: usize = 500;

/// Into which bouquet the streams of a list are put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Into {
    /// None.
    #[default]
    Nothing,
    /// That one, at its end.
    Bouquet(BouquetId),
    /// One that is made.
    New(Name),
}

/// A list and what is to be done with it.
#[derive(Clone, Debug)]
pub struct Import {
    /// Its channels.
    pub list: Arc<List>,
    /// What happens to those that are there already.
    pub duplicates: Duplicates,
    /// Where they are put.
    pub into: Into,
    /// Whether new streams start with their first viewer.
    pub on_demand: bool,
}

impl Import {
    /// As it is proposed: duplicates are left as they are, and new streams run for viewers only.
    pub fn of(list: Arc<List>) -> Self {
        Self { list, duplicates: Duplicates::Skip, into: Into::Nothing, on_demand: true }
    }
}

/// What an import did.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// How many streams were made.
    pub made: usize,
    /// How many were changed.
    pub changed: usize,
    /// How many entries are further sources of a stream.
    pub sources: usize,
    /// How many were to be changed and are gone.
    pub gone: usize,
    /// How many categories were made.
    pub categories: usize,
    /// How many streams were put into the bouquet.
    pub in_bouquet: usize,
    /// How many streams of the list were looked after, and how many there are.
    pub progress: (usize, usize),
    /// How many entries were there already or stood in the list before.
    pub there: usize,
    /// How many entries cannot be taken.
    pub refused: usize,
    /// Why it ended early; what was done until then stays done.
    pub stopped: Option<String>,
}

fn plan(read: &Read<'_>, import: &Import) -> Result<Plan> {
    let names = read.names(Resource::Categories)?;
    let categories: Vec<_> = names.into_iter().map(|(id, name)| (CategoryId(id), name)).collect();
    Ok(import::plan(&import.list, &read.known_streams()?, &categories, import.duplicates))
}

impl Ops {
    /// What an import would do now.
    ///
    /// # Errors
    /// `Denied`, a database error.
    pub async fn plan_import(&self, actor: &Actor, import: Import) -> Result<Plan> {
        self.read(actor, ACTION, move |look| plan(look.read, &import)).await
    }

    /// Does it, step by step; `told` hears how far it is. One import runs at a time. Each step notes how far it is in the database.
    ///
    /// # Errors
    /// `Denied` without the right to change categories or bouquets, if it makes or fills any; `Taken`
    /// for the name of the bouquet. Nothing was written then. What fails later is told in [`Done::stopped`].
    pub async fn import(&self, actor: &Actor, import: Import, told: impl Fn(&Done)) -> Result<Done> {
        let _turn = self.lists.turn().await;
        let plan = Arc::new(self.plan_import(actor, import.clone()).await?);
        let Done { there, refused, sources, .. } = Done::planned(&import.list, &plan);
        let mut done = Done { progress: (0, plan.streams.len()), there, refused, sources, ..Done::default() };
        let mut step = Step {
            into: import.into.clone(),
            import: Arc::new(import),
            plan,
            headings: None,
            begin: 0,
            run: None,
        };
        loop {
            let next = step.clone();
            match self.write(actor.clone(), ACTION, move |act| next.run(act)).await {
                Ok(written) => {
                    done.add(&written);
                    (step.into, step.headings) = (written.into, Some(written.headings));
                    step.run = Some(written.run);
                }
                Err(error) if step.begin == 0 => return Err(error),
                Err(error) => {
                    self.note_stop(step.run, &error).await;
                    done.stopped = Some(error.to_string());
                    return Ok(done);
                }
            }
            step.begin += AT_ONCE;
            done.progress.0 = step.begin.min(done.progress.1);
            told(&done);
            if step.begin >= step.plan.streams.len() {
                return Ok(done);
            }
        }
    }
}

impl Ops {
    /// Notes that an import ended early, if the database takes that.
    async fn note_stop(&self, run: Option<i64>, error: &Error) {
        let Some(run) = run else { return };
        let (now, why) = (clock::now(), format!("{error}. {AGAIN}"));
        let job = move |tx: &Write<'_>| tx.stop_run(run, &why, now);
        if let Err(error) = self.store.write(store::housekeeping(now, "import"), job).wait().await {
            log::warn!("that an import ended early cannot be noted: {error}");
        }
    }

    /// Notes of imports that are not over, and of which nothing was heard since a time, that they were cut off.
    pub async fn note_cut_off_imports(&self, since: UnixTime) -> Result<()> {
        let (now, why) = (clock::now(), format!("It was cut off before its end. {AGAIN}"));
        let job = move |tx: &Write<'_>| tx.cut_off_runs(JOB, &why, since, now);
        self.store.write(store::housekeeping(now, "import"), job).wait().await
    }
}

impl Done {
    /// What an import comes to if nobody changes anything meanwhile: the same figures before as after it.
    pub fn planned(list: &List, plan: &Plan) -> Self {
        Self {
            made: plan.new.len(),
            changed: plan.changed.len(),
            categories: plan.categories.len(),
            sources: plan.count(|fate| fate == Fate::SourceAdded),
            there: plan.count(|fate| matches!(fate, Fate::Skipped(_) | Fate::Repeated(_))),
            refused: list.refused_count + plan.count(|fate| fate == Fate::Full),
            ..Self::default()
        }
    }

    /// Its figures, each with what it counts.
    pub fn counts(&self) -> [(usize, &'static str); 6] {
        [
            (self.made, "new streams"),
            (self.categories, "new categories"),
            (self.changed, "streams changed"),
            (self.sources, "further sources of a stream"),
            (self.there, "exist already"),
            (self.refused, "cannot be imported"),
        ]
    }

    fn add(&mut self, written: &Written) {
        self.made += written.made;
        self.changed += written.changed;
        self.gone += written.gone;
        self.categories += written.categories;
        self.in_bouquet += written.in_bouquet;
    }
}

/// Ids of categories by their names in lower case.
type Headings = HashMap<String, CategoryId>;

/// The streams of one transaction.
#[derive(Clone)]
struct Step {
    import: Arc<Import>,
    plan: Arc<Plan>,
    into: Into,
    /// Once the first step has made them.
    headings: Option<Arc<Headings>>,
    begin: usize,
    /// Its row among the runs of jobs, once the first step has made it.
    run: Option<i64>,
}

/// What a step wrote.
struct Written {
    made: usize,
    changed: usize,
    gone: usize,
    categories: usize,
    in_bouquet: usize,
    into: Into,
    headings: Arc<Headings>,
    run: i64,
}

impl Step {
    fn run(&self, act: &Act<'_>) -> Result<Written> {
        let (headings, categories) = match &self.headings {
            Some(headings) => (headings.clone(), 0),
            None => (Arc::new(headings(act, &self.plan.categories)?), self.plan.categories.len()),
        };
        let mut ids = Vec::with_capacity(AT_ONCE);
        let (mut made, mut changed, mut gone) = (0, 0, 0);
        for target in self.plan.streams.iter().skip(self.begin).take(AT_ONCE) {
            match *target {
                Target::New(place) => {
                    let Some(change) = self.new_stream(place, &headings) else { continue };
                    ids.push(managed::create::<Stream>(act, change)?.0);
                    made += 1;
                }
                Target::There(id) => {
                    ids.push(id);
                    match act.tx.by_id::<Stream>(id)? {
                        Some(before) => changed += usize::from(self.change(act, &before, &headings)?),
                        None => gone += 1,
                    }
                }
            }
        }
        let (into, in_bouquet) = fill(act, &self.into, &ids)?;
        let run = self.note(act)?;
        Ok(Written { made, changed, gone, categories, in_bouquet, into, headings, run })
    }

    /// Notes how far the import is after this step; its row.
    fn note(&self, act: &Act<'_>) -> Result<i64> {
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        let (end, meant) = (self.begin + AT_ONCE, self.plan.streams.len());
        let run = match self.run {
            Some(run) => run,
            None => act.tx.begin_run(JOB, act.actor.name(), count(meant), act.now)?,
        };
        act.tx.note_run(run, count(end.min(meant)), end >= meant, act.now)?;
        Ok(run)
    }

    fn candidate(&self, entry: usize) -> Option<&Candidate> {
        self.import.list.candidates.get(entry)
    }

    fn new_stream(&self, place: usize, headings: &Headings) -> Option<StreamChange> {
        let new = self.plan.new.get(place)?;
        Some(StreamChange {
            sources: Given::Value(self.import.list.sources(&new.sources, Some(new.entry))),
            on_demand: Given::Value(self.import.on_demand),
            ..self.details(self.candidate(new.entry)?, headings)
        })
    }

    /// Changes a stream that is there; whether there was anything to change.
    fn change(&self, act: &Act<'_>, before: &Stored<Stream>, headings: &Headings) -> Result<bool> {
        let Some(changes) = self.plan.changed.get(&before.id) else { return Ok(false) };
        let new = self.import.list.sources(&changes.sources, changes.details);
        let sources = match changes.details {
            Some(_) => import::renewed(&before.record.sources, &new),
            None => before.record.sources.iter().cloned().chain(new).collect(),
        };
        let details = changes.details.and_then(|entry| self.candidate(entry));
        let details = details.map(|candidate| self.details(candidate, headings)).unwrap_or_default();
        let after = act.updated(before, StreamChange { sources: Given::Value(sources), ..details })?;
        if after == before.record {
            return Ok(false);
        }
        act.replace(before, &after).map(|()| true)
    }

    /// The columns that the list has something to say about.
    fn details(&self, candidate: &Candidate, headings: &Headings) -> StreamChange {
        fn given<T>(value: Option<T>) -> Given<T> {
            value.map_or(Given::Absent, Given::Value)
        }
        let heading = self.import.list.heading(candidate);
        let category = heading.and_then(|name| headings.get(&name.as_str().to_lowercase()).copied());
        let request = candidate.asked.as_ref().map(|asked| &asked.request);
        let agent = request.map(|request| request.user_agent.clone());
        let headers = request.map(|request| request.headers.clone());
        StreamChange {
            user_agent: given(agent.filter(|agent| !agent.as_str().is_empty())),
            headers: given(headers.filter(|headers| !headers.is_empty())),
            tls_verify: given(request.map(|request| request.tls_verify).filter(|verify| !verify)),
            name: Given::Value(candidate.name.clone()),
            category_id: given(category.map(Some)),
            logo_url: given(candidate.logo.clone().map(Some)),
            epg_channel_id: given(candidate.guide_id.clone()),
            number: given(candidate.number),
            ..StreamChange::default()
        }
    }
}

/// The categories that are there, with those that the list needs made behind the others.
fn headings(act: &Act<'_>, new: &[Name]) -> Result<Headings> {
    let there = managed::in_order::<Category>(act.tx, None)?;
    let last = there.last().map_or(0, |row| row.record.position.get());
    let mut ids: Headings =
        there.iter().map(|row| (row.record.name.as_str().to_lowercase(), row.id)).collect();
    if new.is_empty() {
        return Ok(ids);
    }
    act.actor.may(Resource::Categories, Access::Write)?;
    let act = act.about(Resource::Categories);
    for (place, name) in (last + 1..).zip(new) {
        let key = name.as_str().to_lowercase();
        if ids.contains_key(&key) {
            continue;
        }
        let position = Position::new(place).map_or(Given::Absent, Given::Value);
        let change =
            CategoryChange { name: Given::Value(name.clone()), position, ..CategoryChange::default() };
        ids.insert(key, managed::create::<Category>(&act, change)?.0);
    }
    Ok(ids)
}

/// Puts the streams into the bouquet; where the next ones go, and how many were put there.
fn fill(act: &Act<'_>, into: &Into, ids: &[StreamId]) -> Result<(Into, usize)> {
    if *into == Into::Nothing {
        return Ok((Into::Nothing, 0));
    }
    act.actor.may(Resource::Bouquets, Access::Write)?;
    let act = act.about(Resource::Bouquets);
    match into {
        Into::Nothing => Ok((Into::Nothing, 0)),
        Into::Bouquet(id) => Ok((Into::Bouquet(*id), streams::add_to_bouquet(&act, *id, ids)?)),
        Into::New(name) => {
            let (name, streams) = (Given::Value(name.clone()), Given::Value(ids.to_vec()));
            let change = BouquetChange { name, streams, ..BouquetChange::default() };
            let (id, _) = managed::create::<Bouquet>(&act, change)?;
            Ok((Into::Bouquet(id), ids.len()))
        }
    }
}
