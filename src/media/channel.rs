//! A stream as viewers meet it: its ring, how many want it, what it is doing.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use tokio::{sync::watch, time::timeout};

use super::{
    ring::{After, Chunk, Ring, Segments},
    segment::Segment,
    status::Status,
};

/// One stream that this server runs, or would run for a viewer.
pub struct Channel {
    ring: Mutex<Ring>,
    demand: watch::Sender<usize>,
    status: Mutex<Status>,
}

impl Channel {
    /// A stream of which nothing has come yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { ring: Mutex::default(), demand: watch::Sender::new(0), status: Mutex::default() })
    }

    /// A viewer of the endless MPEG transport stream.
    pub fn tap(self: &Arc<Self>) -> Tap {
        Tap { demand: self.demand(), place: None, run: None, next: None }
    }

    /// Keeps an on-demand stream running as long as it is held.
    pub fn demand(self: &Arc<Self>) -> Demand {
        self.demand.send_modify(|count| *count += 1);
        Demand(self.clone())
    }

    /// Waits until a player could begin; whether it can.
    pub async fn playable(&self, most: Duration) -> bool {
        self.until(most, |ring| ring.has_entry()).await
    }

    /// Waits until a playlist has a segment to show; whether it has.
    pub async fn segmented(&self, most: Duration) -> bool {
        self.until(most, |ring| !ring.segments().listed.is_empty()).await
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

    /// What a live media playlist shows now.
    pub fn segments(&self) -> Segments {
        self.ring().segments()
    }

    /// A segment by its number, while it is held.
    pub fn segment(&self, number: u64) -> Option<Segment> {
        self.ring().segment(number)
    }

    /// What it is doing.
    pub fn status(&self) -> Status {
        self.state().now(Instant::now())
    }

    pub(super) fn push(&self, chunk: Chunk, clock: Option<u64>) {
        let woken = self.ring().push(chunk, clock);
        woken.into_iter().for_each(Waker::wake);
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
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many want it, for the one who starts and stops it.
    pub(super) fn wanted(&self) -> watch::Receiver<usize> {
        self.demand.subscribe()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody wants the stream, as long as this is held.
pub struct Demand(Arc<Channel>);

impl Drop for Demand {
    fn drop(&mut self) {
        self.0.demand.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// One viewer's way through the ring. Slow viewers lose their place and go on at a later key frame.
pub struct Tap {
    demand: Demand,
    place: Option<u64>,
    run: Option<u64>,
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
        let follows = self.place == Some(number) && self.run == Some(chunk.run);
        self.place = Some(number + 1);
        self.run = Some(chunk.run);
        match chunk.entry {
            Some(tables) if !follows => {
                self.next = Some(chunk.bytes);
                Poll::Ready(Some(tables))
            }
            _ => Poll::Ready(Some(chunk.bytes)),
        }
    }
}
