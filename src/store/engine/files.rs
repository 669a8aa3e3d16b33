//! The files of the database in their place: what is written to one that was removed, replaced or copied over is lost.
//!
//! A few calls of the system for each transaction: which file has the name, and whether the database was written by
//! anybody but SQLite; a touch changes its time, and nothing that is lost. SQLite writes into it only to move its log there, and says so in the index of the log
//! (<https://sqlite.org/walformat.html>) before it does.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{fault, log_file, writes::Writes};
use crate::domain::Result;

/// Checkpoints of this process: one more as each begins, and one more as it ends, so an odd number while one runs.
#[derive(Clone, Default)]
pub struct Moves(Arc<AtomicU64>);

impl Moves {
    /// Counts a checkpoint as long as `work` runs.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.fetch_add(1, Ordering::SeqCst);
        let done = work();
        self.0.fetch_add(1, Ordering::SeqCst);
        done
    }
}

/// The name of the file that a server leaves behind whose database or log was written over.
const OVERWRITTEN: &str = "-overwritten";

/// What that file says.
const DATABASE_NOTE: &str = "the database was copied over\n";
const LOG_NOTE: &str = "the log was written over\n";

/// What somebody has written over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoilt {
    Database,
    Log,
}

/// Which files on the disk the database is.
pub struct Files {
    path: PathBuf,
    /// With the ends of their names; the log and its index as SQLite opened them.
    ids: Vec<(&'static str, FileId)>,
    /// Open until the process ends: to close any handle of a file gives up every lock that the process has on it.
    database: File,
    log: Option<File>,
    index: Option<File>,
    moves: Moves,
    /// `None` where the kernel does not tell of writes: a touch is taken for one there.
    writes: Option<Writes>,
    head: Head,
    last: Look,
    spoilt: Option<Spoilt>,
}

/// A write is told once it is done, and its time is set when it begins: for so long the two are waited for.
const TOLD: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    fn of(found: &Metadata) -> Self {
        Self(found.dev(), found.ino())
    }
}

/// What a look at the files found.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    written: (i64, i64, u64),
    /// Salt and checkpoints of the log's index, and the checkpoints of this process.
    moved: ([u8; 8], [u8; 4], [u8; 4], u64),
}

/// The beginning of the database: what never changes of it, and the counter of its changes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    kind: [u8; 20],
    changes: u32,
}

impl Files {
    /// The files as they are now, of a database that is open and was read.
    ///
    /// # Errors
    /// The system's.
    pub fn of(path: PathBuf) -> io::Result<Self> {
        let mut files = vec![("", FileId::of(&std::fs::metadata(&path)?))];
        for end in ["-wal", "-shm"] {
            if let Ok(found) = std::fs::metadata(beside(&path, end)) {
                files.push((end, FileId::of(&found)));
            }
        }
        let database = File::open(&path)?;
        let log = File::open(beside(&path, "-wal")).ok();
        let index = File::open(beside(&path, "-shm")).ok();
        let head = Head::of(&database)?;
        let (moves, last, writes) = (Moves::default(), Look::default(), Writes::to(&path));
        let mut place =
            Self { path, ids: files, database, log, index, moves, writes, head, last, spoilt: None };
        place.last = Look { written: place.written()?, moved: place.moved() };
        Ok(place)
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where checkpoints of this process are to be counted.
    pub fn moves(&self) -> Moves {
        self.moves.clone()
    }

    /// Whether the database or its log was written over since they were opened: then the log must not be moved into the
    /// database any more.
    pub fn is_overwritten(&self) -> bool {
        self.spoilt.is_some()
    }

    /// Whether every file is still the one that was opened, and nobody but SQLite has written to it.
    ///
    /// # Errors
    /// [`crate::domain::Error::Database`] that names the file and what to do.
    pub fn check(&mut self) -> Result<()> {
        if self.spoilt.is_none() {
            let found = if self.is_written_over() {
                Some(Spoilt::Database)
            } else {
                (!self.is_log_whole()).then_some(Spoilt::Log)
            };
            if let Some(what) = found {
                self.note_overwritten(what);
            }
        }
        match self.spoilt {
            Some(Spoilt::Database) => return Err(fault::overwritten()),
            Some(Spoilt::Log) => return Err(fault::log_overwritten()),
            None => {}
        }
        for (end, id) in &self.ids {
            let found = std::fs::metadata(beside(&self.path, end));
            if found.map(|found| FileId::of(&found)).ok() != Some(*id) {
                return Err(if end.is_empty() { fault::gone() } else { fault::log_gone(end) });
            }
        }
        Ok(())
    }

    /// SQLite says that it moves its log before it does: so what is read before the file was looked at is remembered,
    /// and what is read after it is compared.
    fn is_written_over(&mut self) -> bool {
        let before = self.moved();
        let Ok(written) = self.written() else { return false };
        let is_told = self.writes.as_ref().is_some_and(Writes::any);
        if is_told || (written != self.last.written && !self.is_touched(written)) {
            let after = self.moved();
            let is_ours = after != self.last.moved || after.3 % 2 == 1;
            match Head::of(&self.database) {
                Ok(head) if is_ours && head.may_follow(&self.head) => self.head = head,
                _ => return true,
            }
        }
        self.last = Look { written, moved: before };
        false
    }

    /// Whether only the times of the database have changed: as long as it was, with the same head, and nobody wrote to it.
    fn is_touched(&self, written: (i64, i64, u64)) -> bool {
        let Some(writes) = &self.writes else { return false };
        if written.2 != self.last.written.2 || Head::of(&self.database).ok() != Some(self.head) {
            return false;
        }
        std::thread::sleep(TOLD);
        !writes.any()
    }

    /// When the open file was last written, to a nanosecond, and its length.
    fn written(&self) -> io::Result<(i64, i64, u64)> {
        let found = self.database.metadata()?;
        Ok((found.mtime(), found.mtime_nsec(), found.len()))
    }

    fn moved(&self) -> ([u8; 8], [u8; 4], [u8; 4], u64) {
        let mut index = [0; 132];
        if let Some(file) = &self.index {
            // An index that cannot be read has not moved.
            let _ = file.read_exact_at(&mut index, 0);
        }
        let (salt, done, begun) = (part(&index, 32), part(&index, 96), part(&index, 128));
        (salt, done, begun, self.moves.0.load(Ordering::SeqCst))
    }

    fn is_log_whole(&self) -> bool {
        let files = self.log.as_ref().zip(self.index.as_ref());
        files.is_none_or(|(log, index)| log_file::is_whole(log, index))
    }

    /// Leaves a file behind that keeps the next start from mixing a log into a database to which it does not belong.
    fn note_overwritten(&mut self, what: Spoilt) {
        self.spoilt = Some(what);
        let (name, note) = match what {
            Spoilt::Database => ("", DATABASE_NOTE),
            Spoilt::Log => ("-wal", LOG_NOTE),
        };
        log::error!(
            "{}{name} was overwritten while it was open: nothing is written any more",
            self.path.display()
        );
        if let Err(error) = std::fs::write(beside(&self.path, OVERWRITTEN), note) {
            log::error!("{}{OVERWRITTEN} cannot be written: {error}", self.path.display());
        }
    }
}

impl Head {
    fn of(file: &File) -> io::Result<Self> {
        let mut head = [0; 28];
        file.read_exact_at(&mut head, 0)?;
        Ok(Self { kind: part(&head, 0), changes: u32::from_be_bytes(part(&head, 24)) })
    }

    /// Whether a database with that beginning may have become one with this: the counter only rises, until it wraps.
    fn may_follow(&self, before: &Self) -> bool {
        self.kind == before.kind && self.changes.wrapping_sub(before.changes) < u32::MAX / 2
    }
}

/// Whether a file may be opened: not if the log beside it belongs to the database that it replaced.
///
/// # Errors
/// A sentence for the operator.
pub fn may_open(path: &Path) -> Result<(), String> {
    let (note, log) = (beside(path, OVERWRITTEN), beside(path, "-wal"));
    if !note.exists() {
        return Ok(());
    }
    if std::fs::metadata(log).is_ok_and(|found| found.len() > 0) {
        let name = path.display();
        if std::fs::read_to_string(&note).is_ok_and(|text| text == LOG_NOTE) {
            return Err(format!(
                "{name}-wal was overwritten while a server had it open: its contents are lost. To continue with what {name} itself \
                 contains, delete {name}-wal and {name}-shm; to recover more, restore a backup"
            ));
        }
        return Err(format!(
            "{name} was copied over while a server had it open, and {name}-wal belongs to the former database. To continue with the \
             copy, delete {name}-wal and {name}-shm"
        ));
    }
    // The operator chose the copy.
    std::fs::remove_file(&note).map_err(|e| format!("cannot delete {}: {e}", note.display()))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|part| part.try_into().ok()).unwrap_or([0; N])
}
