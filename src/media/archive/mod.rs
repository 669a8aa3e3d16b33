//! What was recorded of streams: files of about a minute in folders by stream, day and hour, UTC. The folder is the index; what
//! there is in all is kept in memory.

mod book;
mod piece;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::domain::{fields::time::UnixTime, ids::StreamId};
use book::Book;
pub use book::Totals;
pub use piece::Piece;
use piece::{HOUR, Place};

/// How often an hour that changes while it is read is read again before that is left to the next start.
const TRIES: usize = 5;

/// The recordings of this server's streams.
#[derive(Clone)]
pub struct Archive(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    books: Mutex<HashMap<StreamId, Book>>,
    /// Told of every piece that is whole.
    pieces: watch::Sender<()>,
}

impl Archive {
    /// The recordings below that folder, of which nothing is known before [`Archive::read`].
    pub fn below(folder: PathBuf) -> Self {
        Self(Arc::new(Inner { folder, books: Mutex::default(), pieces: watch::Sender::new(()) }))
    }

    /// The folder.
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
        let recorded = self.books().get(&stream).map_or(0, |book| book.recorded(from, to));
        from < to && recorded * 2 >= to - from
    }

    /// When what is recorded of a stream begins, in unix milliseconds; `None` if nothing is.
    pub fn oldest(&self, stream: StreamId) -> Option<u64> {
        self.books().get(&stream).and_then(Book::oldest)
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

    /// Reads what is there, the newest hours first; once, at the start. It blocks for as long as listing every folder takes.
    ///
    /// # Errors
    /// What the disk says; what was read until then counts.
    pub fn read(&self) -> io::Result<()> {
        let mut hours = Vec::new();
        for stream in piece::streams(&self.0.folder)? {
            hours.extend(self.place(stream).hours()?.into_iter().map(|hour| (hour, stream)));
        }
        hours.sort_unstable_by(|one, other| other.cmp(one));
        hours.into_iter().try_for_each(|(hour, stream)| self.read_hour(stream, hour))
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

    fn place(&self, stream: StreamId) -> Place {
        Place::of(&self.0.folder, stream)
    }

    fn books(&self) -> MutexGuard<'_, HashMap<StreamId, Book>> {
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
