//! A body that the kernel sends out of a file in memory, past the server's own buffers. The head of the
//! response goes the usual way before it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};
use tokio::{io::Interest, net::TcpStream};

use crate::{
    ops::viewing::InMemory,
    wire::connection::{Socket, Timer, UNREAD},
};

/// The rest of a file that is on its way to a socket.
pub struct SentFile {
    socket: Socket,
    file: Arc<InMemory>,
    sent: u64,
    length: u64,
    head_is_out: bool,
    unread: Timer,
}

impl SentFile {
    /// `length` bytes of `file` to the socket on which the request came.
    pub fn new(socket: Socket, file: Arc<InMemory>, length: u64) -> Self {
        Self { socket, file, sent: 0, length, head_is_out: false, unread: Timer::default() }
    }

    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket: &TcpStream = self.socket.as_ref().as_ref();
        while self.sent < self.length {
            let Poll::Ready(ready) = socket.poll_write_ready(context) else {
                self.unread.check_for(context, UNREAD)?;
                return Poll::Pending;
            };
            ready?;
            let left = usize::try_from(self.length - self.sent).unwrap_or(usize::MAX);
            let send = || self.file.send(socket, &mut self.sent, left);
            match socket.try_io(Interest::WRITABLE, send) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => self.unread.clear(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl MessageBody for SentFile {
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
