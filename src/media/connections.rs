//! Open connections of viewers: their sessions, and the means to cut them.

use std::{
    collections::HashMap,
    net::IpAddr,
    os::fd::AsFd,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;
use rustix::net::{Shutdown, shutdown, sockopt};
use socket2::SockRef;
use tokio::net::{TcpStream, tcp::OwnedWriteHalf};

use super::{
    Demand,
    vanished::{Kernel, SILENCE},
};
use crate::domain::{
    fields::{container::Container, time::UnixTime},
    ids::{ServerId, StreamId},
    machine::server::Here,
    viewing::{
        session::{Book, Ended, Ending, Key, Opening, Proof, Session, SessionId, SessionTerms, Viewer},
        title::Title,
    },
};

/// While nothing is sent the other side is asked for a sign of life: after such a silence, and then so often.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));
/// A player of a recording that takes something now and then is there.
const TAKES: Duration = Duration::from_secs(2);
/// What was sent whole is still to be taken by its player, who may be paused for so long.
const PAUSED: Duration = Duration::from_mins(10);
/// What the kernel keeps of a stream for a viewer who does not take it: so little that it is soon noticed.
const UNSENT: u32 = 64 * 1024;

/// What is known of a session beside its key.
#[derive(Clone, Debug)]
pub struct About {
    /// The viewer's username or MAC.
    pub subscriber: Arc<str>,
    /// What is watched is called so.
    pub title_name: Arc<str>,
    /// What its viewer was let in with.
    pub proof: Option<Proof>,
}

/// An open connection, as lists show it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The session's number.
    pub id: SessionId,
    /// Who watches.
    pub viewer: Viewer,
    /// Its username or MAC.
    pub subscriber: Arc<str>,
    /// What is watched.
    pub title: Title,
    /// The name of it.
    pub title_name: Arc<str>,
    /// The server that serves it.
    pub server_id: ServerId,
    /// From where.
    pub address: IpAddr,
    /// With which player.
    pub agent: Arc<str>,
    /// In which form.
    pub container: Container,
    /// Since when.
    pub started_at: UnixTime,
    /// Bytes handed to the network.
    pub bytes_sent: u64,
}

/// A connection that has ended, for the log.
#[derive(Clone, Debug)]
pub struct EndedConnection {
    /// What it was.
    pub connection: Connection,
    /// Why it ended.
    pub why: Ending,
    /// When its player was last there.
    pub at: Instant,
}

/// The right to fetch segments of one HLS session: a text that only its player was told.
pub type Token = String;

/// What a request to watch came to.
pub enum Entry {
    /// An MPEG-TS viewer: the session lives while this does.
    Socket(Hold),
    /// An HLS viewer: the token of its session's segments.
    Token(Token),
}

/// A request to watch.
pub struct WatchAttempt {
    /// Whose session it is.
    pub key: Key,
    /// What was sold.
    pub terms: SessionTerms,
    /// What lists show.
    pub about: About,
    /// When.
    pub at: UnixTime,
}

/// What is to carry the session.
pub enum Carrier {
    /// The player's socket, for MPEG-TS.
    Socket,
    /// Requests of an HLS player: the token and the demand of its session, if it is new.
    Requests {
        /// A text that nobody can guess.
        token: Token,
        /// Keeps an on-demand stream running, if it is one that has to.
        demand: Option<Demand>,
    },
}

/// Why a request to watch came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Every connection is taken.
    Full,
    /// The session was ended moments ago.
    Barred,
}

/// Every open connection.
#[derive(Clone)]
pub struct Connections(Arc<Mutex<State>>);

struct State {
    here: Here,
    book: Book,
    wires: HashMap<SessionId, Wire>,
    tokens: HashMap<Token, SessionId>,
    gone: Vec<EndedConnection>,
    /// Bytes of the sessions that have ended.
    sent_before: u64,
}

/// What carries a session.
struct Wire {
    about: About,
    sent: Arc<AtomicU64>,
    cuts: Vec<Arc<Cut>>,
    token: Option<Token>,
    /// Keeps an on-demand stream running for HLS viewers, who have no socket.
    demand: Option<Demand>,
}

/// The means to end one socket's body, and the socket itself for a player that reads nothing.
#[derive(Default)]
struct Cut {
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
    fn stalled(&self) -> Duration {
        match self.waits_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(milliseconds().saturating_sub(since)),
        }
    }

    /// Closes the socket of a player of a recording who has vanished; a paused one is asked more often whether it is there.
    fn check(&self, kernel: &Kernel) -> std::io::Result<()> {
        let Some(socket) = self.socket.get() else { return Ok(()) };
        let socket: &TcpStream = (**socket).as_ref();
        let heard = kernel.heard(socket.local_addr()?, socket.peer_addr()?)?;
        if heard.has_vanished() {
            self.cut();
            return Ok(());
        }
        give_up_after(socket, heard.patience())
    }

    fn cut(&self) {
        self.done.store(true, Ordering::Release);
        self.body.wake();
        if let Some(socket) = self.socket.get() {
            // It may have been closed from the other side.
            let _ = shutdown(socket.as_ref().as_ref(), Shutdown::Both);
        }
    }
}

/// One socket's part in a session; the session may end when the last of them is dropped.
pub struct Hold {
    connections: Connections,
    id: SessionId,
    cut: Arc<Cut>,
    sent: Arc<AtomicU64>,
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

impl Connections {
    /// None yet, to this server.
    pub fn to(here: Here) -> Self {
        Self(Arc::new(Mutex::new(State {
            here,
            book: Book::default(),
            wires: HashMap::new(),
            tokens: HashMap::new(),
            gone: Vec::new(),
            sent_before: 0,
        })))
    }

    /// Opens a session or joins the one of that key.
    ///
    /// # Errors
    /// [`Rejected`]; nothing has changed then.
    pub fn open(&self, arrival: &WatchAttempt, carrier: Carrier) -> Result<Entry, Rejected> {
        let WatchAttempt { key, terms, about, at } = arrival;
        let mut state = self.state();
        let State { book, wires, .. } = &mut *state;
        let stalled = |id| wires.get(&id).map_or(Duration::ZERO, Wire::stalled);
        let opening = book.open(key, *terms, *at, Instant::now(), stalled);
        state.clear();
        let id = match opening {
            Opening::Open(id) => id,
            Opening::Full => return Err(Rejected::Full),
            Opening::Barred => return Err(Rejected::Barred),
        };
        let State { wires, tokens, .. } = &mut *state;
        let wire = wires.entry(id).or_insert_with(|| Wire::new(about.clone()));
        wire.about.proof.clone_from(&about.proof);
        Ok(match carrier {
            Carrier::Socket => {
                let cut = Arc::<Cut>::default();
                wire.cuts.push(cut.clone());
                Entry::Socket(Hold { connections: self.clone(), id, cut, sent: wire.sent.clone() })
            }
            Carrier::Requests { token, demand } => {
                if wire.demand.is_none() {
                    wire.demand = demand;
                }
                let token = wire.token.get_or_insert(token).clone();
                tokens.insert(token.clone(), id);
                Entry::Token(token)
            }
        })
    }

    /// What the HLS session of that token watches, and the counter of its bytes; a sign
    /// of the player's life. `None` for anybody but the device whose session it is.
    pub fn of_token(&self, token: &str, address: IpAddr, agent: &str) -> Option<(Title, Arc<AtomicU64>)> {
        let mut state = self.state();
        let id = *state.tokens.get(token)?;
        let key = &state.book.session(id)?.key;
        if key.address != address || *key.agent != *agent {
            return None;
        }
        let title = key.title;
        state.book.touch(id, Instant::now());
        Some((title, state.wires.get(&id)?.sent.clone()))
    }

    /// Ends sessions; how many there were.
    pub fn end(&self, ids: &[SessionId], why: Ending) -> usize {
        let now = Instant::now();
        let mut state = self.state();
        let open = ids.iter().filter(|id| state.book.session(**id).is_some()).count();
        for id in ids {
            state.book.end(*id, why, now);
        }
        state.clear();
        open
    }

    /// Ends the sessions that are meant; how many there were.
    pub fn end_where(&self, why: Ending, which: impl Fn(&Session) -> bool) -> usize {
        let ids: Vec<SessionId> = self.sessions(which).into_iter().map(|session| session.id).collect();
        self.end(&ids, why)
    }

    /// Ends what nobody came back to.
    pub fn sweep(&self) {
        let mut state = self.state();
        state.book.sweep(Instant::now());
        state.clear();
    }

    /// Closes the sockets of players of recordings that have vanished, of those that take nothing.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn end_vanished(&self) -> std::io::Result<()> {
        let cuts: Vec<Arc<Cut>> = {
            let state = self.state();
            let cuts = state.wires.values().flat_map(|wire| &wire.cuts);
            let is_asked = |cut: &&Arc<Cut>| cut.is_patient.load(Ordering::Relaxed) && cut.stalled() >= TAKES;
            cuts.filter(is_asked).cloned().collect()
        };
        if cuts.is_empty() {
            return Ok(());
        }
        let kernel = Kernel::open()?;
        for cut in cuts {
            // One that was closed meanwhile is no matter.
            if let Err(error) = cut.check(&kernel) {
                log::debug!("whether a player has vanished: {error}");
            }
        }
        Ok(())
    }

    /// The sessions that are meant, also those that await their player's return.
    pub fn sessions(&self, which: impl Fn(&Session) -> bool) -> Vec<Session> {
        self.state().book.all().filter(|session| which(session)).cloned().collect()
    }

    /// The sessions whose subscription was to end by that time.
    pub fn over(&self, now: UnixTime) -> Vec<Session> {
        let state = self.state();
        state.book.over(now).into_iter().filter_map(|id| state.book.session(id).cloned()).collect()
    }

    /// Whether a session of that key is open.
    pub fn has_session(&self, key: &Key) -> bool {
        self.state().book.has_open(key)
    }

    /// What the viewer of a session was let in with last.
    pub fn proof(&self, id: SessionId) -> Option<Proof> {
        self.state().wires.get(&id)?.about.proof.clone()
    }

    /// Notes until when a session's subscription lasts now.
    pub fn extend(&self, id: SessionId, until: Option<UnixTime>) {
        self.state().book.extend(id, until);
    }

    /// The connections that are open, oldest first.
    pub fn open_connections(&self) -> Vec<Connection> {
        let state = self.state();
        state.book.open_sessions().into_iter().filter_map(|session| state.connection(session)).collect()
    }

    /// The connections of a viewer that are open, oldest first.
    pub fn of(&self, viewer: Viewer) -> Vec<Connection> {
        let state = self.state();
        state.book.of(viewer).into_iter().filter_map(|session| state.connection(session)).collect()
    }

    /// Whether a player of a viewer watches something.
    pub fn is_open(&self, viewer: Viewer, address: IpAddr, agent: &str) -> bool {
        let state = self.state();
        state.book.of(viewer).iter().any(|open| open.key.address == address && *open.key.agent == *agent)
    }

    /// How many connections of a viewer are open.
    pub fn count_of(&self, viewer: Viewer) -> usize {
        self.state().book.of(viewer).len()
    }

    /// How many connections are open, by stream.
    pub fn by_stream(&self) -> HashMap<StreamId, usize> {
        let mut clients = HashMap::new();
        for session in self.state().book.open_sessions() {
            *clients.entry(session.key.title.stream()).or_insert(0) += 1;
        }
        clients
    }

    /// Bytes handed to the network since the start, over all connections.
    pub fn bytes_sent(&self) -> u64 {
        let state = self.state();
        let open = state.wires.values().map(|wire| wire.sent.load(Ordering::Relaxed));
        state.sent_before + open.sum::<u64>()
    }

    /// The connections that have ended since this was last asked.
    pub fn take_gone(&self) -> Vec<EndedConnection> {
        std::mem::take(&mut self.state().gone)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Cuts what carried sessions that have ended.
    fn clear(&mut self) {
        for Ended { session, why, at } in self.book.take_ended() {
            let Some(wire) = self.wires.remove(&session.id) else { continue };
            wire.cuts.iter().for_each(|cut| cut.cut());
            self.sent_before += wire.sent.load(Ordering::Relaxed);
            if let Some(token) = &wire.token {
                self.tokens.remove(token);
            }
            self.gone.push(EndedConnection { connection: wire.connection(&session, self.here), why, at });
        }
    }

    fn connection(&self, session: &Session) -> Option<Connection> {
        self.wires.get(&session.id).map(|wire| wire.connection(session, self.here))
    }
}

impl Wire {
    fn new(about: About) -> Self {
        Self { about, sent: Arc::default(), cuts: Vec::new(), token: None, demand: None }
    }

    /// For how long none of its sockets has taken anything.
    fn stalled(&self) -> Duration {
        self.cuts.iter().map(|cut| cut.stalled()).min().unwrap_or_default()
    }

    fn connection(&self, session: &Session, here: Here) -> Connection {
        let Key { viewer, address, agent, title } = &session.key;
        Connection {
            id: session.id,
            viewer: *viewer,
            subscriber: self.about.subscriber.clone(),
            title: *title,
            title_name: self.about.title_name.clone(),
            server_id: here.0,
            address: *address,
            agent: agent.clone(),
            container: session.container,
            started_at: session.started_at,
            bytes_sent: self.sent.load(Ordering::Relaxed),
        }
    }
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
