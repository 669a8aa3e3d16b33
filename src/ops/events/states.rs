//! What happens without anybody doing it: streams and servers go down and come up, addresses are blocked, disks fill. Looked at
//! each second, and told where it has changed.

use std::collections::HashMap;

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

use super::told::{Event, tell};
use crate::{
    domain::{
        Resource, Result,
        channels::{archive::LEAST_FREE, run::State, stream::Stream},
        fields::time::UnixTime,
        ids::{Id, ServerId, StreamId},
        machine::server::Server,
        people::actor::Actor,
    },
    ops::{Ops, clock, people::lockouts::Blocked},
    store::{self, Write},
};

/// As things were when they were last told of.
#[derive(Default)]
pub struct States(Mutex<LastStates>);

#[derive(Clone, Default)]
struct LastStates {
    /// Whether a stream was up.
    streams: HashMap<StreamId, bool>,
    /// Which of its sources it had.
    sources: HashMap<StreamId, usize>,
    /// Whether a server was online.
    servers: HashMap<ServerId, bool>,
    /// The disks that were low, by what lies on them.
    disks: HashMap<&'static str, bool>,
}

/// A disk is well again with this many bytes free for each one below which it is low, in tenths.
const WELL: u64 = 12;

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Up { stream: StreamId, was_down: bool },
    Down(StreamId, String),
    Source { stream: StreamId, before: usize, after: usize },
    Server { server: ServerId, online: bool, why: Option<String> },
    Disk { of: &'static str, low: bool, why: String },
    Blocked(Blocked),
}

impl Ops {
    /// Tells what has changed since it was last looked.
    ///
    /// # Errors
    /// A database error; then it is told the next time.
    pub async fn tell_states(&self) -> Result<()> {
        let mut seen = self.states.seen().clone();
        let mut changes = Vec::new();
        self.look_at_streams(&mut seen, &mut changes);
        self.look_at_servers(&mut seen, &mut changes);
        self.look_at_disks(&mut seen, &mut changes);
        let blocked = self.lockouts.newly_blocked();
        changes.extend(blocked.iter().cloned().map(Change::Blocked));
        if !changes.is_empty() {
            let now = clock::now();
            let job = move |tx: &Write<'_>| changes.iter().try_for_each(|change| write(tx, change, now));
            let written = self.store.write(store::housekeeping(now, "events"), job).wait().await;
            if let Err(error) = written {
                self.lockouts.tell_again(blocked);
                return Err(error);
            }
        }
        *self.states.seen() = seen;
        Ok(())
    }

    fn look_at_streams(&self, seen: &mut LastStates, changes: &mut Vec<Change>) {
        let states = self.viewing.media.active_states();
        seen.streams.retain(|id, _| states.binary_search_by_key(id, |(id, _)| *id).is_ok());
        for (id, state) in states {
            match state {
                State::Running => match seen.streams.insert(id, true) {
                    Some(true) => {}
                    before => changes.push(Change::Up { stream: id, was_down: before == Some(false) }),
                },
                State::Waiting { why, .. } | State::Failed { why }
                    if seen.streams.insert(id, false) != Some(false) =>
                {
                    changes.push(Change::Down(id, why));
                }
                // Nobody wants it: it is neither.
                State::Stopped | State::Ended => {
                    seen.streams.remove(&id);
                }
                _ => {}
            }
        }
        let sources = self.viewing.media.sources();
        for (stream, after) in &sources {
            if let Some(before) = seen.sources.get(stream).copied().filter(|before| before != after) {
                changes.push(Change::Source { stream: *stream, before, after: *after });
            }
        }
        seen.sources = sources.into_iter().collect();
    }

    fn look_at_servers(&self, seen: &mut LastStates, changes: &mut Vec<Change>) {
        let healths: Vec<_> = self.healths().iter().map(|(id, health)| (*id, health.clone())).collect();
        seen.servers.retain(|id, _| healths.iter().any(|(known, _)| known == id));
        for (server, health) in healths {
            if seen.servers.insert(server, health.online) != Some(health.online) {
                changes.push(Change::Server {
                    server,
                    online: health.online,
                    why: health.last_error.filter(|_| !health.online),
                });
            }
        }
    }

    fn look_at_disks(&self, seen: &mut LastStates, changes: &mut Vec<Change>) {
        let mut note = |of, low, why: String| {
            if seen.disks.insert(of, low).unwrap_or(false) != low {
                changes.push(Change::Disk { of, low, why });
            }
        };
        if let Some(disk) = self.load().disk {
            let free = disk.total.saturating_sub(disk.used);
            if !(LEAST_FREE..=LEAST_FREE / 10 * WELL).contains(&free) {
                note("data", free < LEAST_FREE, format!("{} MB are free", free / 1_000_000));
            }
        }
        let paused = self.viewing.archive().paused();
        note("recordings", paused.is_some(), paused.unwrap_or_default());
    }
}

impl States {
    fn seen(&self) -> MutexGuard<'_, LastStates> {
        self.0.lock()
    }
}

fn write(tx: &Write<'_>, change: &Change, now: UnixTime) -> Result<()> {
    let none = || json!({});
    let (kind, resource, id, key, before, after): (_, _, _, _, Value, Value) = match change {
        Change::Up { stream: id, .. } | Change::Down(id, _) | Change::Source { stream: id, .. } => {
            let Some(stream) = tx.by_id::<Stream>(*id)? else { return Ok(()) };
            // Each viewer who is the first one would give an event.
            if stream.record.on_demand && matches!(change, Change::Up { was_down: false, .. }) {
                return Ok(());
            }
            let (kind, before, after) = match change {
                Change::Down(_, why) => ("stream.down", none(), json!({ "why": why })),
                Change::Source { before, after, .. } => {
                    ("stream.source_changed", json!({ "source": before + 1 }), json!({ "source": after + 1 }))
                }
                _ => ("stream.up", none(), none()),
            };
            let name = stream.record.name.as_str().to_owned();
            (kind, Resource::Streams, Some(id.number()), name, before, after)
        }
        Change::Server { server, online, why } => {
            let Some(row) = tx.by_id::<Server>(*server)? else { return Ok(()) };
            let kind = if *online { "server.online" } else { "server.offline" };
            let after = why.as_ref().map_or_else(none, |why| json!({ "why": why }));
            (
                kind,
                Resource::Servers,
                Some(server.number()),
                row.record.name.as_str().to_owned(),
                none(),
                after,
            )
        }
        Change::Disk { of, low, why } => {
            let kind = if *low { "disk.low" } else { "disk.ok" };
            (kind, Resource::Servers, None, (*of).to_owned(), none(), json!({ "why": why }))
        }
        Change::Blocked(Blocked { face, offender, seconds }) => {
            let after = json!({ "face": face.name(), "seconds": seconds });
            ("security.blocked", Resource::Security, None, offender.to_string(), none(), after)
        }
    };
    tell(tx, &Actor::LINECARD, now, &Event { kind, resource, id, key: &key, before, after })
}
