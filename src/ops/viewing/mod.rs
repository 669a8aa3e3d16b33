//! Watching: who asks, whether that one may, and what becomes of those who watch.

mod archive;
mod credentials;
mod follow;
mod history;
mod main_server;
mod open;
mod recording;
mod refusal;
mod tokens;
mod watch;

use std::{net::IpAddr, sync::Arc};

pub use archive::RecordedDays;
pub use credentials::Way;
pub use recording::{Following, Playlist, Recording};
pub use refusal::Refusal;
pub use watch::{WatchRequest, Watching};

/// What faces pass on to players.
#[cfg(test)]
pub use crate::media::ListedSegment as LiveSegment;
pub use crate::media::{
    InMemory, Segment, Segments, Tap,
    archive::{Archive, ListedSegment, SegmentName, Spans},
    connections::Hold,
};

use crate::{
    domain::{
        Stored,
        fields::time::UnixTime,
        guide::programme::Programme,
        ids::StreamId,
        machine::server::Here,
        subscribers::{line::Line, mag::Mag, subscription::Subscription},
        viewing::session::{Proof, Viewer},
    },
    host::providers::Providers,
    media::{Media, connections::Connections},
    ops::{machine::meters::Meters, people::lockouts::Lockouts, portal::UnsavedBoxes},
    store::Store,
};
use history::History;
use main_server::MainServer;
use open::Written;
use tokens::Tokens;

/// What serves viewers: whether they may watch, what they watch, and what becomes of it. It is all that a server needs that
/// serves viewers and nobody else.
#[derive(Clone)]
pub struct Viewing(Arc<Parts>);

/// What serving viewers works with.
pub struct Parts {
    here: Here,
    pub(super) main: MainServer,
    lockouts: Lockouts,
    providers: Arc<Providers>,
    meters: Meters,
    pub(super) media: Media,
    pub(super) connections: Connections,
    history: History,
    written: Written,
    tokens: Tokens,
}

impl std::ops::Deref for Viewing {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Viewing {
    /// Boxes that are let in and could not be written down yet.
    pub(super) fn unsaved_boxes(&self) -> &UnsavedBoxes {
        &self.main.unsaved_boxes
    }

    /// Serving viewers on that server, for the main server with that store.
    pub(super) fn new(
        here: Here,
        store: Store,
        lockouts: Lockouts,
        providers: Arc<Providers>,
        meters: Meters,
        media: Media,
    ) -> Self {
        Self(Arc::new(Parts {
            here,
            main: MainServer::of(store),
            lockouts,
            providers,
            meters,
            media,
            connections: Connections::to(here),
            history: History::default(),
            written: Written::default(),
            tokens: Tokens::default(),
        }))
    }

    /// Whether a programme is over and can be watched again.
    pub fn is_recorded(&self, stream: StreamId, programme: &Programme, now: UnixTime) -> bool {
        programme.stop <= now && self.archive().is_recorded(stream, programme.start, programme.stop)
    }

    /// What was recorded of streams.
    pub fn archive(&self) -> &Archive {
        self.media.archive()
    }
}

/// Where a request of a viewer comes from.
#[derive(Clone, Debug)]
pub struct Client {
    /// The address, through trusted proxies.
    pub address: IpAddr,
    /// The User-Agent, cut to 512 characters; empty if none was sent.
    pub agent: Arc<str>,
}

/// What a player says to be a line's.
#[derive(Clone, Copy)]
pub enum Credentials<'a> {
    /// Username, without regard to case, and password.
    Password { username: &'a str, password: &'a str },
    /// The token that stands for both.
    Token(&'a str),
}

impl<'a> Credentials<'a> {
    /// The name that is asked for; a token has none.
    pub fn name(self) -> Option<&'a str> {
        match self {
            Self::Password { username, .. } => Some(username).filter(|name| !name.is_empty()),
            Self::Token(_) => None,
        }
    }

    /// Whether none were sent at all.
    pub fn are_none(self) -> bool {
        matches!(self, Self::Password { username: "", password: "" })
    }
}

impl From<Credentials<'_>> for Proof {
    fn from(credentials: Credentials<'_>) -> Self {
        match credentials {
            Credentials::Password { password, .. } => Self::Password(password.into()),
            Credentials::Token(token) => Self::Token(token.into()),
        }
    }
}

/// A line or MAG whose credentials were right.
#[derive(Clone, Debug)]
pub struct Subscriber {
    pub viewer: Viewer,
    /// Its username or MAC.
    pub name: Arc<str>,
    /// What was sold.
    pub subscription: Subscription,
    /// When it was created.
    pub created_at: UnixTime,
    /// What it was let in with, if it has just shown it.
    pub proof: Option<Proof>,
}

impl Subscriber {
    /// With what it was let in.
    fn shown(self, credentials: Credentials<'_>) -> Self {
        Self { proof: Some(credentials.into()), ..self }
    }
}

/// Of one that stays in memory.
impl From<&Stored<Line>> for Subscriber {
    fn from(line: &Stored<Line>) -> Self {
        Self {
            viewer: Viewer::Line(line.id),
            name: line.record.username.as_str().into(),
            subscription: line.record.subscription.clone(),
            created_at: line.created_at,
            proof: None,
        }
    }
}

impl From<Stored<Line>> for Subscriber {
    fn from(line: Stored<Line>) -> Self {
        Self::from(&line)
    }
}

impl From<Stored<Mag>> for Subscriber {
    fn from(mag: Stored<Mag>) -> Self {
        Self {
            viewer: Viewer::Mag(mag.id),
            name: mag.record.mac_address.to_string().into(),
            subscription: mag.record.subscription,
            created_at: mag.created_at,
            proof: None,
        }
    }
}

pub mod connections;
pub mod explain;
