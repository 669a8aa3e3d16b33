//! Open connections: seen and ended.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicU64},
};

use serde_json::json;

use super::Viewing;
pub use crate::media::connections::Connection;
use crate::{
    domain::{
        Error, Fact, Resource, Result,
        channels::stream::Stream,
        fields::{
            mac::Mac,
            text::{Reference, Username},
        },
        ids::StreamId,
        people::{actor::Actor, rights::Access},
        subscribers::{line::Line, mag::Mag},
        viewing::{
            session::{SessionId, Viewer},
            title::Title,
        },
    },
    media::Channel,
    ops::{Act, Effect, Look},
    store::Read,
};

/// What an HLS session watches.
pub struct HlsSession {
    pub title: Title,
    /// Where it comes from.
    pub channel: Arc<Channel>,
}

/// Which connections are to end.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    One(SessionId),
    /// A line's or MAG's.
    Of(Viewer),
    /// Those that watch that stream, live or from its archive.
    Watching(StreamId),
}

impl Viewing {
    /// The connections that are open, oldest first.
    pub fn open_connections(&self) -> Vec<Connection> {
        self.connections.open_connections()
    }

    /// The connections of a viewer that are open, oldest first.
    pub fn connections_of(&self, viewer: Viewer) -> Vec<Connection> {
        self.connections.of(viewer)
    }

    /// How many connections of a viewer are open.
    pub fn count_connections(&self, viewer: Viewer) -> usize {
        self.connections.count_of(viewer)
    }

    /// What the HLS session of that token watches, and the counter of its bytes; `None` once it ended.
    pub fn hls_session(
        &self,
        token: &str,
        address: IpAddr,
        agent: &str,
    ) -> Option<(HlsSession, Arc<AtomicU64>)> {
        let (title, count) = self.connections.of_token(token, address, agent)?;
        let channel = self.media.channel(title.stream())?;
        Some((HlsSession { title, channel }, count))
    }

    /// The connections that are meant.
    pub fn matching(&self, which: Which) -> Vec<Connection> {
        let mut open = self.open_connections();
        open.retain(|connection| match which {
            Which::One(id) => connection.id == id,
            Which::Of(viewer) => connection.viewer == viewer,
            Which::Watching(stream) => connection.title.stream() == stream,
        });
        open
    }
}

/// What tells the viewer whose connections are meant.
#[derive(Debug)]
pub enum ViewerReference {
    /// A line.
    Username(Username),
    /// A MAG.
    Mac(Mac),
    /// Either.
    Reference(Reference),
}

/// The line or MAG that is told.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Denied`].
pub fn viewer_of(look: &Look<'_>, told: &ViewerReference) -> Result<Viewer> {
    look.may(Resource::Connections)?;
    let (viewer, missing) = match told {
        ViewerReference::Username(username) => {
            let line = look.read.first::<Line>("username", &Fact::Text(username.as_str().to_owned()))?;
            (line.map(|line| Viewer::Line(line.id)), Resource::Line)
        }
        ViewerReference::Mac(mac) => {
            let mag = look.read.first::<Mag>("mac_address", &Fact::Text(mac.to_string()))?;
            (mag.map(|mag| Viewer::Mag(mag.id)), Resource::Mag)
        }
        ViewerReference::Reference(reference) => (look.read.holder_of(reference)?, Resource::Line),
    };
    let viewer = viewer.ok_or(Error::no_such(missing))?;
    if reaches(look.read, look.actor, viewer, Access::Read)? {
        Ok(viewer)
    } else {
        Err(Error::no_such(missing))
    }
}

/// Whether the actor may look at, or end, what that one watches: whoever is confined to a reseller only where the line or
/// MAG is its own, and with the right to it.
fn reaches(read: &Read<'_>, actor: &Actor, viewer: Viewer, access: Access) -> Result<bool> {
    if actor.reseller().is_none() {
        return Ok(true);
    }
    let (owner, resource) = match viewer {
        Viewer::Line(id) => (read.owner::<Line>(id)?, Resource::Line),
        Viewer::Mag(id) => (read.owner::<Mag>(id)?, Resource::Mag),
    };
    Ok(actor.may_reach(resource, owner).is_ok() && actor.may(resource, access).is_ok())
}

/// The sessions that are meant, as far as the actor may end them.
///
/// # Errors
/// [`Error::NoSuch`] for one that is not open, or a database error.
pub fn targets(act: &Act<'_>, viewing: &Viewing, which: Which) -> Result<Vec<SessionId>> {
    let mut ids = Vec::new();
    for open in viewing.matching(which) {
        if reaches(act.tx, act.actor, open.viewer, Access::Write)? {
            ids.push(open.id);
        }
    }
    match which {
        Which::One(_) if ids.is_empty() => Err(Error::no_such(Resource::Connections)),
        _ => Ok(ids),
    }
}

/// Refuses a stream that is not there; whoever is confined to a reseller learns of none.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Denied`].
pub fn check_stream(look: &Look<'_>, id: StreamId) -> Result<()> {
    look.may(Resource::Connections)?;
    if look.actor.reseller().is_some() {
        return Ok(());
    }
    look.read.by_id::<Stream>(id)?.map(|_| ()).ok_or(Error::no_such(Resource::Streams))
}

/// Ends connections once that is committed; who ended which is in the audit trail.
pub fn kill(act: &Act<'_>, ids: &[SessionId]) -> Result<()> {
    kill_of(act, None, "", ids)
}

/// The same, of a line or MAG of that id and name.
pub fn kill_of(act: &Act<'_>, id: Option<i64>, name: &str, ids: &[SessionId]) -> Result<()> {
    act.after(Effect::Kill(ids.to_vec()));
    let ids: Vec<u64> = ids.iter().map(|id| id.0).collect();
    let name = if id.is_some() { name } else { "" };
    act.audit(id, name, &json!({ "connection_ids": ids }), &json!({}))
}
