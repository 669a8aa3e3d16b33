//! The book of open sessions: who is counted, and who goes when a line's limit is reached.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use super::{Ending, HLS_IDLE, Key, Session, SessionId, Viewer};
use crate::domain::{
    fields::{container::Container, number::Connections, time::UnixTime},
    machine::settings::ConnectionPolicy,
};

/// An HLS viewer that was made to end is kept out for so long, or its next request would begin anew.
pub const BARRED: Duration = Duration::from_secs(10);

/// A session that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it was.
    pub session: Session,
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
