//! Fills guide.db from one source: its file is fetched, unpacked and read; programmes are kept of the channels that
//! streams are matched with.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::UNIX_EPOCH,
};

use super::{Guide, input::Input, xmltv};
use crate::{
    domain::{
        Error,
        fields::{text::GuideId, time::UnixTime},
        guide::{matching::Candidate, source::GuideSource},
        ids::GuideSourceId,
    },
    host::{
        fetch::{self, Answer, Validators},
        packed,
    },
    store::guide::{Counts, Fetched, Refresh, Texts},
};

/// The folder in which what was fetched is kept, so that another match needs no fetch.
const FETCHED: &str = "guide.fetched";
/// The most channels of a source.
const CHANNELS: usize = 100_000;
/// The most bytes of their ids and names together: 32 MiB.
const NAMES: usize = 32 << 20;
/// The most programmes that are kept of a source.
const PROGRAMMES: u64 = 5_000_000;
/// What did not change is read again after this many seconds: days have come that were too far ahead.
const READ_AGAIN: i64 = 12 * 3_600;
/// A programme without an end is taken to be over after this many seconds, when it is asked whether it is over.
const UNKNOWN_END: i64 = 86_400;

/// Why a source was not read.
pub enum Failed {
    /// Something is wrong with it: a sentence.
    Source(String),
    /// Something is wrong here.
    Store(Error),
    /// A channel stood behind the programmes: these are all.
    Late(Vec<Candidate>),
}

impl From<String> for Failed {
    fn from(sentence: String) -> Self {
        Self::Source(sentence)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// How a source is read.
pub struct Order<'o> {
    pub id: GuideSourceId,
    pub source: &'o GuideSource,
    /// Whether it is fetched; else what was fetched is read again.
    pub fetch: bool,
    /// How many programmes of it are kept from before.
    pub had: i64,
    /// Whether it is read although nothing has changed.
    pub anew: bool,
    /// Whether it may lie in a local network.
    pub local: bool,
    /// Programmes that are over by then, or begin later, are not kept: unix seconds.
    pub window: (i64, i64),
    /// When it is.
    pub now: UnixTime,
    /// Set when the program ends.
    pub stop: &'o AtomicBool,
}

impl Guide {
    /// Refreshes a source; `None` if it was not read because nothing has changed. Blocks.
    pub(super) fn fill(&self, order: &Order<'_>) -> Result<Option<Counts>, Failed> {
        let Order { id, source, .. } = *order;
        let made_of = made_of(source);
        let kept = self.db.kept(id)?.filter(|kept| kept.made_of == made_of);
        let path = self.file_of(id, source);
        let mut fetched = kept.as_ref().map(|kept| kept.fetched.clone()).unwrap_or_default();
        let mut is_same = kept.is_some();
        if source.url.file().is_some() {
            let found = state_of(&path).map_err(|why| format!("{}: {why}.", source.url.reveal()))?;
            is_same &= found == fetched;
            fetched = found;
        } else if order.fetch || !path.exists() {
            let known = if path.exists() { fetched.clone() } else { Fetched::default() };
            let known = Validators { etag: known.etag, last_modified: known.last_modified };
            let url = source.url.reveal();
            match fetch::to_file(url, &known, order.local, &path, &fetch::LARGE, order.stop)? {
                Answer::Unchanged => {}
                Answer::New(Validators { etag, last_modified }) => {
                    is_same = false;
                    fetched = Fetched { etag, last_modified };
                }
            }
        }
        let is_old = kept.is_none_or(|kept| kept.read_at + READ_AGAIN < order.now.seconds());
        if is_same && !is_old && !order.anew {
            return Ok(None);
        }
        let mut known = None;
        loop {
            let read = self.db.refresh(id, |refresh| {
                let input = packed::open(&path).and_then(|unpacked| Input::new(unpacked, order.stop));
                let input = input.map_err(|error| format!("The file cannot be read: {error}."))?;
                let mut filling = Filling::new(self, order, refresh, known.take());
                xmltv::read(input, &source.assumed_zone.zone(), &mut filling)?;
                filling.finish(&made_of, &fetched)
            });
            match read {
                Err(Failed::Late(all)) => known = Some(all),
                read => return read.map(Some),
            }
        }
    }

    /// Where the file of a source lies.
    fn file_of(&self, id: GuideSourceId, source: &GuideSource) -> PathBuf {
        let folder = self.db.folder();
        source
            .url
            .file()
            .map_or_else(|| folder.join(FETCHED).join(id.0.to_string()), |name| folder.join(name))
    }

    /// Forgets what was read and fetched of a source that is gone.
    pub(super) fn forget(&self, id: GuideSourceId) -> Result<(), Error> {
        let _ = fs::remove_file(self.db.folder().join(FETCHED).join(id.0.to_string()));
        self.db.forget(id)
    }
}

/// From where and how a source is read.
fn made_of(source: &GuideSource) -> String {
    format!("{}\n{}", source.assumed_zone.as_str(), source.url.reveal())
}

/// The state of a file of the data folder, as an answer would tell it.
fn state_of(path: &Path) -> Result<Fetched, String> {
    let about = path.metadata().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "the file is not there".to_owned(),
        _ => error.to_string(),
    })?;
    let changed = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(Fetched {
        etag: format!("{}-{}", about.len(), changed.unwrap_or_default().as_nanos()),
        last_modified: String::new(),
    })
}

/// A source on its way into guide.db.
struct Filling<'f, 'r> {
    guide: &'f Guide,
    order: &'f Order<'f>,
    refresh: Refresh<'r>,
    channels: Vec<Candidate>,
    /// Channels by their ids in lower case: those that are wanted with their rows.
    rows: HashMap<String, Option<i64>>,
    /// How many channels were known when it was decided which are wanted.
    decided: Option<usize>,
    /// All channels are known from a first reading.
    is_second: bool,
    key: String,
    /// Bytes of ids and names.
    named: usize,
    /// Whether it holds any programme, of whichever channel.
    has_programmes: bool,
    kept: u64,
    left_out: u64,
}

impl<'f, 'r> Filling<'f, 'r> {
    fn new(
        guide: &'f Guide,
        order: &'f Order<'f>,
        refresh: Refresh<'r>,
        known: Option<Vec<Candidate>>,
    ) -> Self {
        Self {
            guide,
            order,
            refresh,
            is_second: known.is_some(),
            channels: known.unwrap_or_default(),
            rows: HashMap::new(),
            decided: None,
            key: String::new(),
            named: 0,
            has_programmes: false,
            kept: 0,
            left_out: 0,
        }
    }

    /// Decides which channels are wanted, and writes them.
    fn decide(&mut self) -> Result<(), Failed> {
        let wanted = self.guide.wanted_of(self.order.id, &self.channels)?;
        for channel in &self.channels {
            let is_wanted = wanted.contains(channel.id.as_str());
            let row = self.refresh.channel(channel.id.as_str(), &channel.names, is_wanted)?;
            self.rows.insert(lower(channel.id.as_str()), is_wanted.then_some(row));
        }
        self.decided = Some(self.channels.len());
        Ok(())
    }

    /// One channel more. An id that cannot be one is not remembered: it may be long.
    fn add(&mut self, id: &str, names: Vec<String>) -> Result<(), Failed> {
        let Ok(id) = GuideId::new(id) else {
            self.left_out += 1;
            return Ok(());
        };
        if self.channels.len() >= CHANNELS {
            return Err(format!("It names more than {CHANNELS} channels.").into());
        }
        self.named += id.as_str().len() + names.iter().map(String::len).sum::<usize>();
        if self.named > NAMES {
            return Err(format!("The names of its channels are larger than {} MiB.", NAMES >> 20).into());
        }
        self.rows.insert(lower(id.as_str()), None);
        self.channels.push(Candidate { source: self.order.id, id, names });
        Ok(())
    }

    fn finish(mut self, made_of: &str, fetched: &Fetched) -> Result<Counts, Failed> {
        if self.decided.is_none() {
            self.decide()?;
        }
        if self.channels.is_empty() {
            return Err("It names no channels.".to_owned().into());
        }
        if !self.has_programmes && self.order.had > 0 {
            // Whoever makes it has lost them: nobody means that nothing is on.
            return Err("It names channels and no programme at all.".to_owned().into());
        }
        let late = self.channels.get(self.decided.unwrap_or(0)..).unwrap_or_default();
        if !late.is_empty() && !self.is_second {
            let wanted = self.guide.wanted_of(self.order.id, &self.channels)?;
            if late.iter().any(|channel| wanted.contains(channel.id.as_str())) {
                return Err(Failed::Late(self.channels));
            }
            for channel in late {
                self.refresh.channel(channel.id.as_str(), &channel.names, false)?;
            }
        }
        if self.left_out > 0 {
            log::info!(
                "guide source {}: {} entries were left out for what is wrong with them",
                self.order.id.0,
                self.left_out
            );
        }
        Ok(self.refresh.finish(made_of, fetched, self.order.window.0, self.order.now.seconds())?)
    }
}

impl xmltv::Sink for Filling<'_, '_> {
    type Error = Failed;

    fn channel(&mut self, id: &str, names: Vec<String>) -> Result<(), Failed> {
        if self.is_second || id.is_empty() || self.rows.contains_key(&lower(id)) {
            return Ok(());
        }
        self.add(id, names)
    }

    fn wanted(&mut self, id: &str) -> Result<Option<i64>, Failed> {
        self.has_programmes = true;
        if self.decided.is_none() {
            self.decide()?;
        }
        self.key.clear();
        self.key.push_str(id);
        self.key.make_ascii_lowercase();
        if let Some(row) = self.rows.get(&self.key) {
            return Ok(*row);
        }
        // A source that lists no channels, or not this one.
        self.add(id, Vec::new())?;
        Ok(None)
    }

    fn keeps(&self, start: i64, stop: Option<i64>) -> bool {
        let (begin, end) = self.order.window;
        start < end && stop.unwrap_or(start.saturating_add(UNKNOWN_END)) > begin
    }

    fn programme(&mut self, row: i64, start: i64, stop: Option<i64>, texts: Texts<'_>) -> Result<(), Failed> {
        self.kept += 1;
        if self.kept > PROGRAMMES {
            return Err(format!("It holds more than {PROGRAMMES} programmes of matched channels.").into());
        }
        Ok(self.refresh.programme(row, start, stop, texts)?)
    }

    fn left_out(&mut self) {
        self.left_out += 1;
    }
}

fn lower(id: &str) -> String {
    id.to_ascii_lowercase()
}

/// The ids of those of a source's channels that streams are matched with.
pub(super) type WantedIds = HashSet<String>;
