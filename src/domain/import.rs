//! What an import of channels comes to: decided here, before anything is written.

use std::collections::{HashMap, HashSet};

use super::{
    Rule,
    field::Item,
    ids::StreamId,
    m3u::Entry,
    number::{Position, whole},
    stream::SourceUrl,
    text::{GuideId, HttpUrl, Name},
};

/// The most entries of one list.
pub const MOST: usize = 20_000;

/// What happens to an entry that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// Nothing.
    #[default]
    Skip,
    /// Its source is put after those of the stream.
    AddSource,
    /// The stream takes name, category, logo, guide id and number, as far as the list has them, and its
    /// source after its own.
    Update,
}

impl Duplicates {
    /// Every way, by the word for it.
    pub const ALL: [(&'static str, Self); 3] =
        [("skip", Self::Skip), ("add", Self::AddSource), ("update", Self::Update)];

    /// The way of that word.
    ///
    /// # Errors
    /// The words that there are.
    pub fn named(word: &str) -> Result<Self, Rule> {
        let found = Self::ALL.iter().find(|(name, _)| *name == word);
        found.map(|(_, way)| *way).ok_or_else(|| "skip, add or update".into())
    }
}

/// How one tells that an entry is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A stream has this source.
    Source,
    /// A stream of the same category has this name, whatever the case.
    Name,
}

/// An entry that can become a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The line in the list.
    pub line: usize,
    /// What it is called.
    pub name: Name,
    /// Its heading.
    pub category: Option<Name>,
    /// Its picture.
    pub logo: Option<HttpUrl>,
    /// Its id in the programme guide.
    pub guide_id: Option<GuideId>,
    /// Its number.
    pub number: Option<Position>,
    /// Where it comes from.
    pub source: SourceUrl,
}

impl Candidate {
    /// Reads an entry. A picture, guide id or number that cannot be taken is left out.
    ///
    /// # Errors
    /// Why it cannot become a stream.
    pub fn of(entry: &Entry) -> Result<Self, Rule> {
        // Kodi's options for its own player follow the URL.
        let url = entry.url.split_once('|').map_or(entry.url.as_str(), |(url, _)| url);
        let named = |part: &str, rule: Rule| -> Rule { format!("{part}: {rule}").into() };
        let category = Some(entry.group.as_str()).filter(|group| !group.is_empty()).map(Name::new);
        Ok(Self {
            line: entry.line,
            source: SourceUrl::new(url).map_err(|rule| named("address", rule))?,
            name: Name::new(&entry.name).map_err(|rule| named("name", rule))?,
            category: category.transpose().map_err(|rule| named("group", rule))?,
            logo: HttpUrl::new(&entry.logo).ok(),
            guide_id: GuideId::new(&entry.guide_id).ok().filter(|id| !id.as_str().is_empty()),
            number: whole(&entry.number).and_then(Position::new).filter(|number| number.get() > 0),
        })
    }
}

/// A stream that is there already.
#[derive(Clone, Debug)]
pub struct Existing {
    /// Its id.
    pub id: StreamId,
    /// Its name.
    pub name: String,
    /// The name of its category; empty for none.
    pub category: String,
    /// Its sources.
    pub sources: Vec<SourceUrl>,
}

/// A stream that an entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// One that is there.
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
    Skipped(Told),
    /// Its source is added to a stream.
    SourceAdded,
    /// A stream takes what the list says.
    Updated(Told),
}

/// A stream that is to be made.
#[derive(Clone, Debug)]
pub struct NewStream {
    /// As the list has it.
    pub candidate: Candidate,
    /// Its sources in order.
    pub sources: Vec<SourceUrl>,
}

/// What becomes of a stream that is there.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Sources that come after its own.
    pub sources: Vec<SourceUrl>,
    /// The entry whose details it takes.
    pub details: Option<Candidate>,
}

/// What an import does.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Streams that are made.
    pub new: Vec<NewStream>,
    /// Streams that are changed, in the order of the list.
    pub changed: indexmap::IndexMap<StreamId, Changes>,
    /// Categories that are made.
    pub categories: Vec<Name>,
    /// Every stream that the list means, each once, in its order.
    pub streams: indexmap::IndexSet<Target>,
    /// What happens to each entry that could be read: its line, its name, and that.
    pub fates: Vec<(usize, String, Fate)>,
    /// Entries that cannot become streams: the line, the name and why.
    pub refused: Vec<(usize, String, Rule)>,
}

impl Plan {
    /// How many entries have such a fate.
    pub fn count(&self, such: impl Fn(Fate) -> bool) -> usize {
        self.fates.iter().filter(|(.., fate)| such(*fate)).count()
    }
}

/// Decides it, beside the streams and the names of categories that are there.
pub fn plan(entries: &[Entry], streams: &[Existing], categories: &[String], way: Duplicates) -> Plan {
    let mut planner = Planner::new(streams, categories, way);
    for entry in entries {
        match Candidate::of(entry).and_then(|candidate| planner.take(candidate)) {
            Ok(()) => {}
            Err(rule) => planner.plan.refused.push((entry.line, entry.name.clone(), rule)),
        }
    }
    planner.plan
}

struct Planner {
    way: Duplicates,
    by_source: HashMap<SourceUrl, Target>,
    by_name: HashMap<(String, String), Target>,
    /// How many sources each stream that is there has.
    sources: HashMap<StreamId, usize>,
    categories: HashSet<String>,
    plan: Plan,
}

impl Planner {
    fn new(streams: &[Existing], categories: &[String], way: Duplicates) -> Self {
        let mut planner = Self {
            way,
            by_source: HashMap::new(),
            by_name: HashMap::new(),
            sources: HashMap::new(),
            categories: categories.iter().map(|name| name.to_lowercase()).collect(),
            plan: Plan::default(),
        };
        for stream in streams {
            let target = Target::There(stream.id);
            planner.sources.insert(stream.id, stream.sources.len());
            planner.by_name.entry(key(&stream.category, &stream.name)).or_insert(target);
            for source in &stream.sources {
                planner.by_source.entry(source.clone()).or_insert(target);
            }
        }
        planner
    }

    fn take(&mut self, candidate: Candidate) -> Result<(), Rule> {
        let name = key(candidate.category.as_ref().map_or("", Name::as_str), candidate.name.as_str());
        let by_source = self.by_source.get(&candidate.source).map(|target| (*target, Told::Source));
        let found = by_source.or_else(|| self.by_name.get(&name).map(|target| (*target, Told::Name)));
        let (line, shown) = (candidate.line, candidate.name.as_str().to_owned());
        let fate = match found {
            None => {
                let target = Target::New(self.plan.new.len());
                self.by_name.insert(name, target);
                self.by_source.insert(candidate.source.clone(), target);
                self.need_category(&candidate);
                self.plan.streams.insert(target);
                self.plan.new.push(NewStream { sources: vec![candidate.source.clone()], candidate });
                Fate::New
            }
            Some((target, told)) => {
                let fate = self.again(target, told, candidate)?;
                self.plan.streams.insert(target);
                fate
            }
        };
        self.plan.fates.push((line, shown, fate));
        Ok(())
    }

    /// An entry that means a stream that is there or was made by an earlier entry.
    fn again(&mut self, target: Target, told: Told, candidate: Candidate) -> Result<Fate, Rule> {
        if self.way == Duplicates::Skip || (self.way == Duplicates::AddSource && told == Told::Source) {
            return Ok(Fate::Skipped(told));
        }
        if told == Told::Name {
            self.add_source(target, &candidate.source)?;
        }
        if self.way == Duplicates::AddSource {
            return Ok(Fate::SourceAdded);
        }
        self.need_category(&candidate);
        match target {
            Target::There(id) => self.plan.changed.entry(id).or_default().details = Some(candidate),
            Target::New(place) => {
                if let Some(new) = self.plan.new.get_mut(place) {
                    new.candidate = candidate;
                }
            }
        }
        Ok(Fate::Updated(told))
    }

    fn add_source(&mut self, target: Target, source: &SourceUrl) -> Result<(), Rule> {
        let full = || -> Rule { format!("the stream has {} sources already", SourceUrl::MOST).into() };
        match target {
            Target::There(id) => {
                let count = self.sources.entry(id).or_default();
                if *count >= SourceUrl::MOST {
                    return Err(full());
                }
                *count += 1;
                self.plan.changed.entry(id).or_default().sources.push(source.clone());
            }
            Target::New(place) => {
                let Some(new) = self.plan.new.get_mut(place) else { return Ok(()) };
                if new.sources.len() >= SourceUrl::MOST {
                    return Err(full());
                }
                new.sources.push(source.clone());
            }
        }
        self.by_source.insert(source.clone(), target);
        Ok(())
    }

    fn need_category(&mut self, candidate: &Candidate) {
        if let Some(name) = &candidate.category
            && self.categories.insert(name.as_str().to_lowercase())
        {
            self.plan.categories.push(name.clone());
        }
    }
}

fn key(category: &str, name: &str) -> (String, String) {
    (category.to_lowercase(), name.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::m3u;

    fn there(id: i64, name: &str, category: &str, source: &str) -> Existing {
        let sources = vec![SourceUrl::new(source).unwrap()];
        Existing { id: StreamId(id), name: name.into(), category: category.into(), sources }
    }

    const LIST: &str = "#EXTINF:-1 group-title=\"News\",One\nhttp://h/1\n\
                        #EXTINF:-1 group-title=\"news\",ONE\nhttp://h/1b\n\
                        #EXTINF:-1 group-title=\"Films\",One\nhttp://h/2\n\
                        #EXTINF:-1,Renamed\nhttp://h/9\n\
                        #EXTINF:-1,Bad\nrtp:x\n";

    fn of(way: Duplicates) -> Plan {
        let streams = [there(7, "Old", "", "http://h/9"), there(8, "one", "Films", "http://h/8")];
        plan(&m3u::read(LIST.as_bytes()), &streams, &["FILMS".into()], way)
    }

    #[test]
    fn the_same_source_or_the_same_name_in_the_category_is_a_duplicate() {
        let plan = of(Duplicates::Skip);
        let fates: Vec<Fate> = plan.fates.iter().map(|(.., fate)| *fate).collect();
        let skipped = Fate::Skipped;
        assert_eq!(fates, [Fate::New, skipped(Told::Name), skipped(Told::Name), skipped(Told::Source)]);
        assert_eq!(plan.categories.iter().map(Name::as_str).collect::<Vec<_>>(), ["News"]);
        assert_eq!(plan.refused.len(), 1);
        assert!(plan.refused[0].2.starts_with("address: a URL of"), "{:?}", plan.refused);
        assert!(plan.changed.is_empty());
        let meant: Vec<Target> = plan.streams.into_iter().collect();
        assert_eq!(meant, [Target::New(0), Target::There(StreamId(8)), Target::There(StreamId(7))]);
    }

    #[test]
    fn a_source_is_added_once() {
        let plan = of(Duplicates::AddSource);
        assert_eq!(plan.new[0].sources.len(), 2);
        assert_eq!(plan.changed[&StreamId(8)].sources[0].as_str(), "http://h/2");
        assert!(!plan.changed.contains_key(&StreamId(7)), "it has the source");
    }

    #[test]
    fn an_update_takes_the_details_too() {
        let plan = of(Duplicates::Update);
        let renamed = plan.changed[&StreamId(7)].details.as_ref().unwrap();
        assert_eq!((renamed.name.as_str(), plan.changed[&StreamId(7)].sources.len()), ("Renamed", 0));
        assert_eq!(plan.new[0].candidate.name.as_str(), "ONE");
    }

    #[test]
    fn a_stream_takes_no_more_sources_than_it_may_have() {
        let list: Vec<String> = (0..40).map(|n| format!("#EXTINF:-1,One\nhttp://h/{n}\n")).collect();
        let plan = plan(&m3u::read(list.concat().as_bytes()), &[], &[], Duplicates::AddSource);
        assert_eq!((plan.new[0].sources.len(), plan.refused.len()), (SourceUrl::MOST, 8));
    }
}
