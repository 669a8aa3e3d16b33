//! Streams as they run: started, stopped, online and offline.

use std::collections::HashMap;

use serde_json::json;

pub use crate::media::preview::{Preview, plays_audio, plays_video};
pub use crate::store::channels::streams::{Sort, StreamSearch};
use crate::{
    domain::{
        Error, Refused, Resource, Result, Stored,
        channels::{
            bouquet::{Bouquet, BouquetChange},
            run::State,
            stream::Stream,
        },
        fields::time::UnixTime,
        ids::{BouquetId, Id, ServerId, StreamId},
        page::Rows,
        people::{actor::Actor, rights::Access},
    },
    media::Status,
    ops::{Act, Effect, Look, Ops, managed, subscribers::at_once},
};

/// Which streams a call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every stream.
    All,
    These(Vec<StreamId>),
}

/// A stream and what it is doing.
pub struct Running {
    /// Its row.
    pub stream: Stored<Stream>,
    /// The server that is to run it, if that is another than this one.
    pub elsewhere: Option<ServerId>,
    /// What its supervisor says; `None` if it is not to run here.
    pub status: Option<Status>,
    /// How many watch it.
    pub clients: usize,
}

impl Running {
    /// Whether it plays.
    pub fn is_online(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.state == State::Running)
    }

    /// The word for what it is doing.
    pub fn state(&self) -> &'static str {
        self.status.as_ref().map_or("stopped", |status| status.state.name())
    }

    /// Why it does not play; `None` if it does.
    pub fn why(&self) -> Option<String> {
        let Some(status) = &self.status else {
            return Some(match self.elsewhere {
                Some(server) => format!("assigned to server {}", server.0),
                None => "stopped".into(),
            });
        };
        match &status.state {
            State::Running => None,
            State::Stopped => Some("on demand: starts with its first viewer".into()),
            State::Starting => Some("starting".into()),
            State::Ended => Some("it was played to its end: start it to play it again".into()),
            State::Waiting { why, .. } | State::Failed { why } => Some(format!("source error: {why}")),
        }
    }
}

/// Wants streams running; the ids of those that are meant.
///
/// # Errors
/// [`Error::NoSuch`] for an unknown one, [`Error::Changed`] for one that was seen otherwise; none is touched then.
pub fn start(act: &Act<'_>, which: &Which, server: Option<ServerId>) -> Result<Vec<StreamId>> {
    switch(act, which, server, true, false)
}

/// Starts those of them that are still as they were seen, with that `updated_at`; the ids of these. The others stay as
/// somebody else left them.
///
/// # Errors
/// [`Error::NoSuch`] for an unknown one.
pub fn start_seen(act: &Act<'_>, seen: &[(StreamId, Option<UnixTime>)]) -> Result<Vec<StreamId>> {
    let times: HashMap<StreamId, Option<UnixTime>> = seen.iter().copied().collect();
    let as_seen = |stream: &Stored<Stream>| {
        stream.record.enabled || times.get(&stream.id).copied().flatten() == Some(stream.updated_at)
    };
    let streams = act.tx.streams_of(seen.iter().map(|(id, _)| *id))?;
    let ids = streams.iter().filter(|stream| as_seen(stream)).map(|stream| stream.id).collect();
    start(act, &Which::These(ids), None)
}

/// The same, and those that run are to be started anew, which is in the audit trail as well.
///
/// # Errors
/// As [`start`].
pub fn restart(act: &Act<'_>, which: &Which, server: Option<ServerId>) -> Result<Vec<StreamId>> {
    switch(act, which, server, true, true)
}

/// Starts those of them anew that are wanted running; the ids of these. The others stay stopped: whoever restarts a
/// stream has seen it run.
///
/// # Errors
/// As [`start`].
pub fn renew(act: &Act<'_>, ids: &[StreamId]) -> Result<Vec<StreamId>> {
    let wanted = act.tx.streams_of(ids.iter().copied())?.into_iter().filter(|stream| stream.record.enabled);
    let wanted = wanted.map(|stream| stream.id).collect();
    restart(act, &Which::These(wanted), None)
}

/// Wants streams stopped; the ids of those that are meant.
///
/// # Errors
/// As [`start`].
pub fn stop(act: &Act<'_>, which: &Which, server: Option<ServerId>) -> Result<Vec<StreamId>> {
    switch(act, which, server, false, false)
}

fn switch(
    act: &Act<'_>,
    which: &Which,
    server: Option<ServerId>,
    enabled: bool,
    anew: bool,
) -> Result<Vec<StreamId>> {
    let streams = match which {
        Which::All => managed::every(act.tx, None)?,
        Which::These(ids) => act.tx.streams_of(ids.iter().copied())?,
    };
    let mut meant = Vec::new();
    for stream in streams.iter().filter(|stream| is_on(&stream.record, server)) {
        if stream.record.enabled != enabled {
            act.check_seen(stream)?;
            act.replace(stream, &Stream { enabled, ..stream.record.clone() })?;
        } else if anew {
            let name = stream.record.name.as_str();
            act.audit(Some(stream.id.number()), name, &json!({}), &json!({ "started": "anew" }))?;
        }
        meant.push(stream.id);
    }
    act.after(Effect::RunStreams { ids: meant.clone(), anew });
    Ok(meant)
}

/// Changes a bouquet, takes streams out of it, and puts others at its end.
///
/// # Errors
/// [`Error::NoSuch`] for an unknown bouquet or a stream that is to be put there, [`Error::Changed`], and those of the change.
pub fn update_bouquet(
    act: &Act<'_>,
    id: BouquetId,
    change: BouquetChange,
    remove: &[StreamId],
    add: &[StreamId],
) -> Result<()> {
    act.check_seen(&act.find::<Bouquet>(id)?)?;
    let only_streams = change == BouquetChange::default() && !(remove.is_empty() && add.is_empty());
    if !only_streams {
        managed::update::<Bouquet>(act, id, change)?;
    }
    act.tx.streams_of(add.iter().copied())?;
    take_out_of_bouquet(act, id, remove)?;
    add_to_bouquet(act, id, add)?;
    Ok(())
}

/// Puts streams at the end of a bouquet; how many it did not hold before.
///
/// # Errors
/// [`Error::NoSuch`] for an unknown bouquet.
pub fn add_to_bouquet(act: &Act<'_>, bouquet: BouquetId, ids: &[StreamId]) -> Result<usize> {
    let name = act.tx.bouquet_name(bouquet)?.ok_or(Error::no_such(Resource::Bouquets))?;
    let added = act.tx.append_streams(bouquet, ids, act.now)?;
    told_of(act, bouquet, &name, "add_streams", &added)
}

/// The same as a batch, which can be undone: its number, if the bouquet holds any more than before.
///
/// # Errors
/// As [`add_to_bouquet`].
pub fn add_and_note(act: &Act<'_>, bouquet: BouquetId, ids: &[StreamId]) -> Result<(usize, Option<i64>)> {
    let before = act.find::<Bouquet>(bouquet)?;
    let added = add_to_bouquet(act, bouquet, ids)?;
    Ok((added, at_once::moved(act, &[before])?))
}

/// Takes streams out of a bouquet; how many it held.
///
/// # Errors
/// [`Error::NoSuch`] for an unknown bouquet.
pub fn take_out_of_bouquet(act: &Act<'_>, bouquet: BouquetId, ids: &[StreamId]) -> Result<usize> {
    let name = act.tx.bouquet_name(bouquet)?.ok_or(Error::no_such(Resource::Bouquets))?;
    let removed = act.tx.remove_streams(bouquet, ids, act.now)?;
    told_of(act, bouquet, &name, "remove_streams", &removed)
}

/// In the audit trail only those stand that came or went.
fn told_of(act: &Act<'_>, bouquet: BouquetId, name: &str, what: &str, ids: &[StreamId]) -> Result<usize> {
    if !ids.is_empty() {
        let numbers: Vec<i64> = ids.iter().map(|id| id.number()).collect();
        act.audit(Some(bouquet.number()), name, &json!({}), &json!({ what: numbers }))?;
    }
    Ok(ids.len())
}

fn is_on(stream: &Stream, server: Option<ServerId>) -> bool {
    server.is_none_or(|server| stream.server() == server)
}

/// Every stream, of one server if that is asked.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, server: Option<ServerId>) -> Result<Vec<Stored<Stream>>> {
    look.may(Resource::Streams)?;
    let mut streams: Vec<Stored<Stream>> = managed::every(look.read, None)?;
    streams.retain(|stream| is_on(&stream.record, server));
    Ok(streams)
}

/// A page of the streams that match.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn seek(look: &Look<'_>, sought: &StreamSearch) -> Result<Rows<Stored<Stream>>> {
    look.may(Resource::Streams)?;
    look.read.seek_streams(sought)
}

/// The streams of those ids, in that order.
///
/// # Errors
/// [`Error::NoSuch`] for an unknown one.
pub fn these(look: &Look<'_>, ids: &[StreamId]) -> Result<Vec<Stored<Stream>>> {
    look.may(Resource::Streams)?;
    look.read.streams_of(ids.iter().copied())
}

/// Those of them that are still there.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn still_there(look: &Look<'_>, ids: &[StreamId]) -> Result<Vec<Stored<Stream>>> {
    look.may(Resource::Streams)?;
    let found = ids.iter().filter_map(|id| look.read.by_id(*id).transpose());
    found.collect()
}

/// Ids and names of the bouquets that hold a stream, in the order of names.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn bouquets_of(look: &Look<'_>, id: StreamId) -> Result<Vec<(i64, String)>> {
    look.may(Resource::Bouquets)?;
    look.read.holding::<Bouquet>(id.number())
}

impl Ops {
    /// A preview of a stream for those who may look at streams. It is no viewer: nothing counts it.
    ///
    /// # Errors
    /// [`Error::Denied`], or [`Error::Refused`] with the reason why there is none.
    pub async fn preview(&self, actor: &Actor, id: StreamId) -> Result<Preview> {
        actor.may(Resource::Streams, Access::Read)?;
        self.viewing.media.preview(id).await.map_err(|why| Refused::NoPreview(why).into())
    }

    /// Whether there is a preview of what was recorded of a stream from a moment on.
    pub fn has_recorded_preview(&self, id: StreamId, at: UnixTime) -> bool {
        self.viewing.media.has_recorded_preview(id, at.seconds().unsigned_abs() * 1000)
    }

    /// A preview of what was recorded of a stream from a moment on, for those who may look at streams.
    ///
    /// # Errors
    /// As [`Ops::preview`].
    pub async fn preview_recorded(&self, actor: &Actor, id: StreamId, at: UnixTime) -> Result<Preview> {
        actor.may(Resource::Streams, Access::Read)?;
        let from = at.seconds().unsigned_abs() * 1000;
        self.viewing.media.preview_recorded(id, from).await.map_err(|why| Refused::NoPreview(why).into())
    }

    /// The streams that this server runs or would run for a viewer, each with the state it is in.
    pub fn stream_states(&self) -> Vec<(StreamId, State)> {
        self.viewing.media.states()
    }

    /// Streams with what they are doing at this moment.
    pub fn running(&self, streams: Vec<Stored<Stream>>) -> Vec<Running> {
        let clients: HashMap<StreamId, usize> = self.viewing.connections.by_stream();
        let running = streams.into_iter().map(|stream| Running {
            elsewhere: Some(stream.record.server()).filter(|server| !self.here.is(*server)),
            status: self.viewing.media.status(stream.id),
            clients: clients.get(&stream.id).copied().unwrap_or(0),
            stream,
        });
        running.collect()
    }

    /// After streams were started or stopped: the answer is true at the moment it is given.
    pub(crate) fn apply_streams(&self, ids: &[StreamId], restart: bool) -> Result<()> {
        let media = &self.viewing.media;
        let ran: Vec<StreamId> = ids.iter().copied().filter(|id| media.has(*id)).collect();
        self.viewing.run_these(ids)?;
        for id in ran.into_iter().filter(|_| restart) {
            media.restart(id);
        }
        Ok(())
    }
}
