//! Bytes from and to a client: as they are, or through TLS. Both lie on one socket that others know of as well.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustix::net::{Shutdown, shutdown};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_rustls::server::TlsStream;

/// The side of a socket that is written to, shared with the requests that came on it.
pub type Socket = Arc<OwnedWriteHalf>;

/// So much of what comes while nobody waits for it is taken out of TLS, to see whether the client is gone.
const AHEAD: usize = 4 << 10;

/// The socket itself.
pub struct Tcp {
    read: OwnedReadHalf,
    write: Socket,
}

impl Tcp {
    /// A connection that was just accepted.
    pub fn new(stream: TcpStream) -> Self {
        let (read, write) = stream.into_split();
        Self { read, write: Arc::new(write) }
    }

    fn poll_try<T>(
        &self,
        context: &mut Context<'_>,
        attempt: impl Fn(&OwnedWriteHalf) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let socket: &TcpStream = self.write.as_ref().as_ref();
        loop {
            ready!(socket.poll_write_ready(context))?;
            match attempt(&self.write) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, into)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_try(context, |socket| socket.try_write(bytes))
    }

    /// Several records of TLS go out at once.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_try(context, |socket| socket.try_write_vectored(pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shutdown(self.write.as_ref().as_ref(), Shutdown::Write).map_err(Into::into))
    }
}

/// What a connection is read from and written to.
pub enum Stream {
    /// As it is.
    Plain(Tcp),
    /// Encrypted, after its handshake.
    Tls(Box<TlsStream<Tcp>>),
}

impl Stream {
    /// The socket below it.
    pub fn socket(&self) -> &Socket {
        match self {
            Self::Plain(tcp) => &tcp.write,
            Self::Tls(tls) => &tls.get_ref().0.write,
        }
    }

    /// Whether it is encrypted.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// While nobody waits for what comes: whether the client has closed, or has sent something, which may be put into
    /// `held`.
    pub fn poll_gone(&mut self, context: &mut Context<'_>, held: &mut Vec<u8>) -> Poll<io::Result<bool>> {
        match self {
            Self::Plain(tcp) => {
                let seen = ready!(tcp.read.poll_peek(context, &mut ReadBuf::new(&mut [0])))?;
                Poll::Ready(Ok(seen == 0))
            }
            // What is to be seen in the socket may be its farewell.
            Self::Tls(_) => {
                let mut space = [0; AHEAD];
                let mut into = ReadBuf::new(&mut space);
                ready!(Pin::new(self).poll_read(context, &mut into))?;
                held.extend_from_slice(into.filled());
                Poll::Ready(Ok(into.filled().is_empty()))
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, into),
            Self::Tls(tls) => match Pin::new(tls).poll_read(context, into) {
                // Many players hang up without a farewell; what they have sent says itself where it ends.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(()))
                }
                read => read,
            },
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
