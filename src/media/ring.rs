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
    ts,
};

/// What the ring holds at most, in bytes: 16 seconds of 8 Mbit/s.
pub const MOST_BYTES: usize = 16 << 20;
/// What it holds at most, in time.
pub const MOST_TIME: Duration = Duration::from_secs(30);
/// A segment ends at the first key frame after so much.
const SEGMENT: Duration = Duration::from_secs(3);
/// Segments that a playlist names at most; older ones stay for players that are late.
const LISTED: usize = 6;

/// Packets that are sent together.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The packets.
    pub bytes: Bytes,
    /// PAT and PMT, if a player can begin with this chunk.
    pub entry: Option<Bytes>,
    /// Which run of ffmpeg it came from; also another one when the picture has changed.
    pub run: u64,
    at: Instant,
}

/// A part of the stream for HLS: the chunks from `first` up to, not including, `end`.
#[derive(Clone, Debug)]
struct Part {
    number: u64,
    first: u64,
    end: u64,
    duration: Duration,
    discontinuity: bool,
    file: Arc<SharedFile>,
}

/// A segment in a playlist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listed {
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
    /// The longest so far, in whole seconds.
    pub target: u64,
    /// Discontinuities that have left the playlist.
    pub discontinuities: u64,
    /// The segments, oldest first.
    pub listed: Vec<Listed>,
}

/// The ring itself.
#[derive(Default)]
pub struct Ring {
    chunks: VecDeque<Chunk>,
    /// The number of the first chunk that is held.
    first: u64,
    bytes: usize,
    parts: VecDeque<Part>,
    /// Where the segment under way began: its first chunk, its clock, its time, its run.
    begun: Option<Begun>,
    numbered: u64,
    /// Discontinuities of segments that are no longer held.
    forgotten: u64,
    /// The longest segment so far: what playlists say of it may grow with it, but never shrinks.
    longest: Duration,
    closed: bool,
    waiting: Vec<Waker>,
}

#[derive(Clone, Copy)]
struct Begun {
    chunk: u64,
    clock: Option<u64>,
    at: Instant,
    run: u64,
    discontinuity: bool,
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
    /// Adds a chunk; `clock` is the program clock of one that players can begin with. The wakers
    /// are for the caller, when the lock is gone.
    #[must_use]
    pub fn push(&mut self, chunk: Chunk, clock: Option<u64>) -> Vec<Waker> {
        let number = self.first + self.chunks.len() as u64;
        if chunk.entry.is_some() {
            self.cut(number, &chunk, clock);
        }
        self.bytes += chunk.bytes.len();
        let newest = chunk.at;
        self.chunks.push_back(chunk);
        while let Some(oldest) = self.chunks.front() {
            if self.bytes <= MOST_BYTES && newest.duration_since(oldest.at) <= MOST_TIME {
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

    /// Ends or begins a segment at a chunk that players can begin with.
    fn cut(&mut self, number: u64, chunk: &Chunk, clock: Option<u64>) {
        let begun = self.begun;
        let mut jumped = false;
        if let Some(begun) = begun {
            let duration = match (begun.clock, clock) {
                (Some(from), Some(to)) if begun.run == chunk.run => {
                    Duration::from_millis(ts::elapsed(from, to) / 90)
                }
                _ => chunk.at.duration_since(begun.at),
            };
            // A clock that jumped says nothing.
            jumped = begun.run == chunk.run && duration > MOST_TIME;
            let duration = if jumped { chunk.at.duration_since(begun.at) } else { duration };
            if begun.run == chunk.run && !jumped && duration < SEGMENT {
                return;
            }
            self.longest = self.longest.max(duration);
            self.parts.push_back(Part {
                number: self.numbered,
                first: begun.chunk,
                end: number,
                duration,
                discontinuity: begun.discontinuity,
                file: Arc::default(),
            });
            self.numbered += 1;
        }
        let discontinuity = jumped || begun.is_some_and(|begun| begun.run != chunk.run);
        self.begun = Some(Begun { chunk: number, clock, at: chunk.at, run: chunk.run, discontinuity });
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
        self.chunks.clear();
        self.bytes = 0;
        self.forgotten += self.parts.iter().filter(|part| part.discontinuity).count() as u64;
        self.parts.clear();
        self.begun = None;
    }

    /// What a live media playlist shows now. The oldest segments are left out while enough others
    /// are there: a player that has just read the playlist must still find them.
    pub fn segments(&self) -> Segments {
        let listed = match self.parts.len() {
            held @ 0..=3 => held,
            held => (held - 1).min(LISTED),
        };
        let (old, shown) = (self.parts.len() - listed, self.parts.iter());
        // Rounded to the nearest second, as RFC 8216 (4.3.3.1) compares them.
        let target = u64::try_from((self.longest.max(SEGMENT).as_millis() + 500) / 1000).unwrap_or(u64::MAX);
        Segments {
            target,
            discontinuities: self.forgotten
                + self.parts.iter().take(old).filter(|part| part.discontinuity).count() as u64,
            listed: shown
                .skip(old)
                .map(|part| Listed {
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
        let tables = range.clone().next()?.entry.clone();
        let chunks: Vec<Bytes> = tables.into_iter().chain(range.map(|chunk| chunk.bytes.clone())).collect();
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
        Self { bytes, entry, run, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Feed {
        ring: Ring,
        start: Instant,
    }

    impl Feed {
        fn new() -> Self {
            Self { ring: Ring::default(), start: Instant::now() }
        }

        /// A chunk of so many bytes at that second; `key` if a player can begin with it.
        fn push(&mut self, second: u64, bytes: usize, key: bool, run: u64) {
            let entry = key.then(|| Bytes::from_static(b"tables"));
            let at = self.start + Duration::from_secs(second);
            let chunk = Chunk::new(vec![u8::try_from(second % 256).unwrap(); bytes].into(), entry, run, at);
            let _ = self.ring.push(chunk, key.then_some(second * 90_000));
        }

        fn after(&mut self, place: Option<u64>) -> Option<(u64, u8)> {
            match self.ring.after(place, Waker::noop()) {
                After::Chunk(number, chunk) => Some((number, chunk.bytes[0])),
                After::Nothing | After::Closed => None,
            }
        }
    }

    #[test]
    fn a_viewer_begins_with_the_newest_key_frame_and_goes_on_chunk_by_chunk() {
        let mut feed = Feed::new();
        for (second, key) in [(0, true), (1, false), (2, true), (3, false)] {
            feed.push(second, 10, key, 0);
        }
        assert_eq!(feed.after(None), Some((2, 2)));
        assert_eq!(feed.after(Some(3)), Some((3, 3)));
        assert_eq!(feed.after(Some(4)), None);
    }

    #[test]
    fn it_is_bounded_in_bytes_and_a_late_viewer_goes_on_at_a_key_frame() {
        let mut feed = Feed::new();
        for second in 0..64 {
            feed.push(second / 16, 1 << 20, second % 8 == 0, 0);
        }
        assert!(feed.ring.bytes <= MOST_BYTES);
        assert_eq!(feed.after(Some(1)).map(|(number, _)| number), Some(56));
    }

    #[test]
    fn it_is_bounded_in_time() {
        let mut feed = Feed::new();
        (0..100).for_each(|second| feed.push(second, 10, true, 0));
        assert_eq!(feed.ring.chunks.len(), 31);
        assert_eq!(feed.ring.first, 69);
    }

    #[test]
    fn segments_are_cut_at_the_first_key_frame_after_three_seconds() {
        let mut feed = Feed::new();
        for second in 0..=12 {
            feed.push(second, 10, second % 2 == 0, 0);
        }
        let segments = feed.ring.segments();
        let shape: Vec<_> =
            segments.listed.iter().map(|part| (part.number, part.duration.as_secs())).collect();
        assert_eq!(shape, [(0, 4), (1, 4), (2, 4)]);
        assert_eq!(segments.target, 4);
        let segment = feed.ring.segment(1).unwrap();
        assert_eq!(segment.length(), 6 + 40);
        assert_eq!(segment.chunks().iter().map(|bytes| bytes[0]).collect::<Vec<_>>(), [b't', 4, 5, 6, 7]);
        assert!(feed.ring.segment(3).is_none());
    }

    #[test]
    fn a_new_run_is_a_discontinuity_and_numbers_go_on() {
        let mut feed = Feed::new();
        feed.push(0, 10, true, 0);
        feed.push(1, 10, true, 1);
        feed.push(5, 10, true, 1);
        feed.push(9, 10, true, 1);
        let shape: Vec<_> =
            feed.ring.segments().listed.iter().map(|part| (part.number, part.discontinuity)).collect();
        assert_eq!(shape, [(0, false), (1, true), (2, false)]);
        feed.ring.forget();
        assert_eq!(feed.ring.segments().listed, []);
        assert_eq!(feed.ring.segments().discontinuities, 1);
        feed.push(20, 10, true, 2);
        feed.push(24, 10, true, 2);
        assert_eq!(feed.ring.segments().listed[0].number, 3);
        assert_eq!(feed.after(Some(1)), Some((5, 24)), "nobody sees what was forgotten");
    }

    #[test]
    fn what_is_listed_stays_for_a_while_after_it_has_left_the_list() {
        let mut feed = Feed::new();
        (0..=28).for_each(|second| feed.push(second, 10, second % 4 == 0, 0));
        let first = feed.ring.segments().listed[0].number;
        assert!(first > 0 && feed.ring.segment(first - 1).is_some());
    }

    #[test]
    fn a_closed_ring_ends_its_viewers() {
        let mut feed = Feed::new();
        feed.push(0, 10, true, 0);
        let _ = feed.ring.close();
        assert!(matches!(feed.ring.after(Some(1), Waker::noop()), After::Closed));
    }
}
