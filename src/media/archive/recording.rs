//! The recording of one stream: takes what came into its ring, and cuts it into pieces at key frames.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    Archive, State,
    part::{self, Part},
    piece::StreamFolder,
    timeline,
};
use crate::{
    domain::ids::StreamId,
    media::{
        channel::{Channel, Demand},
        ring::Chunk,
        ts,
    },
};

/// A clock that goes on by more between two chunks has leapt, in milliseconds.
const LEAP: u64 = 2_000;
/// A piece is ended after so long even where no key frame comes, in milliseconds.
const TOO_LONG: u64 = 240_000;
/// What a run sent in less time is no piece, in milliseconds.
const SPLINTER: u64 = 200;
/// A stream from which nothing has come for so long has stopped.
const SILENCE: Duration = Duration::from_secs(10);
/// After a fault of the disk, it is tried again after so long.
const AGAIN: Duration = Duration::from_secs(10);

/// The time as a recording sees it.
#[derive(Clone, Copy)]
pub struct Now {
    /// By the machine's clock, in unix milliseconds.
    pub ms: u64,
    /// By a clock that only counts.
    pub at: Instant,
}

impl Now {
    /// When something came, in unix milliseconds.
    fn then(self, at: Instant) -> u64 {
        let ago = self.at.saturating_duration_since(at).as_millis();
        self.ms.saturating_sub(u64::try_from(ago).unwrap_or(u64::MAX))
    }
}

/// One stream that is recorded.
pub struct Recording {
    stream: StreamId,
    channel: Arc<Channel>,
    /// It runs as long as it is recorded.
    _demand: Demand,
    archive: Archive,
    place: StreamFolder,
    /// How long a piece is to be, in milliseconds.
    length: u64,
    /// Whether what a killed server left was looked after.
    is_ready: bool,
    /// The chunk that comes next, and the run and clock of the one before.
    next: Option<u64>,
    run: u64,
    clock: Option<u64>,
    /// When that came.
    came: Instant,
    open: Option<Open>,
    /// How long the piece under way is to be: the first a little shorter, so that not all streams are cut together.
    target: u64,
    /// Whether the next piece goes on from the one before.
    joins: bool,
    /// Why nothing is recorded, and when it is tried again.
    failed: Option<(String, Instant)>,
}

/// The piece under way.
struct Open {
    part: Part,
    /// When it began: by the stream's clock, and by one that only counts.
    clock: Option<u64>,
    at: Instant,
    /// What is not written yet, and until when it is.
    pending: Vec<Bytes>,
    written: (Option<u64>, Instant),
}

impl Open {
    /// How long it plays until then, in milliseconds.
    fn until(&self, clock: Option<u64>, at: Instant) -> u64 {
        match (self.clock, clock) {
            (Some(from), Some(to)) => ts::elapsed(from, to) / 90,
            _ => u64::try_from(at.saturating_duration_since(self.at).as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Recording {
    /// Of a stream of which nothing was taken yet, in pieces of about that length.
    pub fn new(
        stream: StreamId,
        channel: &Arc<Channel>,
        archive: Archive,
        length: Duration,
        now: Now,
    ) -> Self {
        let length = u64::try_from(length.as_millis()).unwrap_or(TOO_LONG).min(TOO_LONG);
        Self {
            stream,
            channel: channel.clone(),
            _demand: channel.demand(),
            place: archive.place(stream),
            archive,
            length,
            is_ready: false,
            next: None,
            run: 0,
            clock: None,
            came: now.at,
            open: None,
            target: length / 2 + length * (stream.0.unsigned_abs() % 30) / 60,
            joins: false,
            failed: None,
        }
    }

    /// Takes what has come, and writes it. It waits for the disk.
    pub fn take(&mut self, now: Now) {
        if let Some(why) = self.archive.paused() {
            self.stop(now);
            self.tell(State::Not(why));
            return;
        }
        if self.failed.as_ref().is_some_and(|(_, again)| now.at < *again) {
            return;
        }
        let (first, mut chunks) = self.channel.since(self.next);
        let count = chunks.len() as u64;
        if self.next.is_none()
            && let Some(end) = self.archive.newest(self.stream)
        {
            // What is still in the ring may be recorded already.
            chunks.retain(|chunk| now.then(chunk.at) >= end);
        }
        let is_whole = self.next.is_none_or(|next| next == first);
        self.next = Some(first + count);
        if let Err(error) = self.record(is_whole, chunks, now) {
            self.fail(&error, now);
        } else if let Some(open) = &self.open {
            self.tell(State::Recording(open.part.bytes()));
            if self.failed.take().is_some() {
                log::info!("stream {}: recording goes on", self.stream.0);
            }
        }
    }

    /// Whether it is of that very channel: a stream that is stopped and started again has another one.
    pub fn is_of(&self, channel: &Arc<Channel>) -> bool {
        Arc::ptr_eq(&self.channel, channel)
    }

    /// Ends the piece under way, as far as it has come. What comes next does not go on from it.
    pub fn stop(&mut self, now: Now) {
        self.next = None;
        if let Err(error) = self.end(self.clock, self.came, false, now) {
            self.fail(&error, now);
        }
    }

    fn record(&mut self, is_whole: bool, chunks: Vec<Chunk>, now: Now) -> io::Result<()> {
        self.make_ready()?;
        if !is_whole {
            log::warn!("stream {}: the disk was too slow: part of the recording is missing", self.stream.0);
            self.end(self.clock, self.came, false, now)?;
        }
        for chunk in chunks {
            self.chunk(chunk, now)?;
        }
        if now.at.saturating_duration_since(self.came) > SILENCE {
            self.end(self.clock, self.came, false, now)?;
            self.tell(State::Not("the stream sends nothing".into()));
        }
        self.write()
    }

    fn chunk(&mut self, chunk: Chunk, now: Now) -> io::Result<()> {
        let leaps = |to: Option<u64>| {
            let step = self.clock.zip(to).map(|(from, to)| ts::elapsed(from, to) / 90);
            step.is_some_and(|step| step > LEAP)
        };
        let begins = chunk.clock.begins.or(self.clock);
        let (clock, at) = (chunk.clock, chunk.at);
        if self.run != chunk.run || leaps(clock.begins) || leaps(clock.ends) {
            self.end(self.clock, self.came, false, now)?;
        } else if let Some(open) = &self.open {
            let lasts = open.until(begins, at);
            if chunk.entry.is_some() && lasts >= self.target {
                self.end(begins, at, true, now)?;
            } else if lasts >= TOO_LONG {
                self.end(begins, at, false, now)?;
            }
        }
        (self.run, self.clock, self.came) = (chunk.run, clock.ends.or(begins), at);
        match (&mut self.open, chunk.entry) {
            (Some(open), _) => open.pending.push(chunk.bytes),
            (None, Some(tables)) => self.begin(tables, chunk.bytes, clock.begins, at, now)?,
            (None, None) => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        tables: Bytes,
        bytes: Bytes,
        clock: Option<u64>,
        at: Instant,
        now: Now,
    ) -> io::Result<()> {
        let newest = self.archive.newest(self.stream);
        if let Some(end) = newest.filter(|_| timeline::is_behind(newest, now.ms)) {
            self.tell(State::Not(timeline::why(end, now.ms)));
            self.joins = false;
            return Ok(());
        }
        let part = Part::begin(&self.place, now.then(at), self.joins)?;
        self.open = Some(Open { part, clock, at, pending: vec![tables, bytes], written: (clock, at) });
        Ok(())
    }

    /// Ends the piece under way before that clock and time.
    fn end(&mut self, clock: Option<u64>, at: Instant, joins: bool, now: Now) -> io::Result<()> {
        self.write()?;
        self.joins = false;
        let Some(open) = self.open.take() else { return Ok(()) };
        let lasts = open.until(clock, at);
        if lasts < SPLINTER {
            open.part.drop();
            return Ok(());
        }
        self.put(open.part, lasts, now.then(at))?;
        (self.joins, self.target) = (joins, self.length);
        Ok(())
    }

    /// Puts a piece of that length, which ended at `ended` by the machine's clock, into its place.
    fn put(&self, part: Part, lasts: u64, ended: u64) -> io::Result<()> {
        let newest = self.archive.newest(self.stream);
        let Some(start) = timeline::place(newest, part.joins(), ended.saturating_sub(lasts)) else {
            part.drop();
            return Ok(());
        };
        let piece = part.finish(&self.place, start, lasts)?;
        self.archive.add(self.stream, &piece);
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let pending = std::mem::take(&mut open.pending);
        open.part.write(&pending)?;
        open.written = (self.clock, self.came);
        Ok(())
    }

    /// Before the first piece, and after a fault: the disk may be another one.
    fn make_ready(&mut self) -> io::Result<()> {
        if self.is_ready {
            return Ok(());
        }
        self.archive.make_folder()?;
        self.archive.read_newest(self.stream)?;
        for piece in part::finish_left(&self.place, self.archive.newest(self.stream))? {
            self.archive.add(self.stream, &piece);
        }
        self.is_ready = true;
        Ok(())
    }

    /// The disk did not take it: what was written before is kept if that can be.
    fn fail(&mut self, error: &io::Error, now: Now) {
        let why = format!("cannot write to {}: {error}", self.archive.folder().display());
        if self.failed.as_ref().is_none_or(|(before, _)| *before != why) {
            log::warn!("stream {}: it is not recorded: {why}", self.stream.0);
        }
        if let Some(open) = self.open.take() {
            let (clock, at) = open.written;
            let lasts = open.until(clock, at);
            // A disk that is full still takes the name of what it has.
            if lasts < SPLINTER || self.put(open.part, lasts, now.then(at)).is_err() {
                log::debug!("stream {}: the piece under way is lost", self.stream.0);
            }
        }
        (self.next, self.joins, self.is_ready) = (None, false, false);
        self.tell(State::Not(why.clone()));
        self.failed = Some((why, now.at + AGAIN));
    }

    fn tell(&self, state: State) {
        self.archive.tell(self.stream, state);
    }
}

#[cfg(test)]
mod tests;
