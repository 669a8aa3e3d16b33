//! A stream as viewers meet it: its ring, how many want it, what it is doing.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Notify, mpsc::UnboundedSender},
    time::timeout,
};

use super::{
    ring::{After, Chunk, Clock, Ring, Segments},
    segment::Segment,
    status::Status,
};
use crate::domain::{channels::run::State, ids::StreamId};

/// One stream that this server runs, or would run for a viewer.
pub struct Channel {
    id: StreamId,
    ring: Mutex<Ring>,
    status: Mutex<Status>,
    /// How many want it, and when that begins and ends.
    demand: AtomicUsize,
    turned: Notify,
    /// Told that somebody wants it who begins what runs on demand.
    wakes: UnboundedSender<StreamId>,
}

impl Channel {
    /// A stream of which nothing has come yet.
    pub(super) fn new(id: StreamId, wakes: UnboundedSender<StreamId>) -> Arc<Self> {
        Arc::new(Self {
            id,
            ring: Mutex::default(),
            status: Mutex::default(),
            demand: AtomicUsize::new(0),
            turned: Notify::new(),
            wakes,
        })
    }

    /// A viewer of the endless MPEG transport stream.
    pub fn tap(self: &Arc<Self>) -> Tap {
        Tap { demand: self.demand(), place: None, next: None }
    }

    /// Keeps an on-demand stream running as long as it is held.
    pub fn demand(self: &Arc<Self>) -> Demand {
        if self.demand.fetch_add(1, SeqCst) == 0 {
            self.turned.notify_one();
            // Whoever listens does so as long as anything runs.
            let _ = self.wakes.send(self.id);
        }
        Demand(self.clone())
    }

    /// Waits until a player could begin; whether it can.
    pub async fn playable(&self, most: Duration) -> bool {
        self.until(most, |ring| ring.has_entry()).await
    }

    /// Waits until a playlist has as much to show as players need to begin; whether it has anything.
    pub async fn segmented(&self, most: Duration) -> bool {
        self.ring().ask(Instant::now());
        self.until(most, |ring| ring.is_listed()).await || self.ring().has_segment()
    }

    async fn until(&self, most: Duration, ready: impl Fn(&Ring) -> bool) -> bool {
        let waiting = std::future::poll_fn(|context| {
            let mut ring = self.ring();
            if ready(&ring) {
                return Poll::Ready(true);
            }
            if ring.is_closed() {
                return Poll::Ready(false);
            }
            ring.wait(context.waker());
            Poll::Pending
        });
        timeout(most, waiting).await.unwrap_or(false)
    }

    /// How often a player is to read the playlist; before anybody has read it, how seldom that could become.
    pub fn reload(&self) -> Duration {
        self.ring().reload()
    }

    /// What a live media playlist shows now.
    pub fn segments(&self) -> Segments {
        self.ring().segments()
    }

    /// A segment by its number, while it is held.
    pub fn segment(&self, number: u64) -> Option<Segment> {
        let mut ring = self.ring();
        ring.ask(Instant::now());
        ring.segment(number)
    }

    /// What it is doing.
    pub fn status(&self) -> Status {
        self.state().now(Instant::now())
    }

    /// The same in a word.
    pub(super) fn status_word(&self) -> State {
        self.state().state.clone()
    }

    /// Bytes that came of it.
    pub(super) fn received(&self) -> u64 {
        self.state().received
    }

    /// Which of its sources is in use, from 0.
    pub(super) fn source(&self) -> Option<usize> {
        self.state().source
    }

    pub(super) fn push(&self, chunk: Chunk, clock: Clock) {
        let woken = self.ring().push(chunk, clock);
        woken.into_iter().for_each(Waker::wake);
    }

    /// All that came from `place` on, at once, and the number of the first of it: for who need not know of each chunk when
    /// it comes.
    pub(super) fn since(&self, place: Option<u64>) -> (u64, Vec<Chunk>) {
        self.ring().since(place)
    }

    pub(super) fn forget(&self) {
        self.ring().forget();
    }

    /// What was closed goes on for new viewers.
    pub(super) fn open(&self) {
        self.ring().open();
    }

    pub(super) fn close(&self) {
        let woken = self.ring().close();
        woken.into_iter().for_each(Waker::wake);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, Status> {
        self.status.lock()
    }

    /// Whether anybody wants it.
    pub(super) fn is_wanted(&self) -> bool {
        self.demand.load(SeqCst) > 0
    }

    /// Waits until nobody has wanted it for so long; for the one who runs it.
    pub(super) async fn unwanted(&self, linger: Duration) {
        let becomes = async |wanted| {
            while self.is_wanted() != wanted {
                self.turned.notified().await;
            }
        };
        loop {
            becomes(false).await;
            if timeout(linger, becomes(true)).await.is_err() {
                return;
            }
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock()
    }
}

/// Somebody wants the stream, as long as this is held.
pub struct Demand(Arc<Channel>);

impl Drop for Demand {
    fn drop(&mut self) {
        if self.0.demand.fetch_sub(1, SeqCst) == 1 {
            self.0.turned.notify_one();
        }
    }
}

/// One viewer's way through the ring. Slow viewers lose their place and go on at a later key frame.
pub struct Tap {
    demand: Demand,
    place: Option<u64>,
    /// The chunk that follows tables that were just sent.
    next: Option<Bytes>,
}

impl Stream for Tap {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(bytes) = self.next.take() {
            return Poll::Ready(Some(bytes));
        }
        let after = self.demand.0.ring().after(self.place, context.waker());
        let (number, chunk) = match after {
            After::Chunk(number, chunk) => (number, chunk),
            After::Nothing => return Poll::Pending,
            After::Closed => return Poll::Ready(None),
        };
        let follows = self.place == Some(number);
        self.place = Some(number + 1);
        match chunk.entry {
            Some(tables) if !follows => {
                self.next = Some(chunk.bytes);
                Poll::Ready(Some(tables))
            }
            _ => Poll::Ready(Some(chunk.bytes)),
        }
    }
}
