//! Import of an M3U list: what it would do, and doing it, all or nothing.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{Act, Ops, managed, random, streams};
pub use crate::domain::{
    import::{Duplicates, Fate, Plan, Told},
    m3u::Entry,
};
use crate::{
    domain::{
        Error, Given, Resource, Result,
        actor::Actor,
        bouquet::{Bouquet, BouquetChange, Category, CategoryChange},
        field::Item,
        ids::{BouquetId, CategoryId, StreamId},
        import::{self, Candidate, Existing, MOST, Target},
        m3u,
        number::Position,
        rights::Access,
        stream::{Stream, StreamChange},
        text::Name,
    },
    store::Read,
};

/// Lists that wait for their import at once; a further one drops the oldest.
const LISTS: usize = 4;
/// One that nobody came back to is dropped after this time.
const KEPT: Duration = Duration::from_mins(30);

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
    pub entries: Arc<Vec<Entry>>,
    /// What happens to those that are there already.
    pub duplicates: Duplicates,
    /// Where they are put.
    pub into: Into,
    /// Whether new streams start with their first viewer.
    pub on_demand: bool,
}

impl Import {
    /// As it is proposed: duplicates are left as they are, and new streams run for viewers only.
    pub fn of(entries: Arc<Vec<Entry>>) -> Self {
        Self { entries, duplicates: Duplicates::Skip, into: Into::Nothing, on_demand: true }
    }
}

/// What an import did.
pub struct Done {
    /// As it was decided.
    pub plan: Plan,
    /// How many streams were put into the bouquet.
    pub in_bouquet: usize,
}

/// Reads a list.
///
/// # Errors
/// [`Error::Invalid`] if there is no channel in it, or more than [`MOST`].
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>> {
    let entries = m3u::read(bytes);
    match entries.len() {
        0 => Err(Error::invalid("file", "there is no channel in it: a list has lines of #EXTINF and URLs")),
        count if count > MOST => {
            Err(Error::invalid("file", format!("{count} channels: at most {MOST} at once, split the list")))
        }
        _ => Ok(entries),
    }
}

/// What the import would do now.
///
/// # Errors
/// A database error.
pub fn plan(read: &Read<'_>, import: &Import) -> Result<Plan> {
    let categories: HashMap<i64, String> = read.names(Resource::Categories)?.into_iter().collect();
    let existing = streams::list(read, None)?.into_iter().map(|stream| Existing {
        id: stream.id,
        category: stream.record.category_id.and_then(|id| categories.get(&id.0).cloned()).unwrap_or_default(),
        name: stream.record.name.as_str().to_owned(),
        sources: stream.record.sources,
    });
    let existing: Vec<Existing> = existing.collect();
    let names: Vec<String> = categories.into_values().collect();
    Ok(import::plan(&import.entries, &existing, &names, import.duplicates))
}

/// Does it.
///
/// # Errors
/// [`Error::Denied`] without the right to change categories or bouquets, if it makes or fills any;
/// [`Error::Taken`] for the name of the bouquet, [`Error::Refused`] beyond what a bouquet holds.
pub fn apply(act: &Act<'_>, import: &Import) -> Result<Done> {
    let plan = plan(act.tx, import)?;
    let headings = headings(act, &plan)?;
    let heading = |candidate: &Candidate| match &candidate.category {
        Some(name) => headings.get(&name.as_str().to_lowercase()).copied(),
        None => None,
    };
    let mut made = Vec::with_capacity(plan.new.len());
    for new in &plan.new {
        let change = StreamChange {
            sources: Given::Value(new.sources.clone()),
            on_demand: Given::Value(import.on_demand),
            ..details(&new.candidate, heading(&new.candidate))
        };
        made.push(managed::create::<Stream>(act, change)?.0);
    }
    for (id, changes) in &plan.changed {
        let before = act.find::<Stream>(*id)?;
        let mut sources = before.record.sources.clone();
        sources.extend(changes.sources.iter().cloned());
        let details = changes.details.as_ref().map(|candidate| details(candidate, heading(candidate)));
        let change = StreamChange { sources: Given::Value(sources), ..details.unwrap_or_default() };
        let after = act.updated(&before, change)?;
        if after != before.record {
            act.replace(&before, &after)?;
        }
    }
    let meant = plan.streams.iter().filter_map(|target| match target {
        Target::There(id) => Some(*id),
        Target::New(place) => made.get(*place).copied(),
    });
    let in_bouquet = fill(act, &import.into, &meant.collect::<Vec<_>>())?;
    Ok(Done { plan, in_bouquet })
}

/// The columns that the list has something to say about.
fn details(candidate: &Candidate, category: Option<CategoryId>) -> StreamChange {
    fn given<T>(value: Option<T>) -> Given<T> {
        value.map_or(Given::Absent, Given::Value)
    }
    StreamChange {
        name: Given::Value(candidate.name.clone()),
        category_id: given(category.map(Some)),
        logo_url: given(candidate.logo.clone().map(Some)),
        epg_channel_id: given(candidate.guide_id.clone()),
        number: given(candidate.number),
        ..StreamChange::default()
    }
}

/// The ids of categories by their names in lower case, with those that the list needs made behind the others.
fn headings(act: &Act<'_>, plan: &Plan) -> Result<HashMap<String, CategoryId>> {
    let there = super::managed::in_order::<Category>(act.tx, None)?;
    let last = there.last().map_or(0, |row| row.record.position.get());
    let mut ids: HashMap<String, CategoryId> =
        there.iter().map(|row| (row.record.name.as_str().to_lowercase(), row.id)).collect();
    if plan.categories.is_empty() {
        return Ok(ids);
    }
    act.actor.may(Resource::Categories, Access::Write)?;
    let act = act.about(Resource::Categories);
    for (place, name) in (last + 1..).zip(&plan.categories) {
        let position = Position::new(place).map_or(Given::Absent, Given::Value);
        let change =
            CategoryChange { name: Given::Value(name.clone()), position, ..CategoryChange::default() };
        let (id, _) = managed::create::<Category>(&act, change)?;
        ids.insert(name.as_str().to_lowercase(), id);
    }
    Ok(ids)
}

/// Puts the streams into the bouquet; how many were put there.
fn fill(act: &Act<'_>, into: &Into, ids: &[StreamId]) -> Result<usize> {
    if *into == Into::Nothing {
        return Ok(0);
    }
    act.actor.may(Resource::Bouquets, Access::Write)?;
    let act = act.about(Resource::Bouquets);
    match into {
        Into::Nothing => Ok(0),
        Into::Bouquet(id) => streams::add_to_bouquet(&act, *id, ids),
        Into::New(_) if ids.len() > StreamId::MOST => {
            Err(Error::Refused(format!("A bouquet holds at most {} streams", StreamId::MOST)))
        }
        Into::New(name) => {
            let (name, streams) = (Given::Value(name.clone()), Given::Value(ids.to_vec()));
            let change = BouquetChange { name, streams, ..BouquetChange::default() };
            managed::create::<Bouquet>(&act, change)?;
            Ok(ids.len())
        }
    }
}

/// Lists that were uploaded and wait for their import.
#[derive(Default)]
pub struct Lists(Mutex<VecDeque<List>>);

struct List {
    token: String,
    owner: String,
    entries: Arc<Vec<Entry>>,
    at: Instant,
}

impl Lists {
    fn fresh(&self) -> MutexGuard<'_, VecDeque<List>> {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|list| list.at.elapsed() < KEPT);
        lists
    }
}

impl Ops {
    /// Keeps a list until whoever uploaded it has decided; the token that names it.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system has no random numbers.
    pub fn keep_list(&self, actor: &Actor, entries: Vec<Entry>) -> Result<String> {
        let token = random::token()?;
        let list = List {
            token: token.clone(),
            owner: actor.name().to_owned(),
            entries: Arc::new(entries),
            at: Instant::now(),
        };
        let mut lists = self.lists.fresh();
        lists.push_back(list);
        while lists.len() > LISTS {
            lists.pop_front();
        }
        Ok(token)
    }

    /// The list of that token, for the one who uploaded it; `None` once it was dropped.
    pub fn kept_list(&self, actor: &Actor, token: &str) -> Option<Arc<Vec<Entry>>> {
        let lists = self.lists.fresh();
        let found = lists.iter().find(|list| list.token == token && list.owner == actor.name());
        found.map(|list| list.entries.clone())
    }

    /// Forgets a list: its import is done.
    pub fn drop_list(&self, token: &str) {
        self.lists.fresh().retain(|list| list.token != token);
    }
}
