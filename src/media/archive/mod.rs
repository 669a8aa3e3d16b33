//! What was recorded of streams: files of about a minute in folders by stream, day and hour, UTC. The folder is the index; what
//! there is in all is kept in memory.

mod book;
mod cut;
mod delete;
mod disk;
mod film;
mod listed;
mod part;
mod piece;
mod recorder;
mod recording;
mod sent;
mod timeline;

use std::{
    collections::{BTreeSet, HashMap},
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use crate::domain::{fields::time::UnixTime, ids::StreamId};
use book::Book;
pub use book::Totals;
pub use cut::Cutting;
pub use disk::Disk;
pub use listed::{ListedSegment, SegmentName};
use piece::{HOUR, StreamFolder};
pub use piece::{LONGEST as LONGEST_PIECE, Piece};
pub use recorder::Recorder;
pub use sent::{Span, Spans};

/// Locked by the server whose recordings lie beside it.
const LOCK: &str = "linecard.lock";
/// How often an hour that changes while it is read is read again before that is left to the next start.
const TRIES: usize = 5;

/// A round of who records that takes longer waits for a disk that does not answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether a stream is recorded now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is; this many bytes of the piece under way are written.
    Recording(u64),
    /// It is not, for this reason.
    Not(String),
}

/// The recordings of this server's streams.
#[derive(Clone)]
pub struct Archive(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    /// Whether the folder is made where it is missing: one that was named may be that of a disk that is gone.
    is_made: bool,
    books: Mutex<HashMap<StreamId, Book>>,
    /// Whether everything that was there at the start is known.
    is_read: AtomicBool,
    /// Why nothing is recorded at all.
    paused: Mutex<Option<String>>,
    states: Mutex<HashMap<StreamId, State>>,
    /// When who records last began a round, once he has.
    beat: Mutex<Option<Instant>>,
    /// The data folder.
    data: PathBuf,
    disk: Mutex<Option<Disk>>,
    /// The lock on the folder, and which folder that was: its device and its inode.
    claim: Mutex<Option<((u64, u64), File)>>,
    /// Told of every piece that is whole.
    pieces: watch::Sender<()>,
}

impl Archive {
    /// The recordings below that folder, of which nothing is known before [`Archive::read`]. It is made where it is missing, or else
    /// waited for: it may be that of a disk. `data` is the data folder, for which more room is left on its disk.
    pub fn below(folder: PathBuf, is_made: bool, data: PathBuf) -> Self {
        Self(Arc::new(Inner {
            folder,
            is_made,
            books: Mutex::default(),
            is_read: AtomicBool::new(false),
            paused: Mutex::default(),
            states: Mutex::default(),
            beat: Mutex::default(),
            data,
            disk: Mutex::default(),
            claim: Mutex::default(),
            pieces: watch::Sender::new(()),
        }))
    }

    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// The pieces of a stream that overlap the time from `from_ms` up to, not including, `to_ms`, in unix milliseconds, oldest first.
    /// It lists the folder of each of the hours, so it blocks; an hour without a folder has no pieces.
    ///
    /// # Errors
    /// What the disk says.
    pub fn pieces(&self, stream: StreamId, from_ms: u64, to_ms: u64) -> io::Result<Vec<Piece>> {
        let hours: Vec<u64> = {
            let books = self.books();
            let Some(book) = books.get(&stream) else { return Ok(Vec::new()) };
            let before = from_ms.saturating_sub(piece::LONGEST);
            book.hours(before / HOUR, to_ms.saturating_sub(1) / HOUR).collect()
        };
        let mut found = Vec::new();
        for hour in hours {
            found.extend(self.place(stream).pieces(hour)?);
        }
        found.retain(|piece| piece.start < to_ms && from_ms < piece.end());
        found.sort_by_key(|piece| piece.start);
        Ok(found)
    }

    /// Whether at least half of that time of a stream is recorded. From memory: cheap enough to be asked for each programme of a guide.
    pub fn is_recorded(&self, stream: StreamId, from: UnixTime, to: UnixTime) -> bool {
        let ms = |time: UnixTime| time.seconds().unsigned_abs() * 1000;
        let (from, to) = (ms(from), ms(to));
        from < to && self.recorded(stream, from, to) * 2 >= to - from
    }

    /// How much of the time between two moments of a stream is recorded; all in milliseconds, from memory.
    pub fn recorded(&self, stream: StreamId, from_ms: u64, to_ms: u64) -> u64 {
        self.books().get(&stream).map_or(0, |book| book.recorded(from_ms, to_ms))
    }

    /// When what is recorded of a stream begins, in unix milliseconds; `None` if nothing is.
    pub fn oldest(&self, stream: StreamId) -> Option<u64> {
        self.books().get(&stream).and_then(Book::oldest)
    }

    /// The streams of which anything is recorded, by their ids, and when that begins, in unix milliseconds.
    pub fn begins(&self) -> Vec<(StreamId, u64)> {
        let books = self.books();
        let mut begins: Vec<_> = books.iter().filter_map(|(id, book)| Some((*id, book.oldest()?))).collect();
        begins.sort_unstable_by_key(|(id, _)| *id);
        begins
    }

    /// When what is recorded of a stream ends, in unix milliseconds; `None` if nothing is.
    pub fn newest(&self, stream: StreamId) -> Option<u64> {
        self.books().get(&stream).and_then(Book::newest)
    }

    /// Waits until what is recorded of a stream ends later than at `than_ms`, in unix milliseconds, and says when it ends. It waits
    /// for ever where nothing is recorded any more: callers bound it.
    pub async fn newer(&self, stream: StreamId, than_ms: u64) -> u64 {
        let mut pieces = self.0.pieces.subscribe();
        loop {
            match self.newest(stream).filter(|end| *end > than_ms) {
                Some(end) => return end,
                // Who tells is held by this archive.
                None => drop(pieces.changed().await),
            }
        }
    }

    /// What is recorded of every stream of which anything is, by their ids.
    pub fn totals(&self) -> Vec<(StreamId, Totals)> {
        let mut totals: Vec<_> = self.books().iter().map(|(id, book)| (*id, book.totals())).collect();
        totals.retain(|(_, totals)| totals.pieces > 0);
        totals.sort_unstable_by_key(|(id, _)| *id);
        totals
    }

    /// What is recorded of one stream.
    pub fn totals_of(&self, stream: StreamId) -> Option<Totals> {
        self.books().get(&stream).map(Book::totals).filter(|totals| totals.pieces > 0)
    }

    /// Reads what is there, the newest hours first: all of it at the start, later what has come or gone without our doing. It blocks
    /// for as long as listing every folder takes.
    ///
    /// # Errors
    /// What the disk says; what was read until then counts.
    pub fn read(&self) -> io::Result<()> {
        let mut unread = Vec::new();
        let there = piece::streams(&self.0.folder)?;
        let known = self.books().keys().copied().collect::<BTreeSet<_>>();
        for stream in there.into_iter().chain(known).collect::<BTreeSet<_>>() {
            // Before the folders: an hour that begins meanwhile is in neither.
            let known: BTreeSet<u64> =
                self.books().get(&stream).map(|book| book.hours(0, u64::MAX).collect()).unwrap_or_default();
            let found: BTreeSet<u64> = self.place(stream).hours()?.into_iter().collect();
            unread.extend(known.symmetric_difference(&found).map(|hour| (*hour, stream)));
        }
        unread.sort_unstable_by(|one, other| other.cmp(one));
        unread.into_iter().try_for_each(|(hour, stream)| self.read_hour(stream, hour))?;
        self.0.is_read.store(true, SeqCst);
        Ok(())
    }

    /// Whether everything that was there at the start is known.
    pub fn is_read(&self) -> bool {
        self.0.is_read.load(SeqCst)
    }

    /// Records nothing until `why` is `None`; it is a whole reason.
    pub fn pause(&self, why: Option<String>) {
        let mut paused = self.0.paused.lock();
        if let Some(why) = why.as_ref().filter(|_| paused.is_none()) {
            log::warn!("recording pauses: {why}");
        } else if why.is_none() && paused.is_some() {
            log::warn!("recording goes on");
        }
        *paused = why;
    }

    /// Why nothing is recorded.
    pub fn paused(&self) -> Option<String> {
        self.0.paused.lock().clone()
    }

    /// Which streams are recorded now, and why others are not that should be.
    pub fn states(&self) -> HashMap<StreamId, State> {
        let mut states = self.0.states.lock().clone();
        let beat = *self.0.beat.lock();
        if beat.is_some_and(|at| at.elapsed() > PATIENCE) {
            let why = format!("the disk of {} does not answer", self.0.folder.display());
            for state in states.values_mut() {
                *state = State::Not(why.clone());
            }
        }
        states
    }

    /// Who records begins a round.
    fn beat(&self) {
        *self.0.beat.lock() = Some(Instant::now());
    }

    fn tell(&self, stream: StreamId, state: State) {
        self.0.states.lock().insert(stream, state);
    }

    fn forget_state(&self, stream: StreamId) {
        self.0.states.lock().remove(&stream);
    }

    /// Sees to the folder itself.
    fn make_folder(&self) -> io::Result<()> {
        if self.0.is_made {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0.folder)?;
        }
        self.claim()
    }

    /// Locks the folder, so that no other server records into it or deletes in it. It blocks.
    ///
    /// # Errors
    /// There is no folder, or another server has locked it.
    pub fn claim(&self) -> io::Result<()> {
        let about = fs::metadata(&self.0.folder)?;
        let folder = (about.dev(), about.ino());
        let mut claim = self.0.claim.lock();
        if claim.as_ref().is_some_and(|(of, _)| *of == folder) {
            return Ok(());
        }
        *claim = None;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.0.folder.join(LOCK));
        // Where nothing can be written, recording says so.
        let Ok(file) = file else { return Ok(()) };
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            let words = format!(
                "another server records into {}: give each one a folder of its own with --archive",
                self.0.folder.display()
            );
            return Err(io::Error::other(words));
        }
        // Not every file system has locks.
        *claim = Some((folder, file));
        Ok(())
    }

    /// Reads the newest hour of a stream.
    fn read_newest(&self, stream: StreamId) -> io::Result<()> {
        let newest = self.place(stream).hours()?.into_iter().max();
        newest.map_or(Ok(()), |hour| self.read_hour(stream, hour))
    }

    /// Reads an hour of a stream. A piece that is added or deleted meanwhile makes it be read again.
    fn read_hour(&self, stream: StreamId, hour: u64) -> io::Result<()> {
        for _ in 0..TRIES {
            let before = self.books().entry(stream).or_default().changes;
            let pieces = self.place(stream).pieces(hour)?;
            let mut books = self.books();
            let book = books.entry(stream).or_default();
            if book.changes == before {
                book.set(hour, &pieces);
                break;
            }
        }
        Ok(())
    }

    /// Counts a piece that has just become whole, the newest of its stream, and tells those who wait for it.
    pub fn add(&self, stream: StreamId, piece: &Piece) {
        self.books().entry(stream).or_default().add(piece);
        self.0.pieces.send_replace(());
    }

    fn place(&self, stream: StreamId) -> StreamFolder {
        StreamFolder::of(&self.0.folder, stream)
    }

    fn books(&self) -> MutexGuard<'_, HashMap<StreamId, Book>> {
        self.0.books.lock()
    }
}

#[cfg(test)]
mod tests;
