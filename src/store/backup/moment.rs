//! The pages of a database as they were at one moment, read one after the other while others write.
//!
//! A transaction that reads keeps the moment: as long as it lasts, SQLite moves nothing into the file that was committed later,
//! and does not begin its log anew (<https://sqlite.org/walformat.html>). So a page is as it stands in the log, in the last of
//! the frames up to that moment that were not moved yet, or else as it stands in the file. Nobody who writes waits for this, and
//! it never begins anew. The log grows meanwhile.

use std::{
    collections::HashMap,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};

use rusqlite::Connection;
use rustix::fs::{Advice, fadvise};

use super::handles::Handles;
use crate::store::{
    engine::{
        fault,
        log_file::{self, FRAME_HEAD, HEAD, Log},
    },
    machine::check,
};

/// So much is read at once, in bytes: a whole number of pages of every size.
const BLOCK: usize = 1 << 20;
/// So often a moment is looked for at which nobody commits.
const TRIES: u32 = 10_000;

/// A database as of one moment.
pub struct Moment {
    conn: Connection,
    files: Handles,
    /// What the index said of the log at that moment.
    log: Log,
    /// Where in the log the pages stand that are not as in the file.
    in_log: HashMap<u64, u64>,
    /// Bytes of a page, and of all of them.
    page: u64,
    length: u64,
    /// What was read and not yet given, and where the next block begins.
    block: Vec<u8>,
    given: usize,
    at: u64,
}

impl Moment {
    /// The present one of that database.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn of(database: &Path) -> Result<Self, String> {
        let conn = check::open(database)?;
        let explain =
            |e: rusqlite::Error| format!("cannot read {}: {}", database.display(), fault::in_words(&e));
        let cannot_read = |e: io::Error| format!("cannot read {}: {e}", database.display());
        let files = Handles::of(database).map_err(cannot_read)?;
        let log = begin(&conn, &files).map_err(explain)?;
        let log =
            log.ok_or_else(|| format!("{} is written to without a pause: try again", database.display()))?;
        let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
        let (page, pages) = (number("page_size").map_err(explain)?, number("page_count").map_err(explain)?);
        let (page, length) = (u64::from(page), u64::from(page) * u64::from(pages));
        let in_log = in_log(&files, &log, page).map_err(cannot_read)?;
        // More is read ahead. It is no more than advice.
        let _ = fadvise(&files.database, 0, None, Advice::Sequential);
        Ok(Self { conn, files, log, in_log, page, length, block: Vec::new(), given: 0, at: 0 })
    }

    /// The transaction that keeps it.
    pub fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Bytes of all pages.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// A way to ask how long the log is, in bytes: it grows as long as this lasts.
    pub fn log_length(&self) -> impl Fn() -> u64 + use<> {
        let log = self.files.log.clone();
        move || log.as_ref().and_then(|log| log.metadata().ok()).map_or(0, |found| found.len())
    }

    /// Whether nobody has touched what was read meanwhile: SQLite does not, others may.
    pub fn holds(&self) -> bool {
        let Some(index) = &self.files.index else { return true };
        let now = Log::of(index);
        if now.salt == self.log.salt {
            now.moved <= self.log.frames
        } else {
            self.in_log.is_empty() && now.moved == 0
        }
    }

    /// Ends it: the log may be emptied again.
    pub fn end(&self) {
        let _ = self.conn.execute_batch("COMMIT");
    }

    fn next_block(&mut self) -> io::Result<()> {
        let length = usize::try_from(self.length - self.at).map_or(BLOCK, |left| left.min(BLOCK));
        self.block.clear();
        self.block.resize(length, 0);
        self.given = 0;
        let mut found = 0;
        while found < length {
            match self.files.database.read_at(&mut self.block[found..], self.at + found as u64) {
                Ok(0) => break,
                Ok(read) => found += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let size = usize::try_from(self.page).map_err(io::Error::other)?;
        for (number, page) in (self.at / self.page + 1..).zip(self.block.chunks_mut(size)) {
            match (self.in_log.get(&number), self.files.log.as_ref()) {
                (Some(place), Some(log)) => log.read_exact_at(page, *place)?,
                _ if (number * self.page - self.at) > found as u64 => {
                    return Err(io::Error::other("it is shorter than it says"));
                }
                _ => {}
            }
        }
        self.at += length as u64;
        Ok(())
    }
}

impl Read for Moment {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() {
            if self.at == self.length {
                return Ok(0);
            }
            self.next_block()?;
        }
        let given = buffer.len().min(self.block.len() - self.given);
        buffer[..given].copy_from_slice(&self.block[self.given..self.given + given]);
        self.given += given;
        Ok(given)
    }
}

/// Begins to read at a moment at which nobody commits, so that it is known which frames are of it.
fn begin(conn: &Connection, files: &Handles) -> rusqlite::Result<Option<Log>> {
    for _ in 0..TRIES {
        let before = files.index.as_deref().map(commit_and_log);
        conn.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
        // What was moved is looked at from here on: if anything of the log was not, the log is kept from beginning anew.
        let after = files.index.as_deref().map(commit_and_log);
        match (before, after) {
            (Some((commit, before)), Some((same, after)))
                if commit == same && (before.salt, before.frames) == (after.salt, after.frames) =>
            {
                return Ok(Some(after));
            }
            (None, None) => return Ok(Some(Log::default())),
            _ => conn.execute_batch("COMMIT")?,
        }
        std::thread::yield_now();
    }
    Ok(None)
}

fn commit_and_log(index: &std::fs::File) -> (Option<u32>, Log) {
    (log_file::last_commit(index), Log::of(index))
}

/// Where the pages stand that are in the log and not yet moved: the last frame of each counts.
fn in_log(files: &Handles, told: &Log, page: u64) -> io::Result<HashMap<u64, u64>> {
    let mut places = HashMap::new();
    if told.frames <= told.moved {
        return Ok(places);
    }
    let log = files.log.as_ref().ok_or_else(|| io::Error::other("its log is not there"))?;
    let mut head = [0; 24];
    for frame in u64::from(told.moved)..u64::from(told.frames) {
        let place = HEAD + frame * (FRAME_HEAD + page);
        log.read_exact_at(&mut head, place)?;
        if head[8..16] != told.salt || told.page != page {
            return Err(io::Error::other("its log is not the one that its index speaks of"));
        }
        let number = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        places.insert(u64::from(number), place + FRAME_HEAD);
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::atomic::{AtomicBool, AtomicU32, Ordering},
        thread,
    };

    use super::*;

    /// Every row of a database has the same number, whatever moment is looked at.
    fn database(rows: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let conn = writer(folder.path());
        conn.execute_batch(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, text TEXT); CREATE INDEX t_n ON t (n, text);
             WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {rows})
             INSERT INTO t SELECT x, 0, hex(randomblob(1500)) FROM c"
        ))
        .unwrap();
        folder
    }

    fn writer(folder: &Path) -> Connection {
        let conn = Connection::open(folder.join("a.db")).unwrap();
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF",
        )
        .unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        conn
    }

    /// Reads a moment into a file and looks at that: the number that all rows have.
    fn copied(folder: &Path) -> i64 {
        let mut moment = Moment::of(&folder.join("a.db")).unwrap();
        let mut bytes = Vec::new();
        moment.read_to_end(&mut bytes).unwrap();
        assert!(moment.holds());
        assert_eq!(bytes.len() as u64, moment.length());
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("copy.db");
        fs::write(&path, bytes).unwrap();
        let conn = Connection::open(&path).unwrap();
        let whole: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok");
        let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let (low, high) = (number("SELECT min(n) FROM t"), number("SELECT max(n) FROM t"));
        assert_eq!(low, high, "of one moment");
        low
    }

    #[test]
    fn whatever_is_written_and_moved_meanwhile_all_pages_are_of_one_moment() {
        let folder = database(200);
        let (stop, rounds) = (AtomicBool::new(false), AtomicU32::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                let conn = writer(folder.path());
                while !stop.load(Ordering::Relaxed) {
                    // Larger than what SQLite keeps in memory by some, so that pages also go to the log before their commit.
                    conn.execute_batch("BEGIN IMMEDIATE; UPDATE t SET n = n + 1; COMMIT").unwrap();
                    let how = ["PASSIVE", "RESTART", "PASSIVE", "TRUNCATE"]
                        [rounds.fetch_add(1, Ordering::Relaxed) as usize % 4];
                    let _ = conn.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()));
                }
            });
            let mut seen = Vec::new();
            while seen.len() < 12 || rounds.load(Ordering::Relaxed) < 8 {
                seen.push(copied(folder.path()));
            }
            stop.store(true, Ordering::Relaxed);
            assert!(seen.is_sorted() && seen.first() < seen.last(), "{seen:?}");
        });
    }

    #[test]
    fn a_reader_of_long_ago_such_as_litestream_holds_nothing_up() {
        let folder = database(500);
        let conn = writer(folder.path());
        let old = writer(folder.path());
        conn.execute_batch("UPDATE t SET n = 1").unwrap();
        old.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        for n in 2..6 {
            conn.execute_batch(&format!("UPDATE t SET n = {n}; PRAGMA wal_checkpoint(PASSIVE)")).unwrap();
            assert_eq!(copied(folder.path()), n);
        }
    }

    #[test]
    fn a_database_without_a_log_is_read_and_left_alone() {
        let folder = database(10);
        assert_eq!(copied(folder.path()), 0);
        let names = || fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names(), 1);
        let conn = writer(folder.path());
        conn.execute_batch("PRAGMA journal_mode = DELETE; UPDATE t SET n = 7").unwrap();
        drop(conn);
        assert_eq!((copied(folder.path()), names()), (7, 1));
    }
}
