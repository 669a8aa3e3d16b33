//! Whether anybody but SQLite wrote to the database. SQLite writes into it only to move its log there.
//!
//! Checkpoints of this process hold the watch: what changes the file outside of them is none of ours. It is another
//! process's SQLite if that says in the index of the log (<https://sqlite.org/walformat.html>) that it moves the log, or if
//! it has committed lately. The pages themselves are not compared with the log: they change meanwhile, and a good log must not
//! be called lost. So what is copied over the database while another process writes to it is seen by its head alone.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    log_file::{self, Log},
    overwritten::{self, Spoilt},
    writes::Writes,
};

/// A write is told once it is done, and its time is set when it begins: for so long the two are waited for.
const TOLD: Duration = Duration::from_millis(20);
/// For so long after another process has written, its SQLite may move the log at any moment, and write before we see that it
/// says so.
const SHARED: Duration = Duration::from_mins(1);

/// The files, open until the process ends: to close any handle of a file gives up every lock that the process has on it.
pub struct Opened {
    pub database: File,
    pub log: Option<File>,
    pub index: Option<File>,
}

impl Opened {
    /// What the index says of the log.
    pub fn told(&self) -> Log {
        self.index.as_ref().map(Log::of).unwrap_or_default()
    }

    /// The number of the last commit to the database, whoever's it was.
    pub fn last_commit(&self) -> Option<u32> {
        log_file::last_commit(self.index.as_ref()?)
    }

    /// When the log was last written.
    pub fn log_written(&self) -> Option<(i64, i64, u64)> {
        written(self.log.as_ref()?).ok()
    }

    /// Whether the log holds what its index says, to the last byte.
    fn is_log_whole_throughout(&self) -> bool {
        let files = self.log.as_ref().zip(self.index.as_ref());
        files.is_none_or(|(log, index)| log_file::is_whole_throughout(log, index))
    }

    /// Whether the beginning and the end of the log are what its index says.
    pub fn is_log_whole(&self) -> bool {
        let files = self.log.as_ref().zip(self.index.as_ref());
        files.is_none_or(|(log, index)| log_file::is_whole(log, index))
    }
}

/// What is known of the database file.
pub struct Watch {
    path: PathBuf,
    files: Arc<Opened>,
    /// `None` where the kernel does not tell of writes: a touch is taken for one there.
    writes: Option<Writes>,
    /// The kernel told of a write that was not looked into yet.
    is_told: bool,
    head: Head,
    last: Look,
    /// When another process was last seen to have written.
    others_wrote: Option<Instant>,
    pub spoilt: Option<Spoilt>,
}

/// What a look at the files found.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    written: (i64, i64, u64),
    told: Log,
}

/// The beginning of the database: what never changes of it, and the counter of its changes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    kind: [u8; 20],
    changes: u32,
}

impl Watch {
    /// Of a database that is open and was read.
    ///
    /// # Errors
    /// The system's.
    pub fn of(path: PathBuf, files: Arc<Opened>) -> io::Result<Self> {
        // In this order: what another process moves meanwhile is announced behind it.
        let (told, writes) = (files.told(), Writes::to(&path));
        let written = written(&files.database)?;
        let head = Head::of(&files.database)?;
        let last = Look { written, told };
        Ok(Self { path, files, writes, is_told: false, head, last, others_wrote: None, spoilt: None })
    }

    /// Looks at the database and its log; `others_wrote` says whether another process has committed since the last look
    /// began.
    pub fn look(&mut self, others_wrote: impl Fn() -> bool) {
        if self.spoilt.is_some() {
            return;
        }
        if others_wrote() {
            self.others_wrote = Some(Instant::now());
        }
        let found = if self.is_written_over(others_wrote) {
            Some(Spoilt::Database)
        } else {
            (!self.files.is_log_whole()).then_some(Spoilt::Log)
        };
        if let Some(what) = found {
            self.spoil(what);
        }
    }

    /// Looks through the whole log, which somebody has written to.
    pub fn look_through_log(&mut self) {
        if self.spoilt.is_none() && !self.files.is_log_whole_throughout() {
            self.spoil(Spoilt::Log);
        }
    }

    /// Moves the log by `work`, unless something happened to the database that was not looked into yet.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn during<E>(&mut self, work: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if self.spoilt.is_some() || self.has_news() {
            return Ok(());
        }
        let done = work();
        // Told before it is looked at: what is told later is looked into later.
        let told = self.files.told();
        if let Some(writes) = &self.writes {
            writes.any();
        }
        let Ok(written) = written(&self.files.database) else { return done };
        if self.follows() {
            self.keep(written, told);
        } else {
            self.spoil(Spoilt::Database);
        }
        done
    }

    /// Whether the file is not as the last look left it.
    fn has_news(&mut self) -> bool {
        self.is_told |= self.writes.as_ref().is_some_and(Writes::any);
        self.is_told
            || written(&self.files.database).is_ok_and(|written| written != self.last.written)
            || Head::of(&self.files.database).is_ok_and(|head| head != self.head)
    }

    /// SQLite says that it moves its log before it does: so what is read before the file was looked at is remembered,
    /// and what is read after it is compared.
    fn is_written_over(&mut self, others_wrote: impl Fn() -> bool) -> bool {
        let before = self.files.told();
        let Ok(written) = written(&self.files.database) else { return false };
        if !self.has_news() || self.is_touched(written) {
            self.last = Look { written, told: before };
            return false;
        }
        if others_wrote() {
            self.others_wrote = Some(Instant::now());
        }
        let (last, now) = (self.last.told, self.files.told());
        let is_anew = now.salt != last.salt;
        let moved = if is_anew { (0, 0) } else { (last.moved, last.begun) };
        let is_announced = (now.moved, now.begun) != moved || now.begun > now.moved;
        let holds = (self.is_shared() || is_announced) && self.follows();
        if holds {
            self.keep(written, before);
        }
        !holds
    }

    /// Whether only the times of the database have changed: as long as it was, with the same head, and nobody wrote to it.
    fn is_touched(&mut self, written: (i64, i64, u64)) -> bool {
        if self.is_told
            || self.writes.is_none()
            || written.2 != self.last.written.2
            || Head::of(&self.files.database).ok() != Some(self.head)
        {
            return false;
        }
        std::thread::sleep(TOLD);
        self.is_told = self.writes.as_ref().is_some_and(Writes::any);
        !self.is_told
    }

    fn is_shared(&self) -> bool {
        self.others_wrote.is_some_and(|at| at.elapsed() < SHARED)
    }

    fn follows(&self) -> bool {
        Head::of(&self.files.database).is_ok_and(|head| head.may_follow(&self.head))
    }

    fn keep(&mut self, written: (i64, i64, u64), told: Log) {
        self.last = Look { written, told };
        self.is_told = false;
        if let Ok(head) = Head::of(&self.files.database) {
            self.head = head;
        }
    }

    fn spoil(&mut self, what: Spoilt) {
        self.spoilt = Some(what);
        overwritten::note(&self.path, what);
    }
}

/// When the file was last written, to a nanosecond, and its length.
fn written(file: &File) -> io::Result<(i64, i64, u64)> {
    let found = file.metadata()?;
    Ok((found.mtime(), found.mtime_nsec(), found.len()))
}

impl Head {
    fn of(file: &File) -> io::Result<Self> {
        let mut head = [0; 28];
        file.read_exact_at(&mut head, 0)?;
        let mut kind = [0; 20];
        kind.copy_from_slice(&head[..20]);
        Ok(Self { kind, changes: u32::from_be_bytes([head[24], head[25], head[26], head[27]]) })
    }

    /// Whether a database with that beginning may have become one with this: the counter only rises, until it wraps.
    fn may_follow(&self, before: &Self) -> bool {
        self.kind == before.kind && self.changes.wrapping_sub(before.changes) < u32::MAX / 2
    }
}
