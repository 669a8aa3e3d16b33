//! Sessions of viewers: what counts as one, and who goes when a line's limit is reached.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::domain::{
    fields::{container::Container, number::Connections, time::UnixTime},
    ids::{LineId, MagId},
    machine::settings::ConnectionPolicy,
    viewing::title::Title,
};

/// A session whose last socket closed is taken up again within this time; it holds no connection meanwhile.
pub const GRACE: Duration = Duration::from_secs(3);
/// An HLS viewer that asks for nothing for so long has gone: three segments and a little.
pub const HLS_IDLE: Duration = Duration::from_secs(15);
/// Whoever takes nothing of a transport stream for so long may be a ghost: his own next request takes his place.
pub const SILENT: Duration = Duration::from_secs(2);
/// An HLS viewer that was made to end is kept out for so long, or its next request would begin anew.
pub const BARRED: Duration = Duration::from_secs(10);

/// Who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Viewer {
    /// A line.
    Line(LineId),
    /// A MAG.
    Mag(MagId),
}

/// What somebody was let in with. A session of which it is right no more may be somebody else's.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// The password of a line.
    Password(Arc<str>),
    /// The token of a line.
    Token(Arc<str>),
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What one session is known by: requests with the same key are the same session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Whose connection it takes.
    pub viewer: Viewer,
    /// From where.
    pub address: IpAddr,
    /// With which player.
    pub agent: Arc<str>,
    /// What is watched.
    pub title: Title,
}

impl Key {
    fn same_device(&self, other: &Self) -> bool {
        self.address == other.address && self.agent == other.agent
    }

    /// Whether it may be the same person: at home with another player, or the same player in another network. A player
    /// that does not say what it is is none of them.
    fn may_be_same_person(&self, other: &Self) -> bool {
        self.address == other.address || (self.agent == other.agent && !self.agent.is_empty())
    }
}

/// A session's number: a later one is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// One viewer's watching of one title.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// What it is known by.
    pub key: Key,
    /// How the latest request wanted it.
    pub container: Container,
    /// When it began.
    pub started_at: UnixTime,
    /// When the subscription behind it ends.
    pub until: Option<UnixTime>,
    /// Open sockets that carry it.
    sockets: usize,
    /// Until when it lives without a socket.
    deadline: Option<Instant>,
    /// When an HLS player last asked for something; none has if it is a transport stream's.
    asked_at: Option<Instant>,
    /// How often an HLS player is to read its playlist.
    reload: Duration,
}

impl Session {
    /// Whether it takes one of its viewer's connections.
    pub fn counts(&self) -> bool {
        self.sockets > 0 || self.asked_at.is_some()
    }

    /// How long it is kept for a player that shows no sign of life.
    fn patience(&self) -> Duration {
        if self.asked_at.is_some() { HLS_IDLE } else { GRACE }
    }

    /// How long its player has shown no progress, if so long that it may have vanished: of its transport stream
    /// nothing was taken, and its playlist should have been read twice. `stalled` is since when its sockets take nothing.
    fn silence(&self, stalled: Duration, now: Instant) -> Option<Duration> {
        let unasked = self.asked_at.map(|at| now.saturating_duration_since(at));
        let takes = self.sockets > 0 && stalled < SILENT;
        let asks = unasked.is_some_and(|unasked| unasked < self.reload * 2);
        if takes || asks {
            return None;
        }
        let of_sockets = (self.sockets > 0).then_some(stalled);
        of_sockets.into_iter().chain(unasked).min()
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The player closed its connection, or asked for no more segments.
    Closed,
    /// The same device went on to another title.
    Zapped,
    /// A newer session took its place at the limit.
    Kicked,
    /// An operator ended it.
    Killed,
    /// Another device took the place of the one that watched.
    OtherDevice,
    /// It may no longer watch.
    Withdrawn,
    /// It was let in with a password or token that is no longer the line's.
    NewPassword,
    /// The stream was stopped or deleted.
    StreamStopped,
    /// The server was stopped.
    Shutdown,
    /// The server ended without a word: it was killed, or the power went.
    Crash,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Closed,
        Self::Zapped,
        Self::Kicked,
        Self::Killed,
        Self::OtherDevice,
        Self::Withdrawn,
        Self::NewPassword,
        Self::StreamStopped,
        Self::Shutdown,
        Self::Crash,
    ];

    /// The word for it in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Zapped => "zapped",
            Self::Kicked => "kicked",
            Self::Killed => "killed",
            Self::OtherDevice => "other device",
            Self::Withdrawn => "withdrawn",
            Self::NewPassword => "new password",
            Self::StreamStopped => "stream stopped",
            Self::Shutdown => "shutdown",
            Self::Crash => "crash",
        }
    }

    /// Why it ended, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Closed => "the player closed it",
            Self::Zapped => "it changed channels",
            Self::Kicked => "a newer one took its place",
            Self::Killed => "an operator ended it",
            Self::OtherDevice => "another device took its place",
            Self::Withdrawn => "it may no longer watch",
            Self::NewPassword => "the password or token changed",
            Self::StreamStopped => "the stream was stopped",
            Self::Shutdown => "the server was stopped",
            Self::Crash => "the server ended unexpectedly",
        }
    }

    /// Whether the player would only begin anew, against somebody's will.
    fn bars(self) -> bool {
        matches!(self, Self::Kicked | Self::Killed | Self::Withdrawn)
    }
}

/// A session that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it was.
    pub session: Session,
    /// Why it ended.
    pub why: Ending,
    /// When its player was last there: before it was given up, if it went by itself.
    pub at: Instant,
}

/// What came of a request to watch.
#[derive(Debug)]
pub enum Opening {
    /// It belongs to a session that is open, or opened one; others may have had to go for it.
    Open(SessionId),
    /// Every connection is taken.
    Full,
    /// The session was ended moments ago.
    Barred,
}

/// What a request to watch says beside the key.
#[derive(Clone, Copy, Debug)]
pub struct SessionTerms {
    /// How it wants to watch.
    pub container: Container,
    /// How many connections the viewer has; 0 is no limit.
    pub limit: Connections,
    /// What happens at the limit.
    pub policy: ConnectionPolicy,
    /// When the subscription ends.
    pub until: Option<UnixTime>,
    /// How often a player of HLS is to read its playlist: the target duration.
    pub reload: Duration,
}

/// Every session that is open. The count of a viewer is exact at any moment, because whoever asks
/// holds the whole book.
#[derive(Debug, Default)]
pub struct Book {
    last: u64,
    sessions: HashMap<SessionId, Session>,
    by_key: HashMap<Key, SessionId>,
    by_viewer: HashMap<Viewer, BTreeSet<SessionId>>,
    deadlines: BTreeSet<(Instant, SessionId)>,
    ends: BTreeSet<(UnixTime, SessionId)>,
    barred: HashMap<Key, Instant>,
    ended: Vec<Ended>,
}

impl Book {
    /// Opens a session or takes up the one of that key. For MPEG-TS the asker's socket carries it
    /// from now on, until [`Book::release`]; for HLS it lives by being asked again. `stalled` tells for how long
    /// nothing was taken of what the sockets of a session carry.
    pub fn open(
        &mut self,
        key: &Key,
        terms: SessionTerms,
        at: UnixTime,
        now: Instant,
        stalled: impl Fn(SessionId) -> Duration,
    ) -> Opening {
        self.sweep(now);
        if terms.container == Container::Hls && self.barred.contains_key(key) {
            return Opening::Barred;
        }
        self.replace(key, now);
        let known = self.by_key.get(key).copied();
        let counted = known.is_some_and(|id| self.sessions.get(&id).is_some_and(Session::counts));
        if !counted && !self.make_room(key, terms, now, stalled) {
            return Opening::Full;
        }
        let id = known.unwrap_or_else(|| self.enter(key, terms, at));
        if let Some(session) = self.sessions.get_mut(&id) {
            session.container = terms.container;
            session.reload = terms.reload;
        }
        self.extend(id, terms.until);
        match terms.container {
            Container::Hls => self.touch(id, now),
            Container::Ts => self.hold(id),
        }
        Opening::Open(id)
    }

    /// Ends what the same device watched before of the same archive: it was sought in, and nobody watches two parts of it.
    fn replace(&mut self, key: &Key, now: Instant) {
        let of_viewer = self.by_viewer.get(&key.viewer).into_iter().flatten();
        let before: Vec<SessionId> = of_viewer
            .filter_map(|id| self.sessions.get(id))
            .filter(|session| session.key.same_device(key) && key.title.replaces(session.key.title))
            .map(|session| session.id)
            .collect();
        for id in before {
            self.end(id, Ending::Zapped, now);
        }
    }

    /// A socket of the session closed.
    pub fn release(&mut self, id: SessionId, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.sockets = session.sockets.saturating_sub(1);
        if session.sockets == 0 {
            let deadline = now + session.patience();
            self.set_deadline(id, Some(deadline));
        }
    }

    /// An HLS viewer asked for something.
    pub fn touch(&mut self, id: SessionId, now: Instant) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.asked_at = Some(now);
            let held = session.sockets > 0;
            self.set_deadline(id, (!held).then_some(now + HLS_IDLE));
        }
    }

    /// Ends a session.
    pub fn end(&mut self, id: SessionId, why: Ending, now: Instant) {
        let deadline = self.sessions.get(&id).and_then(|session| {
            session.deadline.and_then(|deadline| deadline.checked_sub(session.patience()))
        });
        let at = deadline.filter(|_| why == Ending::Closed).unwrap_or(now);
        self.end_at(id, why, at, now);
    }

    fn end_at(&mut self, id: SessionId, why: Ending, at: Instant, now: Instant) {
        let Some(session) = self.sessions.remove(&id) else { return };
        self.by_key.remove(&session.key);
        if let Some(of_viewer) = self.by_viewer.get_mut(&session.key.viewer) {
            of_viewer.remove(&id);
            if of_viewer.is_empty() {
                self.by_viewer.remove(&session.key.viewer);
            }
        }
        if let Some(deadline) = session.deadline {
            self.deadlines.remove(&(deadline, id));
        }
        if let Some(until) = session.until {
            self.ends.remove(&(until, id));
        }
        if why.bars() && session.container == Container::Hls {
            self.barred.insert(session.key.clone(), now + BARRED);
        }
        self.ended.push(Ended { session, why, at });
    }

    /// Ends what nobody came back to.
    pub fn sweep(&mut self, now: Instant) {
        while let Some((deadline, id)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            self.end(id, Ending::Closed, now);
        }
        if !self.barred.is_empty() {
            self.barred.retain(|_, until| *until > now);
        }
    }

    /// The sessions that have ended since this was last asked.
    pub fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// The session of that number.
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// Whether a session of that key takes a connection.
    pub fn has_open(&self, key: &Key) -> bool {
        self.by_key.get(key).and_then(|id| self.sessions.get(id)).is_some_and(Session::counts)
    }

    /// Every session that takes a connection, oldest first.
    pub fn open_sessions(&self) -> Vec<&Session> {
        let mut open: Vec<&Session> = self.sessions.values().filter(|session| session.counts()).collect();
        open.sort_by_key(|session| session.id);
        open
    }

    /// Every session, also those that await their player's return.
    pub fn all(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    /// The sessions of a viewer that take a connection, oldest first.
    pub fn of(&self, viewer: Viewer) -> Vec<&Session> {
        let ids = self.by_viewer.get(&viewer).into_iter().flatten();
        ids.filter_map(|id| self.sessions.get(id)).filter(|session| session.counts()).collect()
    }

    /// The sessions whose subscription has ended by that time.
    pub fn over(&self, now: UnixTime) -> Vec<SessionId> {
        self.ends.iter().take_while(|(until, _)| *until <= now).map(|(_, id)| *id).collect()
    }

    /// Notes until when the subscription behind a session lasts.
    pub fn extend(&mut self, id: SessionId, until: Option<UnixTime>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some(old) = std::mem::replace(&mut session.until, until) {
            self.ends.remove(&(old, id));
        }
        self.ends.extend(until.map(|until| (until, id)));
    }

    fn enter(&mut self, key: &Key, terms: SessionTerms, at: UnixTime) -> SessionId {
        self.last += 1;
        let id = SessionId(self.last);
        let session = Session {
            id,
            key: key.clone(),
            container: terms.container,
            started_at: at,
            until: None,
            sockets: 0,
            deadline: None,
            asked_at: None,
            reload: terms.reload,
        };
        self.sessions.insert(id, session);
        self.by_key.insert(key.clone(), id);
        self.by_viewer.entry(key.viewer).or_default().insert(id);
        id
    }

    /// Ends sessions until one more fits; changes nothing if none may go.
    fn make_room(
        &mut self,
        key: &Key,
        terms: SessionTerms,
        now: Instant,
        stalled: impl Fn(SessionId) -> Duration,
    ) -> bool {
        let Some(limit) = usize::try_from(terms.limit.get()).ok().filter(|limit| *limit > 0) else {
            return true;
        };
        let open: Vec<&Session> = self.of(key.viewer);
        let excess = (open.len() + 1).saturating_sub(limit);
        if excess == 0 {
            return true;
        }
        let mut leaving: Vec<(u8, SessionId, Ending, Instant)> = open
            .iter()
            .filter_map(|session| {
                let (rank, why, at) = match terms.policy {
                    _ if session.key.same_device(key) => (0, Ending::Zapped, now),
                    ConnectionPolicy::KickOldest if session.key.address == key.address => {
                        (1, Ending::Kicked, now)
                    }
                    ConnectionPolicy::KickOldest => (2, Ending::Kicked, now),
                    ConnectionPolicy::Refuse => {
                        let silence = session.silence(stalled(session.id), now);
                        let silence = silence.filter(|_| session.key.may_be_same_person(key))?;
                        (1, Ending::Closed, now.checked_sub(silence).unwrap_or(now))
                    }
                };
                Some((rank, session.id, why, at))
            })
            .collect();
        if leaving.len() < excess {
            return false;
        }
        leaving.sort_unstable_by_key(|(rank, id, ..)| (*rank, *id));
        for (_, id, why, at) in leaving.into_iter().take(excess) {
            self.end_at(id, why, at, now);
        }
        true
    }

    fn hold(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.sockets += 1;
            self.set_deadline(id, None);
        }
    }

    fn set_deadline(&mut self, id: SessionId, deadline: Option<Instant>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some(old) = std::mem::replace(&mut session.deadline, deadline) {
            self.deadlines.remove(&(old, id));
        }
        self.deadlines.extend(deadline.map(|at| (at, id)));
    }
}

#[cfg(test)]
mod tests;
