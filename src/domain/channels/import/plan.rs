//! What an import comes to: decided here, before anything is written.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use indexmap::{IndexMap, IndexSet};

use super::{Candidate, Duplicates, List};
use crate::domain::{
    channels::{
        oddities::Oddities,
        source_request::{SourceRequest, split_suffix},
        stream::SourceUrl,
    },
    field::Item,
    fields::text::Name,
    ids::{CategoryId, StreamId},
};

/// How one tells that an entry is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// It has this source.
    Source,
    /// It has this name, whatever the case, in the same category.
    Name,
    /// It alone has this guide id.
    GuideId,
}

/// A stream that is there already.
#[derive(Clone, Debug)]
pub struct Existing {
    pub id: StreamId,
    pub name: String,
    pub category: Option<CategoryId>,
    /// Its id in the programme guide; empty for none.
    pub guide_id: String,
    pub sources: Vec<SourceUrl>,
    /// How they are asked, if not as every other.
    pub request: Option<Box<SourceRequest>>,
    /// Its picture; empty for none.
    pub logo: String,
    /// Its number; 0 for none.
    pub number: i64,
}

/// A stream that an entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    There(StreamId),
    /// One that is made, by its place in [`Plan::new`].
    New(usize),
}

/// What happens to one entry that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It becomes a stream.
    New,
    /// It is there already, and nothing happens.
    Skipped(Match),
    /// It stands further up in the list, and nothing happens.
    Repeated(Match),
    /// Its source is added to a stream.
    SourceAdded,
    /// A stream takes what the list says.
    Updated(Match),
    /// Its source would be added to a stream that has as many as it may have.
    Full,
}

/// A stream that is to be made; entries are meant by their places in [`List::candidates`].
#[derive(Clone, Debug)]
pub struct NewStream {
    /// The entry whose details it takes.
    pub entry: usize,
    /// The entries whose sources it takes.
    pub sources: Vec<usize>,
}

/// What becomes of a stream that is there; entries are meant by their places in [`List::candidates`].
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The entries whose sources it takes.
    pub sources: Vec<usize>,
    /// The entry whose details it takes; its sources then come in place of others.
    pub details: Option<usize>,
}

/// What an import does.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Streams that are made.
    pub new: Vec<NewStream>,
    pub changed: HashMap<StreamId, Changes>,
    /// Categories that are made.
    pub categories: Vec<Name>,
    /// Every stream that the list means, each once, in its order.
    pub streams: IndexSet<Target>,
    /// What happens to each entry, in their order.
    pub fates: Vec<Fate>,
    /// Entries, by their places in [`List::candidates`], that take the place of a source of another host.
    pub displacing: Vec<usize>,
}

impl Plan {
    /// How many entries have such a fate.
    pub fn count(&self, such: impl Fn(Fate) -> bool) -> usize {
        self.fates.iter().filter(|fate| such(**fate)).count()
    }

    /// What of the list was left out or read in another way than it says, each kind once.
    pub fn left_out(&self, list: &List) -> Oddities {
        let mut told = list.oddities.clone();
        for (fate, candidate) in self.fates.iter().zip(&list.candidates) {
            let what = match fate {
                Fate::Repeated(Match::Name) => "channel whose name and group are further up in the list",
                Fate::Repeated(_) => "channel whose address is further up in the list",
                Fate::SourceAdded if candidate.asked.as_ref().is_some_and(|asked| asked.source.is_none()) => {
                    "headers of a further source of a stream left out: they are on separate lines"
                }
                Fate::Full => "address left out because the stream already has the maximum number of sources",
                _ => continue,
            };
            told.note(what.into(), candidate.line);
        }
        for candidate in self.displacing.iter().filter_map(|place| list.candidates.get(*place)) {
            told.note(
                "channel that exists, and loses an address of another host for the new one".into(),
                candidate.line,
            );
        }
        told
    }
}

/// Decides it, beside the streams and the names of categories that are there.
pub fn plan(list: &List, streams: &[Existing], categories: &[(CategoryId, String)], way: Duplicates) -> Plan {
    let keys = Keys::of(list, streams, categories);
    let mut planner = Planner { list, keys, way, sources: HashMap::new(), plan: Plan::default() };
    planner.plan.fates.reserve(list.candidates.len());
    if way == Duplicates::Update {
        planner.update(streams);
        planner.leave_what_is_so(streams, categories);
    } else {
        planner.in_turn(streams);
    }
    let names: HashSet<String> = categories.iter().map(|(_, name)| name.to_lowercase()).collect();
    planner.plan.categories = planner.new_categories(&names);
    planner.plan
}

/// The sources of a stream once those of a list came in place of older ones: of the same hosts, else of the first that
/// were as theirs fetched from the web, or came by the same protocol. So there are never more of these than there were or came, and
/// what no list brought, a multicast address or a file beside the list's web addresses, stays where it is.
pub fn renewed(before: &[SourceUrl], new: &[SourceUrl]) -> Vec<SourceUrl> {
    if new.iter().all(|source| before.contains(source)) {
        return before.to_vec();
    }
    let hosts: HashSet<&str> = new.iter().filter_map(host).collect();
    let is_old =
        |source: &SourceUrl| new.contains(source) || host(source).is_some_and(|host| hosts.contains(host));
    let ways: HashSet<&str> = new.iter().map(way).collect();
    let old = before.iter().filter(|source| is_old(source)).count();
    let mut more = new.len().saturating_sub(old);
    let mut sources = Vec::with_capacity(before.len() + new.len());
    let mut place = None;
    for source in before {
        let goes = is_old(source) || more > 0 && ways.contains(way(source));
        if goes {
            more -= usize::from(!is_old(source));
            place.get_or_insert(sources.len());
        } else {
            sources.push(source.clone());
        }
    }
    let place = place.unwrap_or(sources.len());
    sources.splice(place..place, new.iter().cloned());
    sources.truncate(SourceUrl::MOST);
    sources
}

/// A name in a category of the list, as a digest: of 100,000 names no copies are kept.
type Named = u128;

/// By what streams that are there are known.
struct Keys<'l> {
    by_source: HashMap<Address<'l>, Target>,
    by_name: HashMap<Named, Target>,
}

impl<'l> Keys<'l> {
    fn of(list: &List, streams: &'l [Existing], categories: &[(CategoryId, String)]) -> Self {
        let heading = |(id, name): &(CategoryId, String)| {
            Some((*id, list.categories.get_index_of(&name.to_lowercase())?))
        };
        let headings: HashMap<CategoryId, usize> = categories.iter().filter_map(heading).collect();
        let mut keys = Self { by_source: HashMap::new(), by_name: HashMap::new() };
        for stream in streams {
            let target = Target::There(stream.id);
            for source in &stream.sources {
                keys.by_source.entry(address(source)).or_insert(target);
            }
            let category = match stream.category {
                None => None,
                // No entry is of that category.
                Some(id) if !headings.contains_key(&id) => continue,
                Some(id) => headings.get(&id).copied(),
            };
            keys.by_name.entry(named(category, &stream.name)).or_insert(target);
        }
        keys
    }
}

/// What tells a source: headers make no other one.
type Address<'l> = (&'l str, Option<u64>);

struct Planner<'l> {
    list: &'l List,
    keys: Keys<'l>,
    way: Duplicates,
    /// How many sources a stream that is there has.
    sources: HashMap<StreamId, usize>,
    plan: Plan,
}

impl<'l> Planner<'l> {
    /// One entry after the other; each is compared with what those before it have made.
    fn in_turn(&mut self, streams: &[Existing]) {
        self.sources = streams.iter().map(|stream| (stream.id, stream.sources.len())).collect();
        for (place, candidate) in self.list.candidates.iter().enumerate() {
            let name = named(candidate.category, candidate.name.as_str());
            let by_source =
                self.keys.by_source.get(&address(&candidate.source)).map(|target| (*target, Match::Source));
            let found =
                by_source.or_else(|| self.keys.by_name.get(&name).map(|target| (*target, Match::Name)));
            let fate = match found {
                None => self.make(place, candidate, name),
                Some((target, told)) => {
                    self.plan.streams.insert(target);
                    self.again(target, told, place, candidate)
                }
            };
            self.plan.fates.push(fate);
        }
    }

    fn make(&mut self, place: usize, candidate: &'l Candidate, name: Named) -> Fate {
        let target = Target::New(self.plan.new.len());
        self.keys.by_name.insert(name, target);
        self.keys.by_source.insert(address(&candidate.source), target);
        self.plan.streams.insert(target);
        self.plan.new.push(NewStream { entry: place, sources: vec![place] });
        Fate::New
    }

    /// An entry that means a stream that is there or was made by an earlier entry.
    fn again(&mut self, target: Target, told: Match, place: usize, candidate: &'l Candidate) -> Fate {
        if self.way == Duplicates::Skip || told == Match::Source {
            return match target {
                Target::There(_) => Fate::Skipped(told),
                Target::New(_) => Fate::Repeated(told),
            };
        }
        let sources = match target {
            Target::There(id) => {
                let count = self.sources.entry(id).or_default();
                *count += 1;
                if *count > SourceUrl::MOST {
                    return Fate::Full;
                }
                &mut self.plan.changed.entry(id).or_default().sources
            }
            Target::New(new) => {
                let Some(new) = self.plan.new.get_mut(new) else { return Fate::Full };
                if new.sources.len() >= SourceUrl::MOST {
                    return Fate::Full;
                }
                &mut new.sources
            }
        };
        sources.push(place);
        self.keys.by_source.insert(address(&candidate.source), target);
        Fate::SourceAdded
    }

    /// All entries at once: names tell first, then sources, then what only one on each side has. A stream is meant by
    /// one entry, or by several of one name, whose sources it then has.
    fn update(&mut self, streams: &'l [Existing]) {
        let candidates = &self.list.candidates;
        let names: Vec<Named> = candidates.iter().map(|it| named(it.category, it.name.as_str())).collect();
        let mut meant: Vec<Option<(Target, Match)>> =
            names.iter().map(|name| Some((*self.keys.by_name.get(name)?, Match::Name))).collect();
        let mut claimed: HashSet<Target> = meant.iter().flatten().map(|(target, _)| *target).collect();
        for (meant, candidate) in meant.iter_mut().zip(candidates).filter(|(meant, _)| meant.is_none()) {
            let target = self.keys.by_source.get(&address(&candidate.source)).copied();
            *meant = target.filter(|target| claimed.insert(*target)).map(|target| (target, Match::Source));
        }
        let there = only(streams.iter().map(|stream| (stream.guide_id.as_str(), Target::There(stream.id))));
        let id_of = |candidate: &'l Candidate| candidate.guide_id.as_ref().map_or("", |id| id.as_str());
        for (id, place) in
            only(candidates.iter().enumerate().map(|(place, candidate)| (id_of(candidate), place)))
        {
            if let Some(meant @ None) = meant.get_mut(place)
                && let Some(target) = there.get(id)
                && claimed.insert(*target)
            {
                *meant = Some((*target, Match::GuideId));
            }
        }
        // From here on they tell what stood further up in the list.
        (self.keys.by_name, self.keys.by_source) = (HashMap::new(), HashMap::new());
        for (place, (candidate, (meant, name))) in
            candidates.iter().zip(meant.into_iter().zip(names)).enumerate()
        {
            let fate = self.fate(place, candidate, meant, name);
            self.plan.fates.push(fate);
        }
    }

    /// A stream that has all that the list says of it is there already, and not changed.
    fn leave_what_is_so(&mut self, streams: &[Existing], categories: &[(CategoryId, String)]) {
        let ids: HashMap<String, CategoryId> =
            categories.iter().map(|(id, name)| (name.to_lowercase(), *id)).collect();
        for stream in streams {
            let Some(changes) = self.plan.changed.get(&stream.id) else { continue };
            let Some(entry) = changes.details else { continue };
            let sources = self.list.sources(&changes.sources, changes.details);
            let after = renewed(&stream.sources, &sources);
            if after != stream.sources || !self.is_so(entry, stream, &ids) {
                let hosts: HashSet<&str> = sources.iter().filter_map(host).collect();
                let gone = stream.sources.iter().filter(|source| !after.contains(source));
                if gone.filter_map(host).any(|host| !hosts.contains(host)) {
                    self.plan.displacing.push(entry);
                }
                continue;
            }
            for place in &changes.sources {
                if let Some(fate) = self.plan.fates.get_mut(*place) {
                    let how = if let Fate::Updated(how) = *fate { how } else { Match::Name };
                    *fate = Fate::Skipped(how);
                }
            }
            self.plan.changed.remove(&stream.id);
        }
    }

    /// Whether a stream has the details of that entry.
    fn is_so(&self, entry: usize, stream: &Existing, ids: &HashMap<String, CategoryId>) -> bool {
        let Some(candidate) = self.list.candidates.get(entry) else { return true };
        let heading = self.list.heading(candidate).map(|name| ids.get(&name.as_str().to_lowercase()));
        let category = heading.is_none_or(|id| id == stream.category.as_ref());
        let asked = candidate.asked.as_ref().is_none_or(|asked| {
            let usual = SourceRequest::default();
            let (new, old) = (&asked.request, stream.request.as_deref().unwrap_or(&usual));
            (new.user_agent.as_str().is_empty() || new.user_agent == old.user_agent)
                && (new.headers.is_empty() || new.headers == old.headers)
                && (new.tls_verify || !old.tls_verify)
        });
        category
            && asked
            && candidate.name.as_str() == stream.name
            && candidate.logo.as_ref().is_none_or(|logo| logo.as_str() == stream.logo)
            && candidate.guide_id.as_ref().is_none_or(|id| id.as_str() == stream.guide_id)
            && candidate.number.is_none_or(|number| number.get() == stream.number)
    }

    fn fate(
        &mut self,
        place: usize,
        candidate: &'l Candidate,
        meant: Option<(Target, Match)>,
        name: Named,
    ) -> Fate {
        if let Some(target) = self.keys.by_name.get(&name).copied() {
            if self.keys.by_source.get(&address(&candidate.source)) == Some(&target) {
                return Fate::Repeated(Match::Source);
            }
            return self.again(target, Match::Name, place, candidate);
        }
        let Some((target @ Target::There(id), told)) = meant else {
            if self.keys.by_source.contains_key(&address(&candidate.source)) {
                return Fate::Repeated(Match::Source);
            }
            return self.make(place, candidate, name);
        };
        self.plan.streams.insert(target);
        self.plan.changed.insert(id, Changes { sources: vec![place], details: Some(place) });
        self.sources.insert(id, 1);
        self.keys.by_name.insert(name, target);
        self.keys.by_source.insert(address(&candidate.source), target);
        Fate::Updated(told)
    }

    /// The headings that are to be made, in the order of the list.
    fn new_categories(&self, there: &HashSet<String>) -> Vec<Name> {
        let details = self.plan.changed.values().filter_map(|changes| changes.details);
        let entries = self.plan.new.iter().map(|new| new.entry).chain(details);
        let needed: HashSet<usize> =
            entries.filter_map(|entry| self.list.candidates.get(entry)?.category).collect();
        let headings: &IndexMap<String, Name> = &self.list.categories;
        let new = headings
            .iter()
            .enumerate()
            .filter(|(place, (key, _))| needed.contains(place) && !there.contains(*key));
        new.map(|(_, (_, name))| name.clone()).collect()
    }
}

fn named(category: Option<usize>, name: &str) -> Named {
    let lower = name.trim().to_lowercase();
    let half = |which: u8| {
        let mut hasher = DefaultHasher::new();
        (which, category, &lower).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// A source without its headers, and its program.
fn address(source: &SourceUrl) -> Address<'_> {
    (split_suffix(source.address()).0, source.program())
}

/// Who has a guide id, if only one does.
fn only<'l, T: Copy>(ids: impl Iterator<Item = (&'l str, T)>) -> HashMap<&'l str, T> {
    let mut found: HashMap<&str, Option<T>> = HashMap::new();
    for (id, whose) in ids.filter(|(id, _)| !id.is_empty()) {
        found.entry(id).and_modify(|whose| *whose = None).or_insert(Some(whose));
    }
    found.into_iter().filter_map(|(id, whose)| Some((id, whose?))).collect()
}

/// How a source comes: from the web, by another protocol, or out of a file.
fn way(source: &SourceUrl) -> &str {
    match source.as_str().split_once("://") {
        Some(("http" | "https", _)) => "web",
        Some((protocol, _)) => protocol,
        None => "file",
    }
}

/// The host of a source, by which one knows its provider; `None` for a file.
fn host(source: &SourceUrl) -> Option<&str> {
    let (_, rest) = source.as_str().split_once("://")?;
    let authority = rest.split(['/', '?', '#', '|']).next()?;
    Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}
