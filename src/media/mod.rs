//! Live streams: one supervised ffmpeg each, a ring that all viewers share, open connections.

pub mod connections;
pub mod picture;
pub mod preview;

mod channel;
mod entries;
mod feed;
mod fetch;
mod ffmpeg;
mod hidden;
mod lines;
mod multiplex;
mod nal;
mod program;
mod reading;
mod reasons;
mod repetition;
mod ring;
mod segment;
mod status;
mod supervisor;
mod tracks;
mod ts;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

pub use channel::{Channel, Demand, Tap};
pub use ffmpeg::Ffmpeg;
use multiplex::Multiplexes;
use preview::{Preview, Previews};
pub use ring::{Listed, Segments};
pub use segment::{InMemory, Segment};
pub use status::Status;
use supervisor::{Means, Order};

use crate::domain::{
    ids::StreamId,
    source_request::SourceRequest,
    stream::{AtEnd, SourceUrl},
};
use fetch::Fetch;

/// How long things may take. The defaults are what the product runs with; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Until a source has sent its first key frame.
    pub start: Duration,
    /// Between two bytes of a source that runs.
    pub stall: Duration,
    /// Between a source and the next one.
    pub pause: Duration,
    /// After a round in which every source failed: at first, and at most.
    pub back_off: (Duration, Duration),
    /// A run of this length was a good one.
    pub steady: Duration,
    /// Between two looks at the first source while a later one plays: at first, and at most.
    pub look_back: (Duration, Duration),
    /// Until an on-demand stream that nobody watches stops.
    pub linger: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(20),
            stall: Duration::from_secs(10),
            pause: Duration::from_millis(500),
            back_off: (Duration::from_secs(1), Duration::from_secs(30)),
            steady: Duration::from_secs(30),
            look_back: (Duration::from_secs(30), Duration::from_mins(5)),
            linger: Duration::from_secs(10),
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
    /// Whether it runs only while somebody watches.
    pub on_demand: bool,
    /// Whether its sound is turned into AAC.
    pub audio_to_aac: bool,
    /// What happens at the end of a source that has one.
    pub at_end: AtEnd,
}

/// The streams that this server runs.
#[derive(Clone)]
pub struct Media(Arc<Inner>);

struct Inner {
    ffmpeg: Arc<Ffmpeg>,
    multiplexes: Arc<Multiplexes>,
    fetch: Fetch,
    timing: Timing,
    /// Supervisors live on the thread that made this: a child dies with the thread that made it.
    births: UnboundedSender<Birth>,
    streams: Mutex<HashMap<StreamId, Running>>,
    previews: Previews,
    ending: Mutex<Vec<JoinHandle<()>>>,
}

struct Running {
    wanted: Wanted,
    channel: Arc<Channel>,
    orders: UnboundedSender<Order>,
}

type Birth = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Media {
    /// Streams of nobody yet. Called on the main thread's runtime, where their supervisors will run:
    /// it lives as long as the program.
    pub fn start(ffmpeg: Ffmpeg, timing: Timing) -> Self {
        let (births, mut born) = unbounded_channel::<Birth>();
        let media = Self(Arc::new(Inner {
            ffmpeg: Arc::new(ffmpeg),
            multiplexes: Arc::default(),
            fetch: Fetch::start(),
            timing,
            births,
            streams: Mutex::default(),
            previews: Previews::default(),
            ending: Mutex::default(),
        }));
        let inner = Arc::downgrade(&media.0);
        tokio::task::spawn_local(async move {
            while let Some(supervisor) = born.recv().await {
                let running = tokio::task::spawn_local(supervisor);
                let Some(inner) = inner.upgrade() else { break };
                let mut ending = inner.ending();
                ending.retain(|task| !task.is_finished());
                ending.push(running);
            }
        });
        media
    }

    /// Begins a stream, or changes it; the same again changes nothing.
    pub fn set(&self, id: StreamId, wanted: Wanted) {
        let mut streams = self.streams();
        if let Some(running) = streams.get_mut(&id) {
            if running.wanted != wanted {
                running.wanted = wanted.clone();
                // It ends only after its orders.
                let _ = running.orders.send(Order::Set(wanted));
            }
            return;
        }
        let channel = Channel::new();
        let (orders, received) = unbounded_channel();
        let Inner { ffmpeg, multiplexes, fetch, timing, births, .. } = &*self.0;
        let means = Means {
            ffmpeg: ffmpeg.clone(),
            multiplexes: multiplexes.clone(),
            fetch: fetch.clone(),
            timing: *timing,
        };
        let supervisor = supervisor::supervise(id, channel.clone(), means, wanted.clone(), received);
        // The receiver lives as long as the main thread.
        let _ = births.send(Box::pin(supervisor));
        streams.insert(id, Running { wanted, channel, orders });
    }

    /// Starts a stream anew, from its first source.
    pub fn restart(&self, id: StreamId) {
        if let Some(running) = self.streams().get(&id) {
            let _ = running.orders.send(Order::Restart);
        }
    }

    /// Stops a stream; its viewers' bodies end.
    pub fn remove(&self, id: StreamId) {
        if let Some(Running { channel, .. }) = self.streams().remove(&id) {
            channel.close();
        }
    }

    /// The streams that are wanted here.
    pub fn ids(&self) -> Vec<StreamId> {
        self.streams().keys().copied().collect()
    }

    /// What a stream is doing, if it is wanted here.
    pub fn status(&self, id: StreamId) -> Option<Status> {
        self.channel(id).map(|channel| channel.status())
    }

    /// What every stream is doing that is wanted here.
    pub fn statuses(&self) -> BTreeMap<StreamId, Status> {
        self.streams().iter().map(|(id, running)| (*id, running.channel.status())).collect()
    }

    /// A stream as viewers meet it.
    pub fn channel(&self, id: StreamId) -> Option<Arc<Channel>> {
        self.streams().get(&id).map(|running| running.channel.clone())
    }

    /// Starts a preview of a stream that is wanted here.
    ///
    /// # Errors
    /// A sentence, as [`Previews::start`].
    pub async fn preview(&self, id: StreamId) -> Result<Preview, String> {
        let channel = self.channel(id).ok_or("the stream does not run here: start it first")?;
        self.0.previews.start(&self.0.ffmpeg, &channel).await
    }

    /// Stops every stream and waits until each supervisor has ended, and its ffmpeg with it.
    pub async fn stop(&self) {
        for id in self.ids() {
            self.remove(id);
        }
        // Those whose birth is still under way come first.
        tokio::task::yield_now().await;
        let ending = std::mem::take(&mut *self.0.ending());
        for task in ending {
            if task.await.is_err() {
                log::error!("a stream's supervisor ended in a panic");
            }
        }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<StreamId, Running>> {
        self.0.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn ending(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
