//! Moves the write-ahead log into the database file beside the writer, which would otherwise stand
//! still for it.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

use super::pragma;

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
    /// Starts it for the database at `file`.
    pub fn start(file: PathBuf) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread =
            std::thread::Builder::new().name("checkpoint".into()).spawn(move || run(&file, &stopped))?;
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

fn run(file: &PathBuf, stopped: &Receiver<()>) {
    let mut log = file.clone().into_os_string();
    log.push("-wal");
    let mut conn = None;
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        let length = std::fs::metadata(&log).map_or(0, |found| found.len());
        if length < WORTH {
            continue;
        }
        // What fails here the writer meets too, and tells.
        if let Err(error) = checkpoint(file, &mut conn) {
            log::debug!("checkpoint: {error}");
            conn = None;
        }
    }
}

fn checkpoint(file: &PathBuf, conn: &mut Option<Connection>) -> rusqlite::Result<()> {
    if conn.is_none() {
        *conn = Some(Connection::open_with_flags(file, pragma::EXISTING)?);
    }
    conn.as_ref().map_or(Ok(()), |conn| conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())))
}
