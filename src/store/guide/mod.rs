//! guide.db: a database of its own for what is fetched for the guide, with a writer of its own. Nothing in it needs a
//! backup: it can all be fetched again, so a file that is damaged or of another version is set aside and made anew.

mod reading;
mod refresh;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode};

use super::engine::modes;
use crate::domain::{Error, Result};
pub use reading::KnownChannel;
pub use refresh::{Counts, Fetched, Refresh, Texts};

/// The name of the file in the data folder.
pub const FILE: &str = "guide.db";

/// "LNCG": tells our files from other programs'.
const APPLICATION_ID: i32 = 0x4C4E_4347;
/// The version of its schema. Another version is made anew: there are no upgrades.
const VERSION: i32 = 1;
const SCHEMA: &str = include_str!("schema.sql");

/// Connections for reading that are kept open when nobody reads.
const IDLE_READERS: usize = 4;

/// The guide's database. It is opened when it is first asked.
pub struct GuideDb {
    file: PathBuf,
    open: Mutex<Option<Arc<Open>>>,
    /// How often what is seen has changed.
    flips: AtomicU64,
}

struct Open {
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl GuideDb {
    /// The one in that data folder.
    pub fn at(folder: &Path) -> Self {
        Self { file: folder.join(FILE), open: Mutex::default(), flips: AtomicU64::default() }
    }

    /// A number that is another one as soon as programmes of another refresh are seen.
    pub fn flips(&self) -> u64 {
        self.flips.load(Ordering::Acquire)
    }

    /// Whether there is a file with something in it, without making one.
    pub fn exists(&self) -> bool {
        self.file.metadata().is_ok_and(|file| file.len() > 0)
    }

    /// Whether nothing was ever written: whoever only reads needs no file, and a full disk has no room for one.
    fn is_unmade(&self) -> bool {
        self.open.lock().is_none() && !self.exists()
    }

    /// Whether it can be read, as far as there is one.
    ///
    /// # Errors
    /// A database error.
    pub fn answers(&self) -> Result<()> {
        if self.is_unmade() {
            return Ok(());
        }
        self.read(|conn| conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())))
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("."))
    }

    fn flipped(&self) {
        self.flips.fetch_add(1, Ordering::Release);
    }

    fn opened(&self) -> Result<Arc<Open>> {
        let mut open = self.open.lock();
        if let Some(open) = &*open {
            return Ok(open.clone());
        }
        let writer = match writer(&self.file) {
            Err(error) if is_unusable(&error) => {
                self.set_aside(&error);
                writer(&self.file)?
            }
            opened => opened?,
        };
        let opened = Arc::new(Open { writer: Mutex::new(writer), readers: Mutex::default() });
        *open = Some(opened.clone());
        Ok(opened)
    }

    /// Reads in one transaction.
    fn read<T>(&self, job: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let open = self.opened()?;
        let kept = open.readers.lock().pop();
        let conn = match kept {
            Some(conn) => conn,
            None => self.noticing(&open, reader(&self.file))?,
        };
        let outcome = (|| {
            let tx = conn.unchecked_transaction()?;
            let found = job(&tx)?;
            tx.commit()?;
            Ok(found)
        })();
        if outcome.is_ok() {
            let mut readers = open.readers.lock();
            if readers.len() < IDLE_READERS {
                readers.push(conn);
            }
        }
        self.noticing(&open, outcome)
    }

    /// A damaged file is set aside, and the next one who asks finds a new one.
    fn noticing<T>(&self, open: &Arc<Open>, outcome: rusqlite::Result<T>) -> Result<T> {
        if let Err(error) = &outcome
            && is_unusable(error)
        {
            let mut current = self.open.lock();
            if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, open)) {
                *current = None;
                self.set_aside(error);
                self.flipped();
            }
        }
        outcome.map_err(Error::from)
    }

    fn set_aside(&self, why: &rusqlite::Error) {
        let with = |end: &str| {
            let mut name = self.file.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let aside = with(".set-aside");
        log::warn!(
            "{} cannot be used ({why}): it is now {}, and the guide is read again",
            self.file.display(),
            aside.display()
        );
        let _ = fs::rename(&self.file, aside);
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(with(end));
        }
    }
}

/// Whether the file is no database of ours: it is damaged, another program's or another version's.
fn is_unusable(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// The connection that writes; makes what is not there.
fn writer(file: &Path) -> rusqlite::Result<Connection> {
    let mut conn = Connection::open(file)?;
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let found = (number("application_id")?, number("user_version")?);
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (found, tables) {
        ((APPLICATION_ID, VERSION), _) => modes::make_private(file),
        ((0, 0), 0) => {
            modes::make_private_anew(file);
            conn.pragma_update(None, "journal_mode", "WAL")?;
            let tx = conn.transaction()?;
            tx.execute_batch(SCHEMA)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(None, "user_version", VERSION)?;
            tx.commit()?;
        }
        _ => {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
            return Err(rusqlite::Error::SqliteFailure(
                code,
                Some("another program or version made it".into()),
            ));
        }
    }
    // A power cut may lose the last refresh: the one before is still whole.
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    conn.pragma_update(None, "journal_size_limit", 16 << 20)?;
    conn.pragma_update(None, "cache_size", -8_192)?;
    common(&conn)?;
    Ok(conn)
}

fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(file, super::engine::pragma::EXISTING)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -1_024)?;
    common(&conn)?;
    Ok(conn)
}

fn common(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.busy_timeout(Duration::from_secs(5))
}

#[cfg(test)]
mod tests;
