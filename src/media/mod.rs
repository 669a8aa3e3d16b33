//! Live streams: one supervised ffmpeg each, a ring that all viewers share, open connections.

pub mod archive;
pub mod connections;
pub mod fuzz;
pub mod picture;
pub mod preview;

mod channel;
mod child;
mod continuity;
mod entries;
mod feed;
mod fetch;
mod ffmpeg;
mod ffmpeg_line;
mod ffmpeg_log;
mod hidden;
mod late;
mod multiplex;
mod nal;
mod pace;
mod probe;
mod program;
mod reading;
mod reasons;
mod repetition;
mod ring;
mod segment;
mod status;
mod supervisor;
mod target;
mod tracks;
mod ts;
mod vanished;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::{JoinError, JoinSet},
};

use crate::domain::{
    channels::{
        run::State,
        source_request::SourceRequest,
        stream::{AtEnd, SourceUrl},
    },
    ids::StreamId,
};
use archive::{Archive, Cutting, Recorder, Spans};
pub use channel::{Channel, Demand, Tap};
pub use child::missing as ffmpeg_missing;
use fetch::Fetch;
pub use ffmpeg::Ffmpeg;
use multiplex::Multiplexes;
use preview::{Preview, Previews};
#[cfg(test)]
pub use ring::ListedSegment;
pub use ring::Segments;
pub use segment::{InMemory, Segment};
pub use status::Status;
use supervisor::{Means, Order};

/// How long things may take. The defaults are what the product runs with; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Until a source has sent its first key frame.
    pub start: Duration,
    /// Between two bytes of a source that runs.
    pub stall: Duration,
    /// Between a source and the next one.
    pub pause: Duration,
    /// Until a source that has just played is asked again.
    pub again: Duration,
    /// After a round in which no source gave anything: at first, and at most.
    pub back_off: (Duration, Duration),
    /// A run of this length was a good one.
    pub steady: Duration,
    /// Between two looks at the first source while a later one plays: at first, and at most.
    pub look_back: (Duration, Duration),
    /// Until an on-demand stream that nobody watches stops.
    pub linger: Duration,
    /// About so long are the files of a recording.
    pub piece: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(20),
            stall: Duration::from_secs(10),
            pause: Duration::from_millis(500),
            again: Duration::from_millis(750),
            back_off: (Duration::from_secs(1), Duration::from_secs(30)),
            steady: Duration::from_secs(30),
            look_back: (Duration::from_secs(30), Duration::from_mins(5)),
            linger: Duration::from_secs(10),
            piece: Duration::from_mins(1),
        }
    }
}

/// What a stream is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where it comes from, in order.
    pub sources: Vec<SourceUrl>,
    /// How those of http and https are asked.
    pub request: SourceRequest,
    /// Whether it runs only while somebody wants it.
    pub on_demand: bool,
    /// Whether its sound is turned into AAC.
    pub audio_to_aac: bool,
    /// What happens at the end of a source that has one.
    pub at_end: AtEnd,
    /// Whether it is recorded: who records it wants it, as viewers do.
    pub is_recorded: bool,
}

/// The streams that this server runs.
#[derive(Clone)]
pub struct Media(Arc<Inner>);

struct Inner {
    ffmpeg: Arc<Ffmpeg>,
    archive: Archive,
    multiplexes: Arc<Multiplexes>,
    /// Begun with the first stream.
    fetch: OnceLock<Fetch>,
    timing: Timing,
    /// Streams that may have to begin.
    wakes: UnboundedSender<StreamId>,
    /// Where they are heard of, until somebody does.
    woken: Mutex<Option<UnboundedReceiver<StreamId>>>,
    streams: Mutex<HashMap<StreamId, Running>>,
    /// Bytes that came of streams that are wanted no more.
    received_before: AtomicU64,
    previews: Previews,
    supervisors: Mutex<JoinSet<()>>,
    recorder: OnceLock<Recorder>,
}

/// A stream that is wanted here. One on demand that nobody has asked for yet is no more than this: there may be
/// hundreds of thousands.
struct Running {
    wanted: Wanted,
    channel: Option<Arc<Channel>>,
    /// Those of its supervisor, while it has one.
    orders: Option<UnboundedSender<Order>>,
}

impl Media {
    /// Streams of nobody yet. None of them runs before [`Media::start`]: the command line only says which are wanted.
    pub fn new(ffmpeg: Ffmpeg, archive: Archive, timing: Timing) -> Self {
        let (wakes, woken) = unbounded_channel();
        Self(Arc::new(Inner {
            ffmpeg: Arc::new(ffmpeg),
            archive,
            multiplexes: Arc::default(),
            fetch: OnceLock::new(),
            timing,
            wakes,
            woken: Mutex::new(Some(woken)),
            streams: Mutex::default(),
            received_before: AtomicU64::new(0),
            previews: Previews::default(),
            supervisors: Mutex::default(),
            recorder: OnceLock::new(),
        }))
    }

    /// Runs the streams that are wanted, and records those that are to be, from now on; only the first call does. `clock` is the
    /// machine's, in unix milliseconds. Called on the main thread's runtime, where their supervisors will run, as long as the
    /// program: a child dies with the thread that made it.
    pub fn start(&self, clock: fn() -> u64) {
        let woken = self.0.woken.lock().take();
        let Some(mut woken) = woken else { return };
        let inner = Arc::downgrade(&self.0);
        let streams = move || inner.upgrade().map(|inner| inner.recorded()).unwrap_or_default();
        match Recorder::start(self.0.archive.clone(), self.0.timing.piece, streams, clock) {
            Ok(recorder) => drop(self.0.recorder.set(recorder)),
            Err(error) => log::error!("no stream is recorded: {error}"),
        }
        let inner = Arc::downgrade(&self.0);
        let ffmpeg = self.0.ffmpeg.clone();
        tokio::task::spawn_local(async move {
            ffmpeg.learn().await;
            while let Some(id) = woken.recv().await {
                let Some(inner) = inner.upgrade() else { break };
                inner.begin(id);
            }
        });
    }

    /// Begins a stream, or changes it; the same again changes nothing.
    pub fn set(&self, id: StreamId, wanted: Wanted) {
        match self.0.streams().entry(id) {
            Entry::Occupied(mut running) => {
                let running = running.get_mut();
                // Nobody who watches is to notice whether it is recorded.
                running.wanted.is_recorded = wanted.is_recorded;
                if running.wanted == wanted {
                    return;
                }
                running.wanted = wanted.clone();
                if let Some(orders) = &running.orders {
                    // It ends only after its orders.
                    let _ = orders.send(Order::Set(Box::new(wanted)));
                }
            }
            Entry::Vacant(place) => {
                place.insert(Running { wanted, channel: None, orders: None });
            }
        }
        // The receiver lives as long as the main thread.
        let _ = self.0.wakes.send(id);
    }

    /// Starts a stream anew, from its first source.
    pub fn restart(&self, id: StreamId) {
        if let Some(orders) = self.0.streams().get(&id).and_then(|running| running.orders.as_ref()) {
            let _ = orders.send(Order::Restart);
        }
    }

    /// Stops a stream; its viewers' bodies end.
    pub fn remove(&self, id: StreamId) {
        if let Some(Running { channel: Some(channel), .. }) = self.0.streams().remove(&id) {
            self.0.received_before.fetch_add(channel.received(), Relaxed);
            channel.close();
        }
    }

    /// Whether ffmpeg is installed, with what starts it.
    pub fn has_ffmpeg(&self) -> bool {
        child::can_spawn(&self.0.ffmpeg.program)
    }

    /// How many streams are wanted here, idle ones on demand as well.
    pub fn count(&self) -> usize {
        self.0.streams().len()
    }

    /// Bytes that came of each stream that was begun, by id; and of all that there ever were.
    pub fn received(&self) -> (Vec<(StreamId, u64)>, u64) {
        let streams = self.0.streams();
        let of = |(id, running): (&StreamId, &Running)| Some((*id, running.channel.as_ref()?.received()));
        let mut received: Vec<_> = streams.iter().filter_map(of).collect();
        received.sort_unstable_by_key(|(id, _)| *id);
        let before = self.0.received_before.load(Relaxed);
        let all = received.iter().map(|(_, bytes)| bytes).sum::<u64>() + before;
        (received, all)
    }

    /// The streams that are wanted here.
    pub fn ids(&self) -> Vec<StreamId> {
        self.0.streams().keys().copied().collect()
    }

    /// Whether a stream is wanted here.
    pub fn has(&self, id: StreamId) -> bool {
        self.0.streams().contains_key(&id)
    }

    /// What a stream is doing, if it is wanted here.
    pub fn status(&self, id: StreamId) -> Option<Status> {
        let channel = self.0.streams().get(&id)?.channel.clone();
        Some(channel.map_or_else(Status::default, |channel| channel.status()))
    }

    /// The state of every stream that is wanted here, by their ids.
    pub fn states(&self) -> Vec<(StreamId, State)> {
        let streams = self.0.streams();
        let state = |running: &Running| {
            running.channel.as_ref().map_or(State::Stopped, |channel| channel.status_word())
        };
        let mut states: Vec<_> = streams.iter().map(|(id, running)| (*id, state(running))).collect();
        states.sort_unstable_by_key(|(id, _)| *id);
        states
    }

    /// What each stream does that is not idle, by id: of those on demand most are.
    pub fn active_states(&self) -> Vec<(StreamId, State)> {
        let streams = self.0.streams();
        let state =
            |(id, running): (&StreamId, &Running)| Some((*id, running.channel.as_ref()?.status_word()));
        let mut states: Vec<_> = streams.iter().filter_map(state).collect();
        states.sort_unstable_by_key(|(id, _)| *id);
        states
    }

    /// Which of its sources each stream that is wanted here has, from 0.
    pub fn sources(&self) -> Vec<(StreamId, usize)> {
        let streams = self.0.streams();
        let source = |(id, running): (&StreamId, &Running)| Some((*id, running.channel.as_ref()?.source()?));
        streams.iter().filter_map(source).collect()
    }

    /// A stream as viewers meet it.
    pub fn channel(&self, id: StreamId) -> Option<Arc<Channel>> {
        self.0.streams().get_mut(&id).map(|running| running.channel(id, &self.0.wakes).clone())
    }

    /// What was recorded of streams.
    pub fn archive(&self) -> &Archive {
        &self.0.archive
    }

    /// Whether there is anything to preview of a stream from a moment on, in unix milliseconds.
    pub fn has_recorded_preview(&self, stream: StreamId, from: u64) -> bool {
        self.archive().recorded(stream, from, preview_end(from)) > 0
    }

    /// Starts a preview of what was recorded of a stream from a moment on, in unix milliseconds.
    ///
    /// # Errors
    /// A sentence, as [`Previews::start_recorded`].
    pub async fn preview_recorded(&self, stream: StreamId, from: u64) -> Result<Preview, String> {
        let archive = self.archive().clone();
        let to = preview_end(from);
        let found = tokio::task::spawn_blocking(move || {
            let pieces = archive.pieces(stream, from, to)?;
            let sound = pieces.first().and_then(|piece| Cutting::of(piece).ok()?.sound());
            Ok::<_, std::io::Error>((Spans::of(&pieces, None, from, to)?, sound))
        });
        let found = found.await.map_err(|error| error.to_string())?;
        let (recorded, sound) =
            found.map_err(|error| format!("the archive cannot be read: {}", error.kind()))?;
        if recorded.is_empty() {
            return Err("nothing of that moment is recorded".into());
        }
        self.0.previews.start_recorded(&self.0.ffmpeg, recorded, sound)
    }

    /// Starts a preview of a stream that is wanted here.
    ///
    /// # Errors
    /// A sentence, as [`Previews::start`].
    pub async fn preview(&self, id: StreamId) -> Result<Preview, String> {
        let channel = self.channel(id).ok_or("the stream is not running here: start it first")?;
        self.0.previews.start(&self.0.ffmpeg, &channel).await
    }

    /// Ends what is recorded, stops every stream and waits until each supervisor has ended, and its ffmpeg with it.
    pub async fn stop(&self) {
        let inner = self.0.clone();
        let recorder = move || inner.recorder.get().map(Recorder::stop);
        // A panic there is in the log.
        let _ = tokio::task::spawn_blocking(recorder).await;
        for id in self.ids() {
            self.remove(id);
        }
        let mut ending = std::mem::take(&mut *self.0.supervisors());
        while let Some(ended) = ending.join_next().await {
            note_panic(&ended);
        }
    }
}

impl Running {
    fn channel(&mut self, id: StreamId, wakes: &UnboundedSender<StreamId>) -> &Arc<Channel> {
        self.channel.get_or_insert_with(|| Channel::new(id, wakes.clone()))
    }
}

impl Inner {
    /// Gives a stream its supervisor, unless it has one or nobody wants it.
    fn begin(self: &Arc<Self>, id: StreamId) {
        let mut streams = self.streams();
        let Some(running) = streams.get_mut(&id) else { return };
        let is_idle = running.channel.as_ref().is_none_or(|channel| !channel.is_wanted());
        if running.orders.is_some() || running.wanted.on_demand && is_idle {
            return;
        }
        let (orders, received) = unbounded_channel();
        running.orders = Some(orders);
        let (wanted, channel) = (running.wanted.clone(), running.channel(id, &self.wakes).clone());
        drop(streams);
        let inner = Arc::downgrade(self);
        let retire = move || inner.upgrade().is_none_or(|inner| inner.retire(id));
        let means = Means {
            ffmpeg: self.ffmpeg.clone(),
            multiplexes: self.multiplexes.clone(),
            fetch: self.fetch.get_or_init(Fetch::start).clone(),
            timing: self.timing,
        };
        let supervisor = supervisor::supervise(id, channel, means, wanted, received, retire);
        let mut supervisors = self.supervisors();
        while let Some(ended) = supervisors.try_join_next() {
            note_panic(&ended);
        }
        supervisors.spawn_local(supervisor);
    }

    /// Takes the supervisor from a stream on demand, unless somebody wants it again; whether it did.
    fn retire(&self, id: StreamId) -> bool {
        let mut streams = self.streams();
        let Some(running) = streams.get_mut(&id) else { return true };
        if running.channel.as_ref().is_some_and(|channel| channel.is_wanted()) {
            return false;
        }
        running.orders = None;
        // What it was told meanwhile stands in `wanted`, and begins with the wake that came with it.
        true
    }

    /// The streams that are to be recorded.
    fn recorded(&self) -> HashMap<StreamId, Arc<Channel>> {
        let mut streams = self.streams();
        let recorded = streams.iter_mut().filter(|(_, running)| running.wanted.is_recorded);
        recorded.map(|(id, running)| (*id, running.channel(*id, &self.wakes).clone())).collect()
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<StreamId, Running>> {
        self.streams.lock()
    }

    fn supervisors(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.supervisors.lock()
    }
}

/// Until when what is recorded may be in a preview that begins at `from`, in unix milliseconds.
fn preview_end(from: u64) -> u64 {
    from.saturating_add(2 * u64::try_from(preview::LONGEST.as_millis()).unwrap_or(0))
}

fn note_panic(ended: &Result<(), JoinError>) {
    if ended.is_err() {
        log::error!("a stream's supervisor ended in a panic");
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;

    use super::*;

    #[tokio::test]
    async fn what_is_wanted_runs_once_the_media_is_started_and_not_before() {
        let media = Media::new(
            Ffmpeg::new("/nowhere/ffmpeg".into(), std::env::temp_dir()),
            Archive::below("/nowhere/archive".into(), false, "/nowhere".into()),
            Timing::default(),
        );
        let id = StreamId(1);
        let wanted = Wanted {
            sources: vec![SourceUrl::new("udp://127.0.0.1:9").unwrap()],
            request: SourceRequest::default(),
            on_demand: false,
            audio_to_aac: false,
            at_end: AtEnd::Loop,
            is_recorded: false,
        };
        let state = || media.status(id).map(|status| status.state);
        let turn = async {
            media.set(id, wanted);
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!(state(), Some(State::Stopped));
            media.start(|| 0);
            while state() == Some(State::Stopped) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            media.stop().await;
            assert_eq!(state(), None);
        };
        LocalSet::new().run_until(turn).await;
    }
}
