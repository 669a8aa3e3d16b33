//! One socket's part in a session: how it is cut, and what the kernel is told of it.

use std::{
    os::fd::AsFd,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{Shutdown, shutdown, sockopt},
};
use socket2::SockRef;
use tokio::net::{TcpStream, tcp::OwnedWriteHalf};

use super::Connections;
use crate::{
    domain::viewing::session::SessionId,
    media::vanished::{Kernel, SILENCE},
};

/// While nothing is sent the other side is asked for a sign of life: after such a silence, and then so often.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));
/// A player of a recording that takes something now and then is there.
const TAKES: Duration = Duration::from_secs(2);
/// What was sent whole is still to be taken by its player, who may be paused for so long.
const PAUSED: Duration = Duration::from_mins(10);
/// What the kernel keeps of a stream for a viewer who does not take it: so little that it is soon noticed.
const UNSENT: u32 = 64 * 1024;

/// The means to end one socket's body, and the socket itself for a player that reads nothing.
#[derive(Default)]
pub struct Cut {
    done: AtomicBool,
    body: AtomicWaker,
    socket: OnceLock<Arc<OwnedWriteHalf>>,
    /// Since when bytes wait for the network to take them, in milliseconds of this process; 0 if none do.
    waits_since: AtomicU64,
    /// Its player may pause: it is not closed for taking nothing.
    is_patient: AtomicBool,
}

impl Cut {
    /// For how long the network has taken nothing.
    pub fn stalled(&self) -> Duration {
        match self.waits_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(milliseconds().saturating_sub(since)),
        }
    }

    /// Whether it is a player of a recording that takes nothing.
    pub fn may_have_vanished(&self) -> bool {
        self.is_patient.load(Ordering::Relaxed) && self.stalled() >= TAKES
    }

    /// Closes the socket of a player of a recording who has vanished; a paused one is asked more often whether it is there.
    pub fn check(&self, kernel: &Kernel) -> std::io::Result<()> {
        let Some(socket) = self.socket.get() else { return Ok(()) };
        let socket: &TcpStream = (**socket).as_ref();
        let heard = kernel.heard(socket.local_addr()?, socket.peer_addr()?)?;
        if heard.has_vanished() {
            self.cut();
            return Ok(());
        }
        give_up_after(socket, heard.patience())
    }

    /// Ends the body between two of its parts; its connection closes once they are sent.
    pub fn end_body(&self) {
        self.done.store(true, Ordering::Release);
        self.body.wake();
    }

    /// Ends the body, and closes the socket if it is known.
    pub fn cut(&self) {
        self.end_body();
        if let Some(socket) = self.socket.get() {
            // It may have been closed from the other side.
            let _ = shutdown(socket.as_ref().as_ref(), Shutdown::Both);
        }
    }
}

/// One socket's part in a session; the session may end when the last of them is dropped.
pub struct Hold {
    pub(super) connections: Connections,
    pub(super) id: SessionId,
    pub(super) cut: Arc<Cut>,
    pub(super) sent: Arc<AtomicU64>,
}

impl Hold {
    /// Whether the socket is to be closed; wakes the task of `context` when it is.
    pub fn is_cut(&self, context: &Context<'_>) -> bool {
        self.cut.body.register(context.waker());
        self.cut.done.load(Ordering::Acquire)
    }

    /// Waits until it is to be closed.
    pub async fn until_cut(&self) {
        std::future::poll_fn(|context| if self.is_cut(context) { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }

    /// The same for a player of a recording, who may pause: his socket is not closed for taking nothing.
    pub fn attach_patiently(&self, socket: Arc<OwnedWriteHalf>) {
        if let Err(error) = notice_silence::<TcpStream>((*socket).as_ref()) {
            log::debug!("a viewer who vanishes will be noticed late: {error}");
        }
        let _ = self.cut.socket.set(socket);
        self.cut.is_patient.store(true, Ordering::Relaxed);
    }

    /// Names the socket, once its request is answered: without it a player that reads nothing is cut late.
    pub fn attach(&self, socket: Arc<OwnedWriteHalf>) {
        if let Err(error) = close_without_progress::<TcpStream>((*socket).as_ref()) {
            log::debug!("a viewer who vanishes will be noticed late: {error}");
        }
        let _ = self.cut.socket.set(socket);
    }

    /// The network has taken what it was handed.
    pub fn taken(&self) {
        self.cut.waits_since.store(0, Ordering::Relaxed);
    }

    /// Counts bytes that are handed to the network.
    pub fn count(&self, bytes: usize) {
        self.cut.waits_since.store(milliseconds(), Ordering::Relaxed);
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.connections.state();
        if let Some(wire) = state.wires.get_mut(&self.id) {
            wire.cuts.retain(|cut| !Arc::ptr_eq(cut, &self.cut));
        }
        state.book.release(self.id, Instant::now());
        drop(state);
        if self.cut.is_patient.load(Ordering::Relaxed)
            && let Some(socket) = self.cut.socket.get()
            && let Err(error) = give_up_after::<TcpStream>((**socket).as_ref(), PAUSED)
        {
            log::debug!("a paused player may be cut early: {error}");
        }
    }
}

/// Whether the other side has closed the connection. Nobody reads of it while a request is being answered.
pub fn has_hung_up(socket: &OwnedWriteHalf) -> bool {
    let socket: &TcpStream = socket.as_ref();
    let mut asked = [PollFd::new(socket, PollFlags::RDHUP)];
    // It says so without waiting.
    poll(&mut asked, Some(&Timespec::default())).is_ok()
        && asked[0].revents().intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR)
}

/// Has the kernel close a socket whose other side has vanished, or reads no more, and tell us soon that it does not.
fn close_without_progress<S: AsFd>(socket: &S) -> std::io::Result<()> {
    SockRef::from(socket).set_tcp_notsent_lowat(UNSENT)?;
    give_up_after(socket, SILENCE)?;
    sockopt::set_tcp_keepidle(socket, KEEP_ALIVE.0)?;
    sockopt::set_tcp_keepintvl(socket, KEEP_ALIVE.1)?;
    Ok(sockopt::set_socket_keepalive(socket, true)?)
}

/// Has the kernel close a socket whose other side acknowledges nothing, or takes nothing, for so long.
fn give_up_after<S: AsFd>(socket: &S, patience: Duration) -> std::io::Result<()> {
    let patience = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    Ok(sockopt::set_tcp_user_timeout(socket, patience)?)
}

/// Has the kernel ask a silent other side for a sign of life, and close the socket half a minute after the last one.
fn notice_silence<S: AsFd>(socket: &S) -> std::io::Result<()> {
    sockopt::set_tcp_keepidle(socket, KEEP_ALIVE.0)?;
    sockopt::set_tcp_keepintvl(socket, KEEP_ALIVE.1)?;
    sockopt::set_tcp_keepcnt(socket, 4)?;
    Ok(sockopt::set_socket_keepalive(socket, true)?)
}

/// Milliseconds since this was first asked, and one.
fn milliseconds() -> u64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_socket_that_is_watched_closes_after_half_a_minute_without_progress() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        close_without_progress(&socket).unwrap();
        assert_eq!(sockopt::tcp_user_timeout(&socket).unwrap(), 30_000);
        assert_eq!(sockopt::tcp_keepidle(&socket).unwrap(), Duration::from_secs(10));
        assert_eq!(SockRef::from(&socket).tcp_notsent_lowat().unwrap(), UNSENT);
        assert!(sockopt::socket_keepalive(&socket).unwrap());
    }

    #[test]
    fn who_takes_nothing_for_a_while_is_stalled_and_who_waits_for_the_stream_is_not() {
        let cut = Cut::default();
        assert_eq!(cut.stalled(), Duration::ZERO);
        cut.waits_since.store(milliseconds(), Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(5));
        assert!(cut.stalled() >= Duration::from_millis(5));
    }
}
