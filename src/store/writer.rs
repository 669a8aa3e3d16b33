//! The one writer: takes the jobs that wait, runs them in one transaction with a savepoint each,
//! commits, and only then answers. Many writers share the price of one disk synchronisation.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    Read, Write,
    changes::{Changed, Changes},
    checkpoint::Checkpointer,
    fault,
    fault::{Faults, Origin},
    guards,
    guards::Guards,
    logs,
    table::Tables,
};
use crate::domain::{Error, Result};

/// Jobs that may wait; beyond it callers are told that the server is busy.
const QUEUE: usize = 4096;
/// A transaction takes in jobs for at most this long.
const GATHER: Duration = Duration::from_millis(5);
/// How often the writer looks for what another process wrote, and for log rows that wait.
const TICK: Duration = Duration::from_secs(1);

/// The outcome of a write, once it is committed.
pub struct Answer<T>(Result<oneshot::Receiver<Result<T>>, Error>);

impl<T> Answer<T> {
    /// Waits for it without holding a thread.
    ///
    /// # Errors
    /// The job's own, [`Error::Busy`], [`Error::Database`].
    pub async fn wait(self) -> Result<T> {
        self.0?.await.unwrap_or(Err(Error::Busy))
    }
}

/// A job in the queue, whatever it returns.
trait Job: Send {
    /// Does the work; whether it is to be kept.
    fn run(&mut self, tx: &Write<'_>) -> bool;
    /// The transaction was lost: replaces what was done in it, or would have been.
    fn lose(&mut self, error: &Error);
    /// Tells the caller.
    fn answer(self: Box<Self>, faults: &Faults);
}

struct Queued<T, F> {
    origin: Origin,
    work: Option<F>,
    outcome: Result<T>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnOnce(&Write<'_>) -> Result<T> + Send> Job for Queued<T, F> {
    fn run(&mut self, tx: &Write<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        self.outcome = catch_unwind(AssertUnwindSafe(|| work(tx))).unwrap_or_else(|_| {
            Err(fault::broken(format!("panic in {}/{}", self.origin.resource, self.origin.action)))
        });
        self.outcome.is_ok()
    }

    fn lose(&mut self, error: &Error) {
        // A job that never ran has lost the transaction too.
        if self.outcome.is_ok() || self.work.is_some() {
            self.outcome = Err(fault::again(error));
        }
    }

    fn answer(self: Box<Self>, faults: &Faults) {
        if let Err(Error::Database(fault)) = &self.outcome {
            faults.note(&self.origin, fault);
        }
        // A caller that went away needs no answer.
        let _ = self.caller.send(self.outcome);
    }
}

/// The way to the writer thread.
pub struct Writer {
    queue: Mutex<Option<SyncSender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread that owns `conn`.
    pub fn start(
        conn: Connection,
        place: Place,
        batch: usize,
        tables: Arc<Tables>,
        guards: Arc<ArcSwap<Guards>>,
        faults: Arc<Faults>,
        changes: Arc<Changes>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(QUEUE);
        let data_version = data_version(&conn);
        let checkpointer = Some(Checkpointer::start(place.path.clone())?);
        let work = Work {
            conn,
            place,
            checkpointer,
            batch,
            tables,
            guards,
            faults,
            changes,
            changed: Vec::new(),
            // Another process may have written since they were read.
            guards_stale: true,
            data_version,
        };
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || work.run(&jobs))?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// Queues a job.
    pub fn submit<T, F>(&self, origin: Origin, work: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&Write<'_>) -> Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Queued { origin, work: Some(work), outcome: Err(Error::Busy), caller });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queued = queue.as_ref().is_some_and(|queue| queue.try_send(job).is_ok());
        Answer(if queued { Ok(answer) } else { Err(Error::Busy) })
    }

    /// Takes no more jobs, finishes those that wait, and closes the file.
    pub fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            log::error!("the writer ended in a panic");
        }
    }
}

/// Which file on the disk the database is.
pub struct Place {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Place {
    /// The file at that path as it is now.
    pub fn of(path: PathBuf) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::metadata(&path)?;
        Ok(Self { path, device: found.dev(), inode: found.ino() })
    }
}

struct Work {
    conn: Connection,
    place: Place,
    checkpointer: Option<Checkpointer>,
    batch: usize,
    tables: Arc<Tables>,
    guards: Arc<ArcSwap<Guards>>,
    faults: Arc<Faults>,
    changes: Arc<Changes>,
    /// Rows that the transaction under way changes.
    changed: Vec<Changed>,
    guards_stale: bool,
    data_version: Option<i64>,
}

impl Work {
    fn run(mut self, jobs: &Receiver<Box<dyn Job>>) {
        let mut ticked = Instant::now();
        loop {
            match jobs.recv_timeout(TICK.saturating_sub(ticked.elapsed())) {
                Ok(first) => self.transact(first, jobs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if ticked.elapsed() >= TICK {
                self.tick();
                ticked = Instant::now();
            }
        }
        self.checkpointer.take();
        self.write_faults();
        if let Err(error) = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            log::warn!("checkpoint at the end: {error}");
        }
    }

    /// One transaction: `first`, and what else waits or comes in meanwhile.
    fn transact(&mut self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) {
        let started = Instant::now();
        let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(64);
        let mut next = Some(first);
        let mut lost = self.in_place().and_then(|()| self.execute("BEGIN IMMEDIATE")).err();
        if lost.is_some() {
            // Whatever keeps the database shut keeps it shut for all who wait: nobody waits in turn.
            done.extend(next.take());
            done.extend(jobs.try_iter());
        }
        while let Some(mut job) = next.take() {
            if lost.is_none() {
                lost = self.run_job(job.as_mut()).err();
            }
            done.push(job);
            let more = lost.is_none() && done.len() < self.batch && started.elapsed() < GATHER;
            next = if more { jobs.try_recv().ok() } else { None };
        }
        let end = lost.map_or_else(|| self.execute("COMMIT"), Err);
        if let Err(error) = end {
            if !self.conn.is_autocommit() {
                let _ = self.execute("ROLLBACK");
            }
            for job in &mut done {
                job.lose(&error);
            }
            self.guards_stale = true;
            self.changed.clear();
        }
        self.refresh_guards();
        self.changes.tell(&self.changed);
        self.changed.clear();
        for job in done {
            job.answer(&self.faults);
        }
        // Soon, for the caller who looks up the entry that he was told; else at the next tick.
        self.write_faults();
    }

    /// Whether the file that is open is still the one in the data folder: what is written to a file
    /// that was removed or replaced is lost.
    fn in_place(&self) -> Result<()> {
        use std::os::unix::fs::MetadataExt;
        match std::fs::metadata(&self.place.path) {
            Ok(found) if (found.dev(), found.ino()) == (self.place.device, self.place.inode) => Ok(()),
            _ => Err(fault::gone()),
        }
    }

    /// Runs one job in its own savepoint. An error means that the whole transaction is gone, which
    /// a full disk and some failures of the disk do without asking.
    fn run_job(&mut self, job: &mut dyn Job) -> Result<()> {
        self.execute("SAVEPOINT job")?;
        let tx = Write {
            read: Read { conn: &self.conn, tables: &self.tables },
            guards_changed: std::cell::Cell::new(false),
            changed: std::cell::RefCell::default(),
        };
        let keep = job.run(&tx);
        let Write { guards_changed, changed, .. } = tx;
        if self.conn.is_autocommit() {
            return Err(fault::broken("the transaction was rolled back by a failure of the disk"));
        }
        if keep {
            self.guards_stale |= guards_changed.get();
            self.changed.extend(changed.into_inner());
        } else {
            self.execute("ROLLBACK TO job")?;
        }
        self.execute("RELEASE job")
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Reads settings, whitelist and keys anew if they were changed, so that the change holds for
    /// the very next call. What could not be read is tried again at the next tick.
    fn refresh_guards(&mut self) {
        if !self.guards_stale {
            return;
        }
        match guards::load(&Read { conn: &self.conn, tables: &self.tables }) {
            Ok(guards) => {
                self.guards.store(Arc::new(guards));
                self.guards_stale = false;
            }
            Err(error) => log::error!("cannot read settings and keys: {error}"),
        }
    }

    fn tick(&mut self) {
        // SQLite raises data_version when another connection has written: the command line.
        let version = data_version(&self.conn);
        if version != self.data_version {
            self.changes.tell(&[Changed::Anything]);
            self.data_version = version;
            self.guards_stale = true;
        }
        self.refresh_guards();
        self.write_faults();
    }

    fn write_faults(&self) {
        let noted = self.faults.take();
        if noted.is_empty() {
            return;
        }
        let written = self.execute("BEGIN IMMEDIATE").and_then(|()| {
            noted.iter().try_for_each(|noted| logs::insert_fault(&self.conn, noted))?;
            self.execute("COMMIT")
        });
        if let Err(error) = written {
            log::warn!("the Panel Error Log cannot be written yet: {error}");
            if !self.conn.is_autocommit() {
                let _ = self.execute("ROLLBACK");
            }
            self.faults.put_back(noted);
        }
    }
}

fn data_version(conn: &Connection) -> Option<i64> {
    conn.pragma_query_value(None, "data_version", |row| row.get(0)).ok()
}
