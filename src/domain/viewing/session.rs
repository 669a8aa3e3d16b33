//! Sessions of viewers: what counts as one, whose it is, and why it ended.

mod book;

use std::{
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

pub use book::{Book, Ended, Opening, SessionTerms};

use crate::domain::{
    fields::{container::Container, time::UnixTime},
    ids::{LineId, MagId},
    viewing::title::Title,
};

/// A session whose last socket closed is taken up again within this time; it holds no connection meanwhile.
pub const GRACE: Duration = Duration::from_secs(3);
/// An HLS viewer that asks for nothing for so long has gone: three segments and a little.
pub const HLS_IDLE: Duration = Duration::from_secs(15);
/// Whoever takes nothing of a transport stream for so long may be a ghost: his own next request takes his place.
pub const SILENT: Duration = Duration::from_secs(2);

/// Who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Viewer {
    Line(LineId),
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
