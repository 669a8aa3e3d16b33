//! What is recorded of streams, and how much of it is kept.

use std::{collections::HashSet, time::Duration};

use serde_json::json;

use crate::{
    domain::{
        Error, Refused, Resource, Result,
        channels::archive::{Bounds, Held, LEAST_FREE, giving},
        fields::time::UnixTime,
        ids::{Id, StreamId},
        people::actor::Actor,
    },
    media::archive::{Disk, State, Totals},
    ops::{Act, Action, Effect, Look, Ops, blocking, clock, origin},
    store::channels::streams::RecordedStream,
};

const KEEP: Action = Action { resource: Resource::Archive, name: "keep" };
/// A day in milliseconds.
const DAY: u64 = 86_400_000;
/// A disk that has not answered by then is said not to.
const ANSWERS: Duration = Duration::from_secs(10);

/// What is recorded of a stream.
#[derive(Clone, Debug)]
pub struct Recording {
    pub stream: StreamId,
    /// Its name; `None` for one that was deleted, whose recordings go.
    pub name: Option<String>,
    /// For how many days it is recorded; 0 is no longer.
    pub days: u64,
    /// What there is; all zero if nothing is.
    pub totals: Totals,
    /// Whether it is recorded now.
    pub is_running: bool,
    /// Why not, if it should be.
    pub why: Option<String>,
}

impl Recording {
    /// How many bytes a second it takes, as far as that is known.
    pub fn rate(&self) -> u64 {
        (self.totals.bytes * 1000).checked_div(self.totals.recorded).unwrap_or(0)
    }
}

/// What there is of a stream to delete.
#[derive(Clone, Debug)]
pub struct Deletable {
    is_held: bool,
    /// Why it cannot be deleted now.
    why_not: Option<String>,
}

/// All recordings, and the room for them.
#[derive(Clone, Debug)]
pub struct Recordings {
    /// Each stream that is recorded, or of which there are recordings, by their ids.
    pub streams: Vec<Recording>,
    /// How many bytes there are in all.
    pub bytes: u64,
    /// How many more there may be; `None` if the disk cannot be asked.
    pub room: Option<u64>,
    /// Why nothing is recorded at all.
    pub paused: Option<String>,
    /// Whether what was there at the start is known.
    pub is_whole: bool,
}

impl Recordings {
    /// How many bytes a second are recorded now.
    pub fn rate(&self) -> u64 {
        self.streams.iter().filter(|stream| stream.is_running).map(Recording::rate).sum()
    }

    /// For how many seconds there is room for what is recorded now, with what is kept already; `None` if nothing is recorded.
    pub fn lasts(&self) -> Option<u64> {
        self.bytes.saturating_add(self.room?).checked_div(self.rate())
    }

    /// How many bytes every stream takes that is recorded for all its days, at the rate that is known.
    pub fn needed(&self) -> u64 {
        let of_one = |stream: &Recording| stream.rate().saturating_mul(stream.days * 86_400);
        self.streams.iter().map(of_one).fold(0, u64::saturating_add)
    }
}

impl Ops {
    /// What is recorded, and the room for it.
    ///
    /// # Errors
    /// Without the right to read recordings, and a database error.
    pub async fn recordings(&self, actor: &Actor) -> Result<Recordings> {
        let archive = self.viewing.archive().clone();
        let totals = archive.totals();
        let held: Vec<StreamId> = totals.iter().map(|(id, _)| *id).collect();
        let action = Action { resource: Resource::Archive, name: "list" };
        let rows = self.read(actor, action, move |look| rows(look, &held)).await?;
        let states = archive.states();
        let of_stream = |row: RecordedStream| {
            let totals = archive.totals_of(row.id).unwrap_or_default();
            let state = states.get(&row.id);
            let is_recording = matches!(state, Some(State::Recording(_)));
            let why = match state {
                _ if row.days == 0 => None,
                _ if !row.enabled => Some("the stream is stopped".to_owned()),
                _ if !self.here().is(row.server) => Some(format!("assigned to server {}", row.server.0)),
                Some(State::Recording(_)) => None,
                Some(State::Not(why)) => Some(why.clone()),
                None => Some("the stream is starting".to_owned()),
            };
            let (name, days) = (Some(row.name), row.days.into());
            Recording { stream: row.id, name, days, totals, is_running: is_recording && why.is_none(), why }
        };
        let mut streams: Vec<Recording> = rows.into_iter().map(of_stream).collect();
        let known: HashSet<StreamId> = streams.iter().map(|stream| stream.stream).collect();
        streams.extend(totals.into_iter().filter(|(id, _)| !known.contains(id)).map(|(stream, totals)| {
            Recording { stream, name: None, days: 0, totals, is_running: false, why: None }
        }));
        streams.sort_by_key(|stream| stream.stream);
        let bytes = streams.iter().map(|stream| stream.totals.bytes).sum();
        // As it was asked last: one that does not answer holds up no page.
        let room = archive.last_disk().map(|disk| self.room(&disk, bytes));
        let (paused, is_whole) = (archive.paused(), archive.is_read());
        Ok(Recordings { streams, bytes, room, paused, is_whole })
    }

    /// Finds out whether there are recordings of a stream and whether they can be deleted: who wants that is told before it is
    /// called done.
    pub async fn deletable(&self, stream: StreamId) -> Deletable {
        let archive = self.viewing.archive().clone();
        let is_held = archive.totals_of(stream).is_some();
        let folder = archive.folder().display().to_string();
        if !is_held {
            return Deletable { is_held, why_not: None };
        }
        let why_not = match tokio::time::timeout(ANSWERS, blocking(move || archive.may_delete(stream))).await
        {
            Ok(Ok(())) => None,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::Other => Some(error.to_string()),
            Ok(Err(error)) => Some(format!("cannot write to {folder}: {error}")),
            Err(_) => Some(format!("the disk of {folder} does not answer")),
        };
        Deletable { is_held, why_not }
    }

    /// How many more bytes may be recorded.
    fn room(&self, disk: &Disk, bytes: u64) -> u64 {
        let bounds = self.bounds(disk, 0);
        let on_disk = bounds.free.saturating_sub(bounds.keep_free);
        if bounds.limit == 0 { on_disk } else { on_disk.min(bounds.limit.saturating_sub(bytes)) }
    }

    fn bounds(&self, disk: &Disk, rate: u64) -> Bounds {
        let settings = &self.snapshot().settings;
        let keep_free = settings.archive_keep_free_bytes.get().unsigned_abs();
        Bounds {
            limit: settings.archive_limit_bytes.get().unsigned_abs(),
            keep_free: if disk.is_of_data { keep_free.max(LEAST_FREE) } else { keep_free },
            total: disk.total,
            free: disk.free,
            ahead: (rate * 30).min(disk.total / 20),
        }
    }

    /// Deletes what is older than its stream is recorded for and what there is no room for, and pauses recording as long as the
    /// disk is full. Now and then it looks whether the folder is as it is known.
    pub async fn keep_recordings(&self, looks: bool) -> Result<()> {
        let archive = self.viewing.archive().clone();
        if looks {
            let reader = archive.clone();
            if let Err(error) = blocking(move || reader.read()).await {
                log::warn!("the recordings cannot be read: {error}");
            }
        }
        let totals = archive.totals();
        if !totals.is_empty() {
            let archive = archive.clone();
            if let Err(error) = blocking(move || archive.claim()).await
                && error.kind() == std::io::ErrorKind::Other
            {
                self.viewing.archive().pause(Some(error.to_string()));
                return Ok(());
            }
        }
        let ids: Vec<StreamId> = totals.iter().map(|(id, _)| *id).collect();
        let origin = origin(&Actor::LINECARD, KEEP);
        let rows = self.store.read(&origin, |read| read.recorded_streams(&ids))?;
        let disk = {
            let archive = archive.clone();
            blocking(move || archive.disk()).await
        };
        let Ok(disk) = disk else {
            // Who records finds it out, and says what is wrong.
            archive.pause(None);
            return Ok(());
        };
        let now = clock::now();
        let is_believed = self.leap().is_none();
        let days = |id: StreamId| {
            rows.iter().find(|row| row.id == id && self.here().is(row.server)).map(|row| row.days)
        };
        let held: Vec<(Held, bool)> = totals
            .iter()
            .map(|(id, totals)| {
                let days = days(*id);
                let held = Held { stream: *id, days: days.unwrap_or(0).into(), bytes: totals.bytes };
                (held, days.is_some())
            })
            .collect();
        let states = archive.states();
        let is_recorded = |id: &StreamId| matches!(states.get(id), Some(State::Recording(_)));
        let rate = totals.iter().filter(|(id, _)| is_recorded(id));
        let rate =
            rate.map(|(_, totals)| (totals.bytes * 1000).checked_div(totals.recorded).unwrap_or(0)).sum();
        let bounds = self.bounds(&disk, rate);
        let deleted = {
            let archive = archive.clone();
            blocking(move || delete(&archive, &held, bounds, is_believed.then_some(now))).await
        };
        archive.pause(match deleted {
            Ok(free) => {
                let bounds = Bounds { free, ..bounds };
                bounds.is_full().then(|| full(&bounds))
            }
            Err(error) => Some(format!("cannot delete in {}: {error}", archive.folder().display())),
        });
        Ok(())
    }
}

/// What is told of a disk that is full.
fn full(bounds: &Bounds) -> String {
    let gigabytes = |bytes: u64| format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10);
    format!(
        "the disk is full: {} are free, and {} are to stay free. Make room, or set archive_keep_free_bytes lower",
        gigabytes(bounds.free),
        gigabytes(bounds.keep_free)
    )
}

/// Deletes what is too old by a clock that is believed, and what is no longer recorded here, and what there is no room for; how much is free then.
fn delete(
    archive: &crate::media::archive::Archive,
    held: &[(Held, bool)],
    bounds: Bounds,
    now: Option<UnixTime>,
) -> std::io::Result<u64> {
    let now = now.map(|now| now.seconds().unsigned_abs() * 1000);
    for (one, is_ours) in held {
        let before = match (one.days, now) {
            (0, _) if *is_ours => u64::MAX,
            // A day later: the database may be another one by mistake.
            (0, Some(now)) if archive.newest(one.stream).is_some_and(|end| end + DAY < now) => u64::MAX,
            (1.., Some(now)) => now.saturating_sub(one.days * DAY),
            _ => continue,
        };
        if archive.oldest(one.stream).is_some_and(|oldest| oldest < before) {
            archive.delete_before(one.stream, before)?;
        }
    }
    // The sizes before are too large by now; nothing more than that may go.
    let mut left = Vec::new();
    for (one, _) in held {
        let bytes = archive.totals_of(one.stream).map_or(0, |totals| totals.bytes);
        left.push(Held { bytes, ..*one });
    }
    let free = archive.disk()?.free;
    let excess = Bounds { free, ..bounds }.excess(left.iter().map(|one| one.bytes).sum());
    for (stream, bytes) in giving(&left, excess) {
        archive.delete_oldest(stream, bytes)?;
    }
    Ok(archive.disk()?.free)
}

fn rows(look: &Look<'_>, held: &[StreamId]) -> Result<Vec<RecordedStream>> {
    look.may(Resource::Archive)?;
    look.read.recorded_streams(held)
}

/// Has the recordings of a stream deleted, or those that end at `before` or earlier, once that is committed. `found` says what
/// there is of them.
///
/// # Errors
/// [`Error::NoSuch`] for a stream that there is not and of which there is nothing; [`Refused::RecordingsStay`] where the disk does
/// not let them be deleted.
pub fn forget(act: &Act<'_>, stream: StreamId, before: Option<UnixTime>, found: &Deletable) -> Result<()> {
    let rows = act.tx.recorded_streams(&[stream])?;
    let name = rows.iter().find(|row| row.id == stream).map(|row| row.name.as_str());
    if name.is_none() && !found.is_held {
        return Err(Error::NoSuch { resource: Resource::Streams, which: Some(stream.number().to_string()) });
    }
    if let Some(why) = &found.why_not {
        return Err(Refused::RecordingsStay(why.clone()).into());
    }
    act.after(Effect::DeleteRecordings { stream, before });
    let before = before.map(UnixTime::seconds);
    act.audit(Some(stream.number()), name.unwrap_or_default(), &json!({ "before": before }), &json!({}))
}
