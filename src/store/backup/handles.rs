//! Files of a database that are looked at beside SQLite, open until the process ends: to close any handle of such a file gives
//! up every lock that the process has on it.

use std::{fs::File, io, os::unix::fs::MetadataExt, path::Path, sync::Arc};

use parking_lot::Mutex;

use crate::store::engine::files::beside;

/// Those that are open.
static OPEN: Mutex<Vec<Arc<File>>> = Mutex::new(Vec::new());

/// A database, its log and the index of that.
pub struct Handles {
    pub database: Arc<File>,
    pub log: Option<Arc<File>>,
    pub index: Option<Arc<File>>,
}

impl Handles {
    /// Those of the database of that name, which SQLite has open and has read.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(database: &Path) -> io::Result<Self> {
        Ok(Self {
            database: kept_open(database)?,
            log: if_there(&beside(database, "-wal"))?,
            index: if_there(&beside(database, "-shm"))?,
        })
    }
}

fn if_there(path: &Path) -> io::Result<Option<Arc<File>>> {
    match kept_open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn kept_open(path: &Path) -> io::Result<Arc<File>> {
    let mut open = OPEN.lock();
    // A file without a name is nobody's any more: the database that SQLite opens next has another one.
    open.retain(|file| file.metadata().is_ok_and(|found| found.nlink() > 0));
    let named = std::fs::metadata(path)?;
    let id = |found: &std::fs::Metadata| (found.dev(), found.ino());
    let known = open.iter().find(|file| file.metadata().is_ok_and(|found| id(&found) == id(&named)));
    if let Some(known) = known {
        return Ok(known.clone());
    }
    let file = Arc::new(File::open(path)?);
    open.push(file.clone());
    Ok(file)
}
