//! Watching: who asks, whether that one may, and what becomes of those who watch.

mod door;
mod follow;
mod history;
mod open;
mod watch;

use std::{net::IpAddr, sync::Arc, time::Duration};

pub use door::Way;
pub use history::History;
pub use open::Written;
pub use watch::{WatchRequest, Watching};

/// What faces pass on to players.
pub use crate::media::{InMemory, ListedSegment, Segment, Segments, Tap, connections::Hold};

use crate::domain::{
    Error, Stored,
    fields::time::UnixTime,
    subscribers::{line::Line, mag::Mag, subscription::Subscription},
    viewing::{
        admission::Rule,
        session::{Proof, Viewer},
    },
};

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
    Password {
        /// The username.
        username: &'a str,
        /// The password.
        password: &'a str,
    },
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
    /// Which one.
    pub viewer: Viewer,
    /// Its username or MAC.
    pub name: Arc<str>,
    /// Passes streams on.
    pub restreamer: bool,
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

impl From<Stored<Line>> for Subscriber {
    fn from(line: Stored<Line>) -> Self {
        Self {
            viewer: Viewer::Line(line.id),
            name: line.record.username.as_str().into(),
            restreamer: line.record.restreamer,
            subscription: line.record.subscription,
            created_at: line.created_at,
            proof: None,
        }
    }
}

impl From<Stored<Mag>> for Subscriber {
    fn from(mag: Stored<Mag>) -> Self {
        Self {
            viewer: Viewer::Mag(mag.id),
            name: mag.record.mac_address.to_string().into(),
            restreamer: false,
            subscription: mag.record.subscription,
            created_at: mag.created_at,
            proof: None,
        }
    }
}

/// Why somebody may not watch.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// Nobody has these credentials.
    Credentials,
    /// There is no MAG of this MAC.
    NoSuchMac,
    /// The MAG is bound to another device.
    OtherDevice,
    /// The box of the MAG sent the wrong login or password.
    SignIn,
    /// The link to the stream is over, or somebody else's.
    Link,
    /// The address has guessed too often, or the name was guessed at; how long to wait.
    ShutOut(Duration),
    /// A rule of the subscription.
    Rule(Rule),
    /// There is no such stream.
    NoSuchStream,
    /// The stream does not run, and why.
    NotRunning(String),
    /// Every connection is taken.
    Full,
    /// The session was ended by somebody moments ago.
    Ended,
    /// Something failed.
    Failed(Error),
}

impl Refusal {
    /// The reason in the refusal log.
    pub fn words(&self) -> String {
        match self {
            Self::Credentials => "wrong username or password".into(),
            Self::NoSuchMac => "no MAG has this MAC".into(),
            Self::OtherDevice => {
                "the MAG is bound to another device: mag/reset_device lets this one in".into()
            }
            Self::SignIn => "wrong login or password of the MAG".into(),
            Self::Link => "the link to the stream is over".into(),
            Self::ShutOut(_) => "shut out after too many failures".into(),
            Self::Rule(rule) => rule.name().into(),
            Self::NoSuchStream => "no such stream".into(),
            Self::NotRunning(why) => format!("the stream does not run: {why}"),
            Self::Full => "every connection is taken".into(),
            Self::Ended => "the session was ended moments ago".into(),
            Self::Failed(error) => error.to_string(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

pub mod connections;
pub mod explain;
