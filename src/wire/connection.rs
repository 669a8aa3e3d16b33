//! A client's connection as the HTTP machinery reads and writes it: one descriptor, and an end to waiting.
//!
//! actix itself waits only for the first head of a connection. Here is what it leaves open: heads after the
//! first, the rest of a body after its answer, and a client that does not take its answer. And it takes apart all heads
//! that have come, before it answers the first, which costs kilobytes each: a client that sends many gets them out of
//! the kernel one or two at a time.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

pub use super::stream::Socket;
use super::{gate::Slot, stream::Stream};

/// So long may a client take for a head, and between two pieces of a body.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// So long is a client heard to the end that was told that its body came too late: he may read the answer.
const LATE: Duration = Duration::from_secs(1);

/// So long may a client take nothing of an answer. Sessions of live streams end earlier, by a rule of their own.
pub const UNREAD: Duration = Duration::from_mins(5);

/// The end of a head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// One connection of a client.
pub struct Connection {
    stream: Stream,
    turn: Turn,
    head: Timer,
    unread: Timer,
    place: Slot,
    /// What has come and is not handed on yet.
    held: Vec<u8>,
    /// The end of a head was handed on just now: it is taken apart before more follows.
    paused: bool,
}

impl Connection {
    /// A connection that was just accepted, after the handshake if it is encrypted.
    pub fn new(stream: Stream, place: Slot) -> Self {
        let (head, unread) = (Timer::default(), Timer::default());
        Self { stream, turn: Turn::default(), head, unread, place, held: Vec::new(), paused: false }
    }

    /// What its requests know of it.
    pub fn known(&self) -> Known {
        Known {
            socket: self.stream.socket().clone(),
            turn: self.turn.clone(),
            is_spare: self.place.is_spare(),
            is_tls: self.stream.is_tls(),
        }
    }

    /// Fails if a client owes a head for too long.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.turn.until() {
            Some(until) => self.head.check(context, until),
            None => Ok(()),
        }
    }

    /// While a request is served whose body is not waited for: nothing, unless the client is gone.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.held.is_empty() && ready!(self.stream.poll_gone(context, &mut self.held))? {
            return Poll::Ready(Ok(()));
        }
        self.turn.wake_later(context);
        Poll::Pending
    }

    /// Up to the end of the second head; a body that follows the first without blank lines comes along.
    fn hand_on(&mut self, into: &mut ReadBuf<'_>) {
        let ends = memchr::memmem::find_iter(&self.held, HEAD_END).take(2).collect::<Vec<_>>();
        let cut = ends.get(1).map_or(self.held.len(), |end| end + HEAD_END.len()).min(into.remaining());
        into.put_slice(&self.held[..cut]);
        self.held.drain(..cut);
        self.paused = !ends.is_empty();
    }

    /// Fails if a client takes nothing of its answer for too long.
    fn unread<T>(&mut self, context: &mut Context<'_>, taken: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if taken.is_pending() {
            let patience = self.turn.state().patience.unwrap_or(UNREAD);
            self.unread.check_for(context, patience)?;
        } else {
            self.unread.clear();
        }
        taken
    }
}

/// What the requests of a connection know of it.
#[derive(Clone)]
pub struct Known {
    pub socket: Socket,
    /// Whose turn it is.
    pub turn: Turn,
    /// Whether it has one of the places that are kept for the operator.
    pub is_spare: bool,
    /// Whether it came over TLS that ends here.
    pub is_tls: bool,
}

/// Whose turn it is: ours while a request is served, else the client's.
#[derive(Clone, Default)]
pub struct Turn(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// When the client's turn ends; `None` while a request is served, and before the first head, for which actix waits itself.
    until: Option<Instant>,
    is_ours: bool,
    /// The body of the request that is served did not come in time.
    is_late: bool,
    /// Whether the request that is served waits for its body.
    wants_body: bool,
    /// For how long nothing may be taken of its answer, where that is not [`UNREAD`].
    patience: Option<Duration>,
    /// Whoever holds back what has come meanwhile.
    reader: Option<Waker>,
}

impl Turn {
    /// A request is served until what this returns is dropped.
    pub fn ours(&self) -> Serving {
        let mut state = self.state();
        (state.until, state.is_ours, state.is_late, state.wants_body) = (None, true, false, false);
        state.patience = None;
        Serving(self.clone())
    }

    /// Whether the request that is served waits for its body.
    pub fn want_body(&self, wants: bool) {
        let mut state = self.state();
        state.wants_body = wants;
        if wants && let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// The body of the request that is served did not come in time: the rest of it is not waited for as well.
    pub fn body_is_late(&self) {
        self.state().is_late = true;
    }

    /// For so long nothing may be taken of the answer to the request that is served.
    pub fn be_patient(&self, patience: Duration) {
        self.state().patience = Some(patience);
    }

    fn until(&self) -> Option<Instant> {
        self.state().until
    }

    fn may_read(&self) -> bool {
        let state = self.state();
        !state.is_ours || state.wants_body
    }

    fn wake_later(&self, context: &Context<'_>) {
        self.state().reader = Some(context.waker().clone());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

/// A request that is served.
pub struct Serving(Turn);

impl Drop for Serving {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let patience = if state.is_late { LATE } else { PATIENCE };
        (state.until, state.is_ours) = (Some(Instant::now() + patience), false);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }
}

/// The end of a wait, which wakes whoever waits.
#[derive(Default)]
pub struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn check(&mut self, context: &mut Context<'_>, until: Instant) -> io::Result<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        match sleep.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    /// Fails when so much time is over since the first of these calls, or the last [`Timer::clear`].
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`].
    pub fn check_for(&mut self, context: &mut Context<'_>, time: Duration) -> io::Result<()> {
        let until = self.0.as_ref().map_or_else(|| Instant::now() + time, |sleep| sleep.deadline());
        self.check(context, until)
    }

    /// Begins anew with the next wait.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        if !self.turn.may_read() {
            return self.poll_gone(context);
        }
        let was_paused = std::mem::take(&mut self.paused);
        if self.held.is_empty() {
            let before = into.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
            let come = &into.filled()[before..];
            let heads = memchr::memmem::find_iter(come, HEAD_END).take(2).count();
            if come.is_empty() || (heads < 2 && !was_paused) {
                self.paused = heads > 0;
                return Poll::Ready(Ok(()));
            }
            self.held = come.to_vec();
            into.set_filled(before);
        }
        if was_paused {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.hand_on(into);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unread(context, written)
    }

    /// Also called when an answer is whole and the client's turn begins: from then on the time runs.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        ready!(self.unread(context, flushed))?;
        Poll::Ready(self.check(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
