//! The last seconds of a stream, shared by all who watch it: chunks of packets that every viewer
//! sends without a copy of his own, and HLS segments as ranges of them.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    segment::{Segment, SharedFile},
    target::Target,
    ts,
};

/// What the ring holds for viewers of the transport stream at most, in bytes: 16 seconds of 8 Mbit/s.
pub const MOST_BYTES: usize = 16 << 20;
/// What it holds for them at most, in time.
pub const MOST_TIME: Duration = Duration::from_secs(30);
/// Segments that only late players of HLS still ask for go when this many bytes follow them.
const LATE_BYTES: usize = 64 << 20;
/// What the ring holds at most, whoever asks: more than a minute of 25 Mbit/s.
const ALL_BYTES: usize = 256 << 20;
/// Segments are held for players of HLS as long as one has asked within this time.
const ASKED: Duration = Duration::from_mins(1);
/// A clock that goes on by more between two chunks has leapt.
const LEAP: Duration = Duration::from_secs(2);
/// How far segments may fall short of what players need to begin: a frame or two.
const INEXACT: Duration = Duration::from_millis(200);
/// What a run sent in less time is no segment: players stumble over it.
const SPLINTER: Duration = Duration::from_millis(200);

/// Packets that are sent together.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The packets.
    pub bytes: Bytes,
    /// PAT and PMT, if a player can begin with this chunk.
    pub entry: Option<Bytes>,
    /// Which run of ffmpeg it came from; also another one when the picture has changed.
    pub run: u64,
    /// When it came.
    pub at: Instant,
    /// What its program clock said; set when it is pushed.
    pub clock: Clock,
}

/// The program clock of a chunk, in 1/90,000 second, as far as it tells one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// With its first packet, of one that players can begin with.
    pub begins: Option<u64>,
    /// After its last packet.
    pub ends: Option<u64>,
}

/// A part of the stream for HLS: the chunks from `first` up to, not including, `end`.
#[derive(Clone, Debug)]
struct Part {
    number: u64,
    first: u64,
    end: u64,
    bytes: usize,
    duration: Duration,
    discontinuity: bool,
    /// PAT and PMT.
    tables: Bytes,
    file: Arc<SharedFile>,
}

/// A segment in a playlist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListedSegment {
    /// Its number; numbers never go back while the program runs.
    pub number: u64,
    /// How long it plays.
    pub duration: Duration,
    /// Whether its clock does not follow the one before.
    pub discontinuity: bool,
}

/// What a live media playlist shows now (RFC 8216).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segments {
    /// The target duration in seconds: no segment is longer, and it never changes while anybody has the playlist.
    pub target: u64,
    /// The number of the first segment that is listed, or of the next one to come.
    pub first: u64,
    /// Discontinuities that have left the playlist.
    pub discontinuities: u64,
    /// The segments, oldest first.
    pub listed: Vec<ListedSegment>,
}

/// The ring itself.
#[derive(Default)]
pub struct Ring {
    chunks: VecDeque<Chunk>,
    /// The number of the first chunk that is held.
    first: u64,
    bytes: usize,
    parts: VecDeque<Part>,
    /// Where the segment under way began.
    begun: Option<Begun>,
    numbered: u64,
    /// Discontinuities of segments that are no longer held.
    forgotten: u64,
    target: Target,
    /// The latest tables, and the clock and time of the latest chunk.
    tables: Bytes,
    latest: Option<(Option<u64>, Instant)>,
    /// When a player of HLS last asked.
    asked: Option<Instant>,
    closed: bool,
    waiting: Vec<Waker>,
}

/// A place in the stream: its chunk, clock, time, run and tables.
#[derive(Clone)]
struct Begun {
    chunk: u64,
    clock: Option<u64>,
    at: Instant,
    run: u64,
    discontinuity: bool,
    tables: Bytes,
}

impl Begun {
    /// How long the stream has played from here on, by its own clock where it has one.
    fn until(&self, clock: Option<u64>, at: Instant) -> Duration {
        match (self.clock, clock) {
            (Some(from), Some(to)) => Duration::from_millis(ts::elapsed(from, to) / 90),
            _ => at.saturating_duration_since(self.at),
        }
    }
}

/// What comes after a place in the ring.
pub enum After {
    /// This chunk, and its number.
    Chunk(u64, Chunk),
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    Closed,
}

impl Ring {
    /// Adds a chunk. The wakers are for the caller, when the lock is gone.
    #[must_use]
    pub fn push(&mut self, mut chunk: Chunk, clock: Clock) -> Vec<Waker> {
        chunk.clock = clock;
        self.cut(self.first + self.chunks.len() as u64, &chunk, clock);
        self.bytes += chunk.bytes.len();
        let newest = chunk.at;
        self.chunks.push_back(chunk);
        let needed = self.needed(newest);
        while let Some(oldest) = self.chunks.front() {
            let is_spare = self.bytes > MOST_BYTES || newest.duration_since(oldest.at) > MOST_TIME;
            if !is_spare || self.first >= needed && self.bytes <= ALL_BYTES {
                break;
            }
            self.bytes -= oldest.bytes.len();
            self.chunks.pop_front();
            self.first += 1;
        }
        while let Some(part) = self.parts.front().filter(|part| part.first < self.first) {
            self.forgotten += u64::from(part.discontinuity);
            self.parts.pop_front();
        }
        std::mem::take(&mut self.waiting)
    }

    /// Ends or begins a segment at a chunk: at a key frame if one comes in time, where the run or the clock does not
    /// go on, and before it would be longer than the playlist says.
    fn cut(&mut self, number: u64, chunk: &Chunk, clock: Clock) {
        let is_entry = chunk.entry.is_some();
        if let Some(tables) = &chunk.entry {
            self.tables = tables.clone();
        }
        let tables = self.tables.clone();
        let (last_clock, last_at) = self.latest.unwrap_or((None, chunk.at));
        let begins = clock.begins.or(last_clock);
        self.latest = Some((clock.ends.or(begins), chunk.at));
        let (at, run) = (chunk.at, chunk.run);
        let here = |clock, discontinuity| Begun { chunk: number, clock, at, run, discontinuity, tables };
        let Some(begun) = self.begun.clone() else {
            self.begun = is_entry.then(|| here(begins, false));
            return;
        };
        let leaps = |to: Option<u64>| {
            let step = last_clock.zip(to).map(|(from, to)| Duration::from_millis(ts::elapsed(from, to) / 90));
            step.is_some_and(|step| step > LEAP)
        };
        let is_broken = begun.run != chunk.run || leaps(clock.begins) || leaps(clock.ends);
        if is_broken {
            self.target.break_off();
            let duration = begun.until(last_clock, last_at);
            if duration >= SPLINTER {
                self.end(begun, number, duration);
            }
            self.begun = Some(here(clock.begins.or(clock.ends), true));
            return;
        }
        let duration = begun.until(begins, chunk.at);
        if is_entry {
            self.target.key_frame(duration);
        }
        let is_too_long = begun.until(clock.ends, chunk.at) > self.target.longest();
        if is_entry && duration >= self.target.shortest() || is_too_long && begun.chunk < number {
            self.end(begun, number, duration);
            self.begun = Some(here(begins, false));
        }
    }

    fn end(&mut self, begun: Begun, number: u64, duration: Duration) {
        let from = usize::try_from(begun.chunk.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.parts.push_back(Part {
            number: self.numbered,
            first: begun.chunk,
            end: number,
            bytes: self.chunks.iter().skip(from).map(|chunk| chunk.bytes.len()).sum(),
            duration,
            discontinuity: begun.discontinuity,
            tables: begun.tables,
            file: Arc::default(),
        });
        self.numbered += 1;
        self.target.ended(duration);
    }

    /// The first chunk that players of HLS may still ask for. RFC 8216 (6.2.2) wants three target durations listed,
    /// and what has left the list to be there for as long as the list plays.
    fn needed(&self, now: Instant) -> u64 {
        let is_asked = self.asked.is_some_and(|at| now.saturating_duration_since(at) < ASKED);
        let Some(begun) = self.begun.as_ref().filter(|_| is_asked) else { return u64::MAX };
        let target = self.target.duration();
        let (mut needed, mut newer, mut bytes) = (begun.chunk, Duration::ZERO, 0);
        for part in self.parts.iter().rev() {
            bytes += part.bytes;
            if newer >= target * 4 && (newer >= target * 8 || bytes > LATE_BYTES) {
                break;
            }
            needed = part.first;
            newer += part.duration;
        }
        needed
    }

    /// The chunk at `place`; with `None`, and for a viewer who has fallen out of the ring, the
    /// newest one that a player can begin with.
    pub fn after(&mut self, place: Option<u64>, waker: &Waker) -> After {
        let found = match place {
            Some(place) if place >= self.first => self.chunk(place).map(|chunk| (place, chunk)),
            _ => self.newest_entry(),
        };
        match found {
            Some((number, chunk)) => After::Chunk(number, chunk.clone()),
            None if self.closed => After::Closed,
            None => {
                self.wait(waker);
                After::Nothing
            }
        }
    }

    /// All that is held from `place` on, or at all if that is no longer held, and the number of the first of it.
    pub fn since(&self, place: Option<u64>) -> (u64, Vec<Chunk>) {
        let from = place.unwrap_or(0).max(self.first);
        let skipped = usize::try_from(from - self.first).unwrap_or(usize::MAX);
        (from, self.chunks.iter().skip(skipped).cloned().collect())
    }

    /// Wakes the task with the next chunk.
    pub fn wait(&mut self, waker: &Waker) {
        if !self.waiting.iter().rev().take(8).any(|waiting| waiting.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }

    /// Whether a player could begin now.
    pub fn has_entry(&self) -> bool {
        self.newest_entry().is_some()
    }

    /// Nothing more comes; what is held can still be watched to its end.
    #[must_use]
    pub fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        std::mem::take(&mut self.waiting)
    }

    /// More may come again.
    pub fn open(&mut self) {
        self.closed = false;
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Forgets what is held: a stream that stopped shows nobody old pictures when it starts again.
    pub fn forget(&mut self) {
        self.first += self.chunks.len() as u64;
        self.chunks = VecDeque::new();
        self.bytes = 0;
        self.forgotten += self.parts.iter().filter(|part| part.discontinuity).count() as u64;
        self.parts = VecDeque::new();
        (self.begun, self.latest, self.target) = (None, None, Target::default());
    }

    /// A player of HLS is there: segments are held for it.
    pub fn ask(&mut self, now: Instant) {
        self.asked = Some(now);
    }

    /// Whether a playlist holds as much as players need to begin without a stop.
    pub fn is_listed(&self) -> bool {
        let total: Duration = self.parts.iter().map(|part| part.duration).sum();
        self.parts.len() > 1 && total + INEXACT >= self.target.enough()
    }

    /// Whether there is any segment.
    pub fn has_segment(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The target duration.
    pub fn reload(&self) -> Duration {
        self.target.duration()
    }

    /// What a live media playlist shows now: as few segments as make three target durations, so that those before
    /// them can still be fetched by a player that has just read it.
    pub fn segments(&mut self) -> Segments {
        self.target.settle();
        let target = self.target.duration();
        let mut newer = Duration::ZERO;
        let listed = self.parts.iter().rev().take_while(|part| {
            let is_listed = newer < target * 3;
            newer += part.duration;
            is_listed
        });
        let old = self.parts.len() - listed.count();
        let shown = self.parts.iter().skip(old);
        Segments {
            target: target.as_secs(),
            first: shown.clone().next().map_or(self.numbered, |part| part.number),
            discontinuities: self.forgotten
                + self.parts.iter().take(old).filter(|part| part.discontinuity).count() as u64,
            listed: shown
                .map(|part| ListedSegment {
                    number: part.number,
                    duration: part.duration,
                    discontinuity: part.discontinuity,
                })
                .collect(),
        }
    }

    /// The segment of that number, while it is held.
    pub fn segment(&self, number: u64) -> Option<Segment> {
        let part = self.parts.iter().find(|part| part.number == number)?;
        let from = usize::try_from(part.first.checked_sub(self.first)?).ok()?;
        let count = usize::try_from(part.end - part.first).ok()?;
        let range = self.chunks.iter().skip(from).take(count);
        let tables = std::iter::once(part.tables.clone());
        let chunks: Vec<Bytes> = tables.chain(range.map(|chunk| chunk.bytes.clone())).collect();
        Some(Segment::new(chunks, part.file.clone()))
    }

    fn chunk(&self, number: u64) -> Option<&Chunk> {
        usize::try_from(number.checked_sub(self.first)?).ok().and_then(|place| self.chunks.get(place))
    }

    fn newest_entry(&self) -> Option<(u64, &Chunk)> {
        let place = self.chunks.iter().rposition(|chunk| chunk.entry.is_some())?;
        Some((self.first + place as u64, &self.chunks[place]))
    }
}

impl Chunk {
    /// A chunk of that run; `entry` if a player can begin with it.
    pub fn new(bytes: Bytes, entry: Option<Bytes>, run: u64, at: Instant) -> Self {
        Self { bytes, entry, run, at, clock: Clock::default() }
    }
}

#[cfg(test)]
mod tests;
