//! The files of the database in their place: what is written to one that was removed, replaced or copied over is lost.
//!
//! A few calls of the system for each transaction: which file has the name, and whether the database was written by
//! anybody but SQLite; a touch changes its time, and nothing that is lost.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use super::{
    fault,
    overwritten::Spoilt,
    watch::{Opened, Watch},
};
use crate::domain::Result;

/// Which files on the disk the database is.
pub struct Files {
    path: PathBuf,
    /// With the ends of their names; the log and its index as SQLite opened them.
    ids: Vec<(&'static str, FileId)>,
    mover: Mover,
    /// What SQLite raises when another process has committed.
    version: Option<i64>,
    /// When the log was last written, as this knows.
    log_written: Option<(i64, i64, u64)>,
}

/// The way to move the log into the database: one at a time, and seen by those who watch the file.
#[derive(Clone)]
pub struct Mover {
    files: Arc<Opened>,
    watch: Arc<Mutex<Watch>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    fn of(found: &Metadata) -> Self {
        Self(found.dev(), found.ino())
    }
}

impl Files {
    /// The files as they are now, of a database that is open and was read by `conn`.
    ///
    /// # Errors
    /// The system's.
    pub fn of(path: PathBuf, conn: &Connection) -> io::Result<Self> {
        let version = data_version(conn);
        let mut ids = vec![("", FileId::of(&std::fs::metadata(&path)?))];
        for end in ["-wal", "-shm"] {
            if let Ok(found) = std::fs::metadata(beside(&path, end)) {
                ids.push((end, FileId::of(&found)));
            }
        }
        let open = |end| File::open(beside(&path, end));
        let files =
            Arc::new(Opened { database: open("")?, log: open("-wal").ok(), index: open("-shm").ok() });
        let watch = Arc::new(Mutex::new(Watch::of(path.clone(), files.clone())?));
        let log_written = files.log_written();
        Ok(Self { path, ids, mover: Mover { files, watch }, version, log_written })
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files themselves, for those who look at them.
    pub fn opened(&self) -> Arc<Opened> {
        self.mover.files.clone()
    }

    /// The way to move the log.
    pub fn mover(&self) -> Mover {
        self.mover.clone()
    }

    /// Whether the database or its log was written over since they were opened: then the log must not be moved into the
    /// database any more.
    pub fn is_overwritten(&self) -> bool {
        self.mover.lock().spoilt.is_some()
    }

    /// Whether every file is still the one that was opened, and nobody but SQLite has written to it; `conn` is the
    /// writer's, and `has_written` whether it has since this was last asked. A log that was written to meanwhile is read
    /// as a whole.
    ///
    /// # Errors
    /// [`crate::domain::Error::Database`] that names the file and what to do.
    pub fn check(&mut self, conn: &Connection, has_written: bool) -> Result<()> {
        let log_written = self.mover.files.log_written();
        let is_news = log_written != self.log_written && !has_written;
        self.log_written = log_written;
        let spoilt = match self.mover.try_lock() {
            Some(mut watch) => {
                let (last, begun) = (self.version, data_version(conn));
                watch.look(|| data_version(conn) != last);
                self.version = begun;
                if is_news {
                    watch.look_through_log();
                }
                watch.spoilt
            }
            // The log is being moved: who does it looks at the database then.
            None => (!self.mover.files.is_log_whole()).then_some(Spoilt::Log),
        };
        match spoilt {
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
}

impl Mover {
    /// Frames of the log that are still to be moved, and all that it holds.
    pub fn frames(&self) -> (u32, u32) {
        let told = self.files.told();
        (told.frames.saturating_sub(told.moved), told.frames)
    }

    /// Moves the log by `work`, unless it is being moved, or something happened to the database that was not looked into.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn during<E>(&self, work: impl FnOnce() -> std::result::Result<(), E>) -> std::result::Result<(), E> {
        self.try_lock().map_or(Ok(()), |mut watch| watch.during(work))
    }

    fn lock(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock()
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Watch>> {
        self.watch.try_lock()
    }
}

/// Raised by SQLite when another connection has committed: the command line.
pub fn data_version(conn: &Connection) -> Option<i64> {
    let mut ask = conn.prepare_cached("PRAGMA data_version").ok()?;
    ask.query_row([], |row| row.get(0)).ok()
}

/// The name of what stands beside a file, with that end.
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
