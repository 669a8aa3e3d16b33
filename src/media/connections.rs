//! Open connections of viewers: their sessions, and the means to cut them.

mod hold;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

use hold::Cut;
pub use hold::{Hold, has_hung_up};

use super::{Demand, vanished::Kernel};
use crate::domain::{
    fields::{container::Container, time::UnixTime},
    ids::{ServerId, StreamId},
    machine::server::Here,
    viewing::{
        session::{Book, Ended, Ending, Key, Opening, Proof, Session, SessionId, SessionTerms, Viewer},
        title::Title,
    },
};

/// Viewers are waited for so long when the server ends.
const PARTING: Duration = Duration::from_secs(2);
/// The last bytes of a body are with the kernel after so long.
const FLUSHED: Duration = Duration::from_millis(100);

/// What is known of a session beside its key.
#[derive(Clone, Debug)]
pub struct SessionLabels {
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
    pub about: SessionLabels,
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
    /// Sockets whose bodies end because the server does.
    parting: Vec<Arc<Cut>>,
    /// Bytes of the sessions that have ended.
    sent_before: u64,
}

/// What carries a session.
struct Wire {
    about: SessionLabels,
    sent: Arc<AtomicU64>,
    cuts: Vec<Arc<Cut>>,
    token: Option<Token>,
    /// Keeps an on-demand stream running for HLS viewers, who have no socket.
    demand: Option<Demand>,
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
            parting: Vec::new(),
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

    /// Ends the session of that token: its player has gone.
    pub fn end_of_token(&self, token: &str) {
        let id = self.state().tokens.get(token).copied();
        if let Some(id) = id {
            self.end(&[id], Ending::Closed);
        }
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

    /// Waits until those whose sessions ended with the server have been sent the end of what they watch, and closes the sockets of
    /// those who take nothing.
    pub async fn part(&self) {
        let begun = Instant::now();
        // What holds a socket beside this is its body.
        let is_there = |cut: &Arc<Cut>| Arc::strong_count(cut) > 1;
        while self.state().parting.iter().any(is_there) && begun.elapsed() < PARTING {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let parting = std::mem::take(&mut self.state().parting);
        if !parting.is_empty() {
            tokio::time::sleep(FLUSHED).await;
        }
        for cut in parting {
            cut.cut();
        }
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
            cuts.filter(|cut| cut.may_have_vanished()).cloned().collect()
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

    /// How many connections are open, by form.
    pub fn by_form(&self) -> HashMap<Container, usize> {
        let mut forms = HashMap::new();
        for session in self.state().book.open_sessions() {
            *forms.entry(session.container).or_insert(0) += 1;
        }
        forms
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
    pub fn take_ended(&self) -> Vec<EndedConnection> {
        std::mem::take(&mut self.state().gone)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl State {
    /// Cuts what carried sessions that have ended.
    fn clear(&mut self) {
        for Ended { session, why, at } in self.book.take_ended() {
            let Some(mut wire) = self.wires.remove(&session.id) else { continue };
            for cut in &wire.cuts {
                if why == Ending::Shutdown { cut.end_body() } else { cut.cut() }
            }
            if why == Ending::Shutdown {
                self.parting.append(&mut wire.cuts);
            }
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
    fn new(about: SessionLabels) -> Self {
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
