//! Moves the write-ahead log into the database file beside the writer, which would otherwise stand
//! still for it.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

use super::{
    files::{Files, Mover},
    pragma,
};

/// How often it looks.
const EVERY: Duration = Duration::from_millis(250);
/// A shorter log is left alone: 4 MiB.
const WORTH: u64 = 4 << 20;

/// The thread that does it; it ends when this is dropped.
pub struct Checkpointer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts it for the database in its place.
    pub fn start(place: &Files) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let (file, mover) = (place.path().to_owned(), place.mover());
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&file, &mover, &stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the checkpointer ended in a panic");
        }
    }
}

fn run(file: &PathBuf, mover: &Mover, stopped: &Receiver<()>) {
    let mut log = file.clone().into_os_string();
    log.push("-wal");
    // Opened while the log is the one that the writer opened: from another one it would move what is none of ours.
    let open = open(file).and_then(|conn| Ok((conn, open(file)?)));
    let conns = open.inspect_err(|error| log::warn!("no checkpoints beside the writer: {error}")).ok();
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        let length = std::fs::metadata(&log).map_or(0, |found| found.len());
        if length < WORTH || mover.frames().0 == 0 {
            continue;
        }
        // What fails here the writer meets too, and tells.
        if let Some((conn, reader)) = &conns
            && let Err(error) = checkpoint(conn, reader, mover)
        {
            log::debug!("checkpoint: {error}");
        }
    }
}

/// As long as somebody reads it, the log does not begin anew: what was moved is compared with it.
fn checkpoint(conn: &Connection, reader: &Connection, mover: &Mover) -> rusqlite::Result<()> {
    let read = reader.unchecked_transaction()?;
    read_anything(&read)?;
    mover.during(|| conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())))?;
    read.finish()
}

fn open(file: &PathBuf) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(file, pragma::EXISTING)?;
    // SQLite opens the log with the first statement that reads.
    read_anything(&conn)?;
    Ok(conn)
}

fn read_anything(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}
