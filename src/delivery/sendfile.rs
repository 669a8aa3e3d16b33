//! A body that the kernel sends out of files, past the server's own buffers. The head of the response goes the usual way
//! before it. Over TLS the same bytes are read, encrypted and sent as those of any answer.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    HttpRequest,
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use tokio::{io::Interest, net::TcpStream};

use crate::{
    ops::viewing::InMemory,
    wire::{
        connection::{Socket, Timer, UNREAD},
        socket,
    },
};

/// So much is sent before others have their turn.
const AT_ONCE: u64 = 2 << 20;

/// So much is read at once of what is encrypted.
const PIECE: u64 = 64 << 10;

/// What the kernel sends.
pub trait Source: Unpin {
    /// Has up to `most` bytes sent; how many were, none only at an early end.
    ///
    /// # Errors
    /// Those of socket and disk; [`io::ErrorKind::WouldBlock`] where the socket takes nothing now.
    fn send(&mut self, socket: &TcpStream, most: usize) -> io::Result<usize>;

    /// Whether nothing more is to be sent; wakes the task of `context` when that changes.
    fn is_cut(&self, _: &Context<'_>) -> bool {
        false
    }

    /// How much there is to be sent after all that there was; 0 is the end.
    fn poll_more(&mut self, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(0))
    }
}

/// `length` bytes of `source`, and what it has more, as the body of an answer; a client that takes nothing for `patience` is given
/// up. None for a request without a socket.
pub fn body<S: Readable + 'static>(
    request: &HttpRequest,
    source: S,
    length: u64,
    patience: Duration,
) -> Option<BoxBody> {
    if let Some(socket) = socket::plain(request) {
        return Some(BoxBody::new(Sent::new(socket, source, length, patience)));
    }
    socket::be_patient(request, patience).then(|| BoxBody::new(Read { source, left: length }))
}

/// What can also be read, where the kernel cannot send.
pub trait Readable: Source {
    /// Reads up to about `most` bytes; none only at an early end.
    ///
    /// # Errors
    /// Those of the disk.
    fn read(&mut self, most: usize) -> io::Result<Bytes>;
}

/// A segment as a file in memory.
pub struct Segment {
    file: Arc<InMemory>,
    place: u64,
}

impl Source for Segment {
    fn send(&mut self, socket: &TcpStream, most: usize) -> io::Result<usize> {
        self.file.send(socket, &mut self.place, most)
    }
}

/// The rest of what is on its way to a socket.
pub struct Sent<S> {
    socket: Socket,
    source: S,
    left: u64,
    head_is_out: bool,
    unread: Timer,
    patience: Duration,
}

impl Sent<Segment> {
    /// `length` bytes of `file` to the socket on which the request came.
    pub fn segment(socket: Socket, file: Arc<InMemory>, length: u64) -> Self {
        Self::new(socket, Segment { file, place: 0 }, length, UNREAD)
    }
}

impl<S: Source> Sent<S> {
    fn new(socket: Socket, source: S, length: u64, patience: Duration) -> Self {
        let unread = Timer::default();
        Self { socket, source, left: length, head_is_out: false, unread, patience }
    }

    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut turn = AT_ONCE;
        if self.source.is_cut(context) {
            return Poll::Ready(Ok(()));
        }
        loop {
            if self.left == 0 {
                self.left = ready!(self.source.poll_more(context))?;
            }
            if self.left == 0 {
                return Poll::Ready(Ok(()));
            }
            if turn == 0 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let socket: &TcpStream = self.socket.as_ref().as_ref();
            let Poll::Ready(ready) = socket.poll_write_ready(context) else {
                self.unread.check_for(context, self.patience)?;
                return Poll::Pending;
            };
            ready?;
            let most = usize::try_from(self.left.min(turn)).unwrap_or(usize::MAX);
            match socket.try_io(Interest::WRITABLE, || self.source.send(socket, most)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(sent) => {
                    self.unread.clear();
                    self.left = self.left.saturating_sub(sent as u64);
                    turn = turn.saturating_sub(sent as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<S: Source> MessageBody for Sent<S> {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if !self.head_is_out {
            // actix writes what it holds, the head at its end, whenever a body has nothing to give. So this
            // has nothing once more when the socket has room again, which a client that asks for several
            // segments before it reads one fills for long.
            if let Err(error) = ready!(self.socket.as_ref().as_ref().poll_write_ready(context)) {
                return Poll::Ready(Some(Err(error)));
            }
            self.head_is_out = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.send(context).map(|sent| sent.err().map(Err))
    }
}

/// The rest of what is on its way through TLS.
struct Read<S> {
    source: S,
    left: u64,
}

impl<S: Readable> MessageBody for Read<S> {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.source.is_cut(context) {
            return Poll::Ready(None);
        }
        if self.left == 0 {
            self.left = ready!(self.source.poll_more(context))?;
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let most = usize::try_from(self.left.min(PIECE)).unwrap_or(usize::MAX);
        let bytes = self.source.read(most)?;
        if bytes.is_empty() {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        self.left = self.left.saturating_sub(bytes.len() as u64);
        Poll::Ready(Some(Ok(bytes)))
    }
}
