//! The programme guide: what is on, for every face.

pub mod choosing;
pub mod fuzz;
pub mod sources;

mod filling;
mod index;
mod input;
mod keeping;
mod matching;
mod xmltv;

use std::{path::Path, sync::Arc};

use arc_swap::ArcSwap;

use crate::{
    domain::{
        Resource, Result,
        fields::{text::GuideId, time::UnixTime},
        guide::programme::Programme,
        ids::{GuideSourceId, StreamId},
        people::actor::Actor,
    },
    ops::{Action, Ops, blocking, origin},
    store::{Context, Store, guide::GuideDb},
};
use index::Index;

/// What faces ask of the guide, and what fills it.
pub struct Guide {
    store: Store,
    db: GuideDb,
    /// Where the count of generations begins: another number after each start.
    began: u64,
    index: ArcSwap<Index>,
    /// Held by who makes the index beside the thread that asked.
    turn: tokio::sync::Mutex<()>,
    keeping: keeping::Keeping,
}

impl Guide {
    /// The one of that data folder.
    pub fn new(store: Store, db: GuideDb, now: UnixTime) -> Self {
        // A thousand changes in each second of a run would not reach the next run.
        let began = now.seconds().unsigned_abs() << 10;
        Self {
            store,
            db,
            began,
            index: ArcSwap::default(),
            turn: tokio::sync::Mutex::default(),
            keeping: keeping::Keeping::default(),
        }
    }

    /// Whether its database can be read, or there is none yet.
    pub(in crate::ops) fn answers(&self) -> bool {
        self.db.answers().is_ok()
    }

    /// The data folder.
    pub(in crate::ops) fn data(&self) -> &Path {
        self.db.folder()
    }

    /// Programmes of a stream that overlap [from, to), by their start and at most this many: those of its channel, moved by
    /// the shifts of its source and its own. A point read: a serving thread may ask once [`Ops::guide_ready`] has returned.
    pub fn programmes(
        &self,
        stream: StreamId,
        from: UnixTime,
        to: UnixTime,
        most: usize,
    ) -> Result<Vec<Programme>> {
        let index = self.index()?;
        let Some(shown) = index.get(stream) else { return Ok(Vec::new()) };
        let Some(row) = shown.row else { return Ok(Vec::new()) };
        let moved = |moment: UnixTime, by: i64| moment.seconds().saturating_add(by);
        let shift = shown.shift;
        let mut found = self.db.programmes(row, moved(from, -shift), moved(to, -shift), most)?;
        if shift != 0 {
            for programme in &mut found {
                programme.start = UnixTime::clamped(moved(programme.start, shift));
                programme.stop = UnixTime::clamped(moved(programme.stop, shift));
            }
        }
        Ok(found)
    }

    /// What is on now, and what comes next: the first that begins later, within a day.
    pub fn now_and_next(
        &self,
        stream: StreamId,
        now: UnixTime,
    ) -> Result<(Option<Programme>, Option<Programme>)> {
        let tomorrow = UnixTime::clamped(now.seconds().saturating_add(86_400));
        let mut found = self.programmes(stream, now, tomorrow, 2)?.into_iter().peekable();
        let on = found.next_if(|programme| programme.is_on(now));
        Ok((on, found.next()))
    }

    /// The channel of the guide that a stream shows, if it has one.
    pub fn channel_of(&self, stream: StreamId) -> Option<(GuideSourceId, GuideId)> {
        let index = self.index().ok()?;
        index.get(stream).map(|shown| (shown.source, shown.guide_id.clone()))
    }

    /// A number that is another one as soon as a refresh, a match or a shift has changed what anybody may see: the key of
    /// what is made of the guide and kept.
    pub fn generation(&self) -> u64 {
        self.began + self.store.changes().guide() + self.db.flips()
    }

    /// The index of this generation, made anew when it is another one.
    fn index(&self) -> Result<Arc<Index>> {
        let generation = self.generation();
        let kept = self.index.load_full();
        if kept.generation == generation {
            return Ok(kept);
        }
        let matches = self.store.point(&asking(), |read| read.shown_matches())?;
        let index = Arc::new(Index::of(generation, matches, self.db.wanted_channels()?));
        self.index.store(index.clone());
        Ok(index)
    }
}

impl Ops {
    /// Has the index made beside the thread that asks, if the guide has changed: with 100,000 channels that takes as long as
    /// thousands of answers.
    pub async fn guide_ready(&self) -> Result<()> {
        let is_ready = || self.guide.index.load().generation == self.guide.generation();
        if is_ready() {
            return Ok(());
        }
        let _turn = self.guide.turn.lock().await;
        if is_ready() {
            return Ok(());
        }
        let ops = self.clone();
        blocking(move || ops.guide.index().map(drop)).await
    }
}

/// The guide itself asks.
fn asking() -> Context {
    origin(&Actor::LINECARD, Action { resource: Resource::Guide, name: "show" })
}
