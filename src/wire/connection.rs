//! A client's connection as the HTTP machinery reads and writes it: one descriptor, and an end to waiting.
//!
//! actix itself waits only for the first head of a connection. Here is what it leaves open: heads after the
//! first, the rest of a body after its answer, and a client that does not take its answer.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use rustix::net::{Shutdown, shutdown};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Instant, Sleep, sleep_until},
};

use super::gate::Place;

/// So long may a client take for a head, and between two pieces of a body.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// So long may a client take nothing of an answer. Sessions of live streams end earlier, by a rule of their own.
pub const UNREAD: Duration = Duration::from_mins(5);

/// The side of a socket that is written to, shared with the requests that came on it.
pub type Socket = Arc<OwnedWriteHalf>;

/// One connection of a client.
pub struct Connection {
    read: OwnedReadHalf,
    write: Socket,
    turn: Turn,
    head: Timer,
    unread: Timer,
    place: Place,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(stream: TcpStream, place: Place) -> Self {
        let (read, write) = stream.into_split();
        let (head, unread) = (Timer::default(), Timer::default());
        Self { read, write: Arc::new(write), turn: Turn::default(), head, unread, place }
    }

    /// What its requests know of it.
    pub fn known(&self) -> Known {
        Known { socket: self.write.clone(), turn: self.turn.clone(), is_spare: self.place.is_spare() }
    }

    /// Fails if a client owes a head for too long.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.turn.since() {
            Some(since) => self.head.check(context, since + PATIENCE),
            None => Ok(()),
        }
    }
}

/// What the requests of a connection know of it.
#[derive(Clone)]
pub struct Known {
    /// Its socket.
    pub socket: Socket,
    /// Whose turn it is.
    pub turn: Turn,
    /// Whether it has one of the places that are kept for the operator.
    pub is_spare: bool,
}

/// Whose turn it is: ours while a request is served; else the client's, since its last answer was whole.
#[derive(Clone, Default)]
pub struct Turn(Arc<Mutex<Option<Instant>>>);

impl Turn {
    /// A request is served until what this returns is dropped.
    pub fn ours(&self) -> Serving {
        self.set(None);
        Serving(self.clone())
    }

    /// `None` also before the first head, for which actix waits itself.
    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

/// A request that is served.
pub struct Serving(Turn);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.set(Some(Instant::now()));
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
        Pin::new(&mut self.read).poll_read(context, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let socket = self.write.clone();
            let Poll::Ready(ready) = socket.as_ref().as_ref().poll_write_ready(context) else {
                self.unread.check_for(context, UNREAD)?;
                return Poll::Pending;
            };
            ready?;
            match socket.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    self.unread.clear();
                    return Poll::Ready(written);
                }
            }
        }
    }

    /// Also called when an answer is whole and the client's turn begins: from then on the time runs.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.check(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shutdown(self.write.as_ref().as_ref(), Shutdown::Write).map_err(Into::into))
    }
}
