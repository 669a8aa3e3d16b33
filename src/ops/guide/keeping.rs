//! Keeps the guide: sources are refreshed when it is time or somebody asks, and matches follow what changes.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    asking,
    filling::{Failed, Order},
};
use crate::{
    domain::{
        Error, Result, Stored,
        fields::time::UnixTime,
        guide::source::{GuideSource, SourceHealth},
        ids::GuideSourceId,
    },
    host::background,
    ops::{Ops, blocking, clock, managed},
    store::{self, guide::Counts},
};

/// Sources that are refreshed at the same time: one that hangs holds up no other.
const AT_ONCE: usize = 4;
/// After a failure a source is tried again within this many seconds.
const AFTER_FAILURE: i64 = 15 * 60;

/// What is to be done, and what was seen when it was last looked.
#[derive(Default)]
pub struct Keeping {
    /// Sources that somebody wants refreshed.
    asked: Mutex<HashSet<GuideSourceId>>,
    /// The sources that are refreshed now.
    running: Mutex<HashSet<GuideSourceId>>,
    /// Which state of each source this program last tried, by its `updated_at`: times in seconds cannot tell a try from a
    /// change that came right behind it.
    tried: Mutex<HashMap<GuideSourceId, UnixTime>>,
    /// How each of them is broken off; of one that was, nothing more.
    stops: Mutex<HashMap<GuideSourceId, Refreshing>>,
    /// Held by who looks at what is due: one at a time.
    turn: tokio::sync::Mutex<()>,
    /// How many refreshes have ended.
    ended: AtomicU64,
    /// The sources as they were, and at which state of both databases and of refreshes.
    seen: Mutex<Option<([u64; 3], Vec<SourceState>)>>,
}

impl Keeping {
    /// Has sources refreshed by the next who looks.
    pub fn ask(&self, ids: &[GuideSourceId]) {
        self.asked.lock().extend(ids);
    }

    /// Breaks off what is refreshed of sources that have changed since, or are gone. Those that have changed begin anew.
    fn break_off(&self, sources: &[SourceState]) {
        self.stops.lock().retain(|id, refreshing| {
            let row =
                sources.iter().map(|source| &source.row).find(|row| row.id == *id && row.record.enabled);
            if row.is_some_and(|row| row.updated_at == refreshing.updated_at) {
                return true;
            }
            refreshing.stop.store(true, Ordering::Relaxed);
            if row.is_some() {
                self.asked.lock().insert(*id);
            }
            false
        });
    }

    /// The sources that are refreshed now, or soon because somebody asked.
    pub fn under_way(&self) -> HashSet<GuideSourceId> {
        self.asked.lock().iter().chain(&*self.running.lock()).copied().collect()
    }
}

/// A refresh under way.
struct Refreshing {
    /// Of the source as it was then.
    updated_at: UnixTime,
    /// Whether its file is in the data folder.
    is_file: bool,
    stop: Arc<AtomicBool>,
}

/// A source, and how it fares.
#[derive(Clone)]
struct SourceState {
    row: Stored<GuideSource>,
    health: SourceHealth,
}

impl SourceState {
    /// Whether it is time to fetch it by itself; `tried` is the state of it that this program last tried, if it did.
    fn is_due(&self, tried: Option<UnixTime>, now: UnixTime) -> bool {
        let period = self.row.record.refresh_hours.get() * 3_600;
        if period == 0 {
            return false;
        }
        let changed = self.row.updated_at;
        let is_of_now = |at: &UnixTime| tried.map_or(*at >= changed, |tried| tried == changed);
        let Some(tried) = self.health.last_try_at.filter(is_of_now) else {
            return true;
        };
        let failed = !self.health.last_error.is_empty();
        let pause = if failed { period.min(AFTER_FAILURE) } else { period };
        // A clock that was set back has nothing wait for years.
        let since = now.seconds() - tried.seconds();
        since >= pause || since < -pause
    }
}

/// Says that the program ends, when the one who waits is no longer there.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Says that a refresh has ended, however it did.
struct Ended(Ops, GuideSourceId);

impl Drop for Ended {
    fn drop(&mut self) {
        let keeping = &self.0.guide.keeping;
        keeping.ended.fetch_add(1, Ordering::AcqRel);
        keeping.stops.lock().remove(&self.1);
        keeping.running.lock().remove(&self.1);
    }
}

impl Ops {
    /// Does what is due: the job of every second, and whoever has just asked.
    ///
    /// # Errors
    /// A database error; what is wrong with a source stands in its row.
    pub async fn keep_guide(&self) -> Result<()> {
        let keeping = &self.guide.keeping;
        let _turn = keeping.turn.lock().await;
        let running = keeping.running.lock().clone();
        let ended = keeping.ended.load(Ordering::Acquire);
        let change = [self.store.changes().guide(), self.guide.db.flips(), ended];
        let seen = keeping.seen.lock().clone().filter(|(of, _)| *of == change);
        let sources = if let Some((_, sources)) = seen {
            sources
        } else {
            let mut sources = self.look_at_sources().await?;
            if !sources.is_empty() {
                self.rematch().await?;
                self.fill_gaps(&mut sources, &running).await?;
            }
            keeping.tried.lock().retain(|id, _| sources.iter().any(|source| source.row.id == *id));
            *keeping.seen.lock() = Some((change, sources.clone()));
            sources
        };
        keeping.break_off(&sources);
        let now = clock::now();
        for source in sources.into_iter().filter(|source| !running.contains(&source.row.id)) {
            // A file waits for nobody.
            let is_file = source.row.record.url.file().is_some();
            let alike = keeping.stops.lock().values().filter(|other| other.is_file == is_file).count();
            if alike >= AT_ONCE {
                continue;
            }
            let is_asked = keeping.asked.lock().remove(&source.row.id);
            let tried = keeping.tried.lock().get(&source.row.id).copied();
            if source.row.record.enabled && (is_asked || source.is_due(tried, now)) {
                self.start_refresh(source);
            }
        }
        Ok(())
    }

    /// Refreshes a source beside the job, which looks at it again when that has ended.
    fn start_refresh(&self, source: SourceState) {
        let id = source.row.id;
        let stop = Arc::<AtomicBool>::default();
        let is_file = source.row.record.url.file().is_some();
        let refreshing = Refreshing { updated_at: source.row.updated_at, is_file, stop: stop.clone() };
        self.guide.keeping.running.lock().insert(id);
        self.guide.keeping.tried.lock().insert(id, source.row.updated_at);
        self.guide.keeping.stops.lock().insert(id, refreshing);
        let ended = Ended(self.clone(), id);
        tokio::spawn(async move {
            match ended.0.refresh(source, stop).await {
                Ok(()) => {}
                // The server stops, or has too much to do: the next round tries again.
                Err(Error::Busy) => log::warn!("guide source {}: its refresh was broken off", id.0),
                Err(error) => log::error!("guide source {}: its refresh failed: {error}", id.0),
            }
        });
    }

    /// Reads the sources, and forgets what is kept of those that are gone.
    async fn look_at_sources(&self) -> Result<Vec<SourceState>> {
        let ops = self.clone();
        blocking(move || {
            let sources = ops.store.read(&asking(), |read| {
                let rows = managed::in_order::<GuideSource>(read, None)?;
                rows.into_iter()
                    .map(|row| Ok(SourceState { health: read.source_health(row.id)?, row }))
                    .collect::<Result<Vec<_>>>()
            })?;
            // Whoever never had a guide gets no file.
            if sources.is_empty() && !ops.guide.db.exists() {
                return Ok(sources);
            }
            for id in ops.guide.db.sources()? {
                if !sources.iter().any(|source| source.row.id == id) {
                    ops.guide.forget(id)?;
                }
            }
            Ok(sources)
        })
        .await
    }

    /// Reads again, without fetching, sources of which a channel is wanted by now whose programmes were not kept, or of
    /// which nothing is kept any more: guide.db was lost.
    async fn fill_gaps(&self, sources: &mut [SourceState], running: &HashSet<GuideSourceId>) -> Result<()> {
        let ops = self.clone();
        let was_read =
            |source: &&SourceState| source.row.record.enabled && source.health.last_success_at.is_some();
        let rests = |source: &&mut SourceState| !running.contains(&source.row.id);
        let read: Vec<GuideSourceId> = sources.iter().filter(was_read).map(|source| source.row.id).collect();
        let lacking: HashSet<GuideSourceId> = blocking(move || {
            let wanted = ops.store.read(&asking(), |read| read.shown_matches())?;
            let wanted: HashSet<_> =
                wanted.into_iter().map(|found| (found.source, found.guide_id.as_str().to_owned())).collect();
            let channels = ops.guide.db.channels()?.into_iter().filter(|channel| !channel.wanted);
            let lacking =
                channels.filter(|channel| wanted.contains(&(channel.source, channel.guide_id.clone())));
            let mut lacking: HashSet<GuideSourceId> = lacking.map(|channel| channel.source).collect();
            for id in read {
                if ops.guide.db.kept(id)?.is_none() {
                    lacking.insert(id);
                }
            }
            Ok::<_, Error>(lacking)
        })
        .await?;
        for source in sources.iter_mut().filter(rests).filter(|source| lacking.contains(&source.row.id)) {
            match self.fill_source(source.clone(), false, Arc::default()).await? {
                Ok(Some(counts)) => {
                    (source.health.channels, source.health.programmes) = (counts.channels, counts.programmes);
                    self.note_health(source.row.id, source.health.clone()).await?;
                }
                Ok(None) => {}
                Err(why) => log::warn!("guide source {} cannot be read again: {why}", source.row.id.0),
            }
        }
        Ok(())
    }

    async fn note_health(&self, id: GuideSourceId, health: SourceHealth) -> Result<()> {
        let job = move |tx: &store::Write<'_>| tx.note_source_health(id, &health);
        self.store.write(store::housekeeping(clock::now(), "guide"), job).wait().await
    }

    /// Fetches and reads a source, and notes how that went.
    async fn refresh(&self, source: SourceState, stop: Arc<AtomicBool>) -> Result<()> {
        let id = source.row.id;
        let before = source.health.clone();
        let outcome = self.fill_source(source, true, stop).await?;
        if let Ok(Some(_)) = outcome {
            // Programmes are shown by their matches: who waits for the end finds them.
            self.rematch().await?;
        }
        if !self.guide.keeping.stops.lock().contains_key(&id) {
            // It was broken off: it is another source by now, or none.
            return Ok(());
        }
        let now = clock::now();
        // Whoever waits for the end of a refresh waits for another time.
        let tried =
            before.last_try_at.map_or(now, |last| UnixTime::clamped(now.seconds().max(last.seconds() + 1)));
        let mut health = SourceHealth { last_try_at: Some(tried), ..before };
        match outcome {
            Ok(counts) => {
                health.last_success_at = Some(tried);
                health.last_error.clear();
                if let Some(counts) = counts {
                    (health.channels, health.programmes) = (counts.channels, counts.programmes);
                }
            }
            Err(why) => {
                log::warn!("guide source {}: {why}", id.0);
                health.last_error = why;
            }
        }
        self.note_health(id, health).await
    }

    /// Reads a source; with `fetch` fetches it before. What is wrong with it comes back as a sentence.
    async fn fill_source(
        &self,
        source: SourceState,
        fetch: bool,
        stop: Arc<AtomicBool>,
    ) -> Result<Result<Option<Counts>, String>> {
        let _guard = StopOnDrop(stop.clone());
        let ops = self.clone();
        let work = move || {
            let settings = &ops.snapshot().settings;
            let now = clock::now();
            let day = 86_400;
            // What is recorded keeps its programmes.
            let archive = ops.store.read(&asking(), |read| read.most_archive_days())?;
            let begin = now.seconds() - (settings.guide_past_days.get().max(archive) + 1) * day;
            let end = now.seconds() + (settings.guide_future_days.get() + 1) * day;
            ops.guide.fill(&Order {
                id: source.row.id,
                source: &source.row.record,
                fetch,
                had: source.health.programmes,
                anew: !fetch,
                local: settings.fetch_local,
                window: (begin, end),
                now,
                stop: &stop,
            })
        };
        // Not where calls are served: it may take minutes, and waits for whoever watches.
        let outcome = background::run("guide", background::UNSEEN, work)
            .await
            .unwrap_or(Err(Failed::Store(Error::Busy)));
        match outcome {
            Ok(counts) => Ok(Ok(counts)),
            Err(Failed::Source(why)) => Ok(Err(why)),
            Err(Failed::Store(error)) => Err(error),
            // It was read a second time with all of them.
            Err(Failed::Late(_)) => Ok(Err("The file changed while it was read.".into())),
        }
    }
}
