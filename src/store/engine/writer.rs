//! The one writer: takes the jobs that wait, runs them in one transaction, commits, and only then
//! answers. Many writers share the price of one disk synchronisation.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, config::DbConfig};

use super::{
    changes::{Changed, Changes},
    checkpoint::Checkpointer,
    fault::{self, Context, Faults},
    files::{Files, data_version},
    job::{Answer, Job, Queued},
    meter::Meter,
    table::Tables,
    watch::Opened,
};
use crate::{
    domain::Result,
    store::{
        Read, Write,
        machine::{
            logs,
            snapshot::{self, Snapshot},
        },
    },
};

/// Jobs that may wait; beyond it callers are told that the server is busy.
const QUEUE: usize = 4096;
/// A transaction takes in jobs for at most this long.
const GATHER: Duration = Duration::from_millis(5);
/// How often the writer looks for what another process wrote, and for log rows that wait.
const TICK: Duration = Duration::from_secs(1);
/// How long a transaction waits while another program writes; callers are refused within 5 seconds in any case.
const PATIENCE: Duration = Duration::from_secs(4);
/// The same once it has waited in vain, until it is let in again: nobody waits in turn for a lock that stays.
const IMPATIENCE: Duration = Duration::from_millis(500);
/// A log of this many frames, 64 MiB, is moved by the writer itself, so that it can begin anew.
const LONG: u32 = 16_000;
/// For so long the writer leaves that to the checkpointer once there was nothing that could be moved: somebody reads a state of long
/// ago, such as a backup. Whoever writes then does not stand still for all that could not be moved meanwhile.
const IN_VAIN: Duration = Duration::from_secs(2);

/// The way to the writer thread.
pub struct Writer {
    meter: Arc<Meter>,
    queue: Mutex<Option<SyncSender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<bool>>>,
}

impl Writer {
    /// Starts the thread that owns `conn`.
    pub fn start(
        conn: Connection,
        place: Files,
        batch: usize,
        tables: Arc<Tables>,
        snapshot: Arc<ArcSwap<Snapshot>>,
        faults: Arc<Faults>,
        changes: Arc<Changes>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(QUEUE);
        let data_version = data_version(&conn);
        let meter = Arc::new(Meter::of(place.path()));
        let checkpointer = Some(Checkpointer::start(&place)?);
        let work = Work {
            conn,
            files: place.opened(),
            place,
            checkpointer,
            batch,
            tables,
            snapshot,
            faults,
            changes,
            meter: meter.clone(),
            changed: Vec::new(),
            told: 0,
            // Another process may have written since they were read.
            snapshot_stale: true,
            data_version,
            is_locked: false,
            is_displaced: false,
            in_vain: None,
        };
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || work.run(&jobs))?;
        Ok(Self { meter, queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// What is measured of it and its files.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Queues a job.
    pub fn submit<T, F>(&self, origin: Context, work: F) -> Answer<T>
    where
        T: Send + 'static,
        F: Fn(&Write<'_>) -> Result<T> + Send + 'static,
    {
        let (job, answer) = Queued::of(origin, work);
        let queue = self.queue.lock();
        // Before it is there: the writer may be quicker than the next line.
        self.meter.queued();
        let queued = queue.as_ref().is_some_and(|queue| queue.try_send(Box::new(job)).is_ok());
        if queued {
            return answer;
        }
        self.meter.left(1);
        Answer::BUSY
    }

    /// Takes no more jobs, finishes those that wait, and closes the file; whether all that was written is in it. It
    /// is not if another file was copied over it.
    pub fn close(&self) -> bool {
        self.queue.lock().take();
        let thread = self.thread.lock().take();
        thread.is_none_or(|thread| {
            thread.join().unwrap_or_else(|_| {
                log::error!("the writer ended in a panic");
                true
            })
        })
    }
}

struct Work {
    conn: Connection,
    files: Arc<Opened>,
    place: Files,
    checkpointer: Option<Checkpointer>,
    batch: usize,
    tables: Arc<Tables>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    faults: Arc<Faults>,
    changes: Arc<Changes>,
    meter: Arc<Meter>,
    /// Rows that the transaction under way changes.
    changed: Vec<Changed>,
    /// How many events it writes.
    told: usize,
    snapshot_stale: bool,
    data_version: Option<i64>,
    /// Another program had the lock when it was last asked for.
    is_locked: bool,
    /// A file is not in its place, and that was told.
    is_displaced: bool,
    /// When it has last tried to move a log of which nothing could be moved.
    in_vain: Option<Instant>,
}

impl Work {
    fn run(mut self, jobs: &Receiver<Box<dyn Job>>) -> bool {
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
        if self.in_place(false).is_err() && self.place.is_overwritten() {
            return false;
        }
        let _ = self.conn.busy_timeout(IMPATIENCE);
        if let Err(error) = self.move_log("PRAGMA wal_checkpoint(TRUNCATE)") {
            log::warn!("checkpoint at the end: {error}");
        }
        !self.place.is_overwritten()
    }

    fn move_log(&self, how: &str) -> rusqlite::Result<()> {
        self.place.mover().during(|| self.conn.query_row(how, [], |_| Ok(())))
    }

    /// One transaction: `first`, and what else waits or comes in meanwhile.
    fn transact(&mut self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) {
        let started = Instant::now();
        let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(64);
        let mut next = Some(first);
        let mut lost = self.begin_in_place(self.patience()).err();
        if lost.is_some() {
            // Whatever keeps the database shut keeps it shut for all who wait: nobody waits in turn.
            done.extend(next.take());
            done.extend(jobs.try_iter());
        }
        let mut apart = false;
        while let Some(job) = next.take() {
            done.push(job);
            lost = self.run_newest(&mut done, &mut apart).err();
            let more = lost.is_none() && done.len() < self.batch && started.elapsed() < GATHER;
            next = if more { jobs.try_recv().ok() } else { None };
        }
        // Once more behind it: what went into a file that is gone is not acknowledged.
        let end = lost.map_or_else(|| self.commit().and_then(|()| self.in_place(true)), Err);
        if let Err(error) = end {
            if !self.conn.is_autocommit() {
                let _ = self.execute("ROLLBACK");
            }
            for job in &mut done {
                job.lose(&error);
            }
            self.snapshot_stale = true;
            self.changed.clear();
            self.told = 0;
        }
        let commit = self.last_own_commit();
        self.refresh_snapshot();
        self.changes.tell(&self.changed);
        self.changed.clear();
        self.told_up_to(commit);
        if std::mem::take(&mut self.told) > 0 {
            self.changes.tell_events();
        }
        self.meter.left(done.len());
        for job in done {
            job.answer(&self.faults);
        }
        // Soon, for the caller who looks up the entry that he was told; else at the next tick.
        self.write_faults();
        self.move_long_log();
    }

    /// Moves a log that has become long, unless that was in vain a moment ago.
    fn move_long_log(&mut self) {
        let (unmoved, all) = self.place.mover().frames();
        if all < LONG || unmoved == 0 || self.in_vain.is_some_and(|at| at.elapsed() < IN_VAIN) {
            return;
        }
        if let Err(error) = self.move_log("PRAGMA wal_checkpoint(PASSIVE)") {
            log::debug!("checkpoint: {error}");
        }
        let (left, _) = self.place.mover().frames();
        self.in_vain = (left >= unmoved).then(Instant::now);
    }

    /// Whether the files that are open are still those in the data folder; `has_written`: this has written to them since
    /// it last looked.
    fn in_place(&mut self, has_written: bool) -> Result<()> {
        let found = self.place.check(&self.conn, has_written);
        match &found {
            Ok(()) => self.is_displaced = false,
            Err(error) if !self.is_displaced => {
                self.is_displaced = true;
                log::error!("nothing more is written: {error}");
                self.save_log();
            }
            Err(_) => {}
        }
        found
    }

    /// Moves what the log holds into the database while the log, removed or not, is still open here. A file that was
    /// copied over the database is spared: its owner may want it as it is.
    fn save_log(&mut self) {
        self.checkpointer.take();
        let saved = if self.place.is_overwritten() {
            self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(|_| ())
        } else {
            self.move_log("PRAGMA wal_checkpoint(PASSIVE)")
        };
        if let Err(error) = saved {
            log::error!("what the log of the database holds cannot be saved: {error}");
        }
    }

    /// Begins a transaction on files that are in their place. Looked at again once it is begun: from then on nobody moves
    /// what is lost with a log that it begins anew.
    fn begin_in_place(&mut self, patience: Duration) -> Result<()> {
        self.in_place(false)?;
        self.begin(patience)?;
        if self.place.check(&self.conn, false).is_ok() {
            return Ok(());
        }
        self.execute("ROLLBACK")?;
        self.in_place(false)
    }

    /// How long callers may be kept waiting while another program writes.
    fn patience(&self) -> Duration {
        if self.is_locked { IMPATIENCE } else { PATIENCE }
    }

    /// Begins a transaction; waits for another program's for a while.
    fn begin(&mut self, patience: Duration) -> Result<()> {
        self.conn.busy_timeout(patience)?;
        let begun = self.conn.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([]));
        let code = begun.as_ref().err().and_then(rusqlite::Error::sqlite_error_code);
        self.is_locked = code == Some(ErrorCode::DatabaseBusy);
        Ok(begun.map(|_| ())?)
    }

    /// Runs the newest job of a batch. Hardly a job fails after it has written, so none has a
    /// savepoint, which would cost a copy of every page that it touches. One that does makes the
    /// batch start over, every job `apart` from then on. An error means that the transaction is gone.
    fn run_newest(&mut self, batch: &mut [Box<dyn Job>], apart: &mut bool) -> Result<()> {
        let Some(newest) = batch.last_mut() else { return Ok(()) };
        if *apart {
            return self.run_apart(newest.as_mut());
        }
        let before = self.conn.total_changes();
        if self.run_job(newest.as_mut())? || self.conn.total_changes() == before {
            return Ok(());
        }
        *apart = true;
        self.execute("ROLLBACK")?;
        self.changed.clear();
        self.begin(self.patience())?;
        batch.iter_mut().try_for_each(|job| self.run_apart(job.as_mut()))
    }

    /// Runs one job in its own savepoint: if it fails, it is rolled back alone.
    fn run_apart(&mut self, job: &mut dyn Job) -> Result<()> {
        self.execute("SAVEPOINT job")?;
        if !self.run_job(job)? {
            self.execute("ROLLBACK TO job")?;
        }
        self.execute("RELEASE job")
    }

    /// Runs one job; whether it is to be kept. An error means that the whole transaction is gone,
    /// which a full disk and some failures of the disk do without asking.
    fn run_job(&mut self, job: &mut dyn Job) -> Result<bool> {
        let snapshot = self.snapshot.load();
        let tx = Write {
            read: Read { conn: &self.conn, tables: &self.tables },
            snapshot: &snapshot,
            snapshot_changed: std::cell::Cell::new(false),
            changed: std::cell::RefCell::default(),
            told: std::cell::Cell::new(0),
        };
        let keep = job.run(&tx);
        let Write { snapshot_changed, changed, told, .. } = tx;
        if self.conn.is_autocommit() {
            return Err(fault::broken("the transaction was rolled back by a failure of the disk"));
        }
        if keep {
            self.snapshot_stale |= snapshot_changed.get();
            self.changed.extend(changed.into_inner());
            self.told += told.get();
        }
        Ok(keep)
    }

    fn commit(&self) -> Result<()> {
        let begun = Instant::now();
        self.execute("COMMIT")?;
        self.meter.committed(begun.elapsed());
        Ok(())
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Reads settings, whitelist and keys anew if they were changed, so that the change holds for
    /// the very next call. What could not be read is tried again at the next tick.
    fn refresh_snapshot(&mut self) {
        if !self.snapshot_stale {
            return;
        }
        match snapshot::load(&Read { conn: &self.conn, tables: &self.tables }) {
            Ok(snapshot) => {
                self.snapshot.store(Arc::new(snapshot));
                self.snapshot_stale = false;
            }
            Err(error) => log::error!("cannot read settings and keys: {error}"),
        }
    }

    fn tick(&mut self) {
        // Soon, though nobody writes: the log is best saved before the process ends.
        let _ = self.in_place(false);
        // Before it is asked who committed: what comes later is not counted as told.
        let commit = self.files.last_commit();
        // SQLite raises data_version when another connection has written: the command line.
        let version = data_version(&self.conn);
        if version != self.data_version {
            self.changes.tell(&[Changed::Anything]);
            self.changes.tell_events();
            self.data_version = version;
            self.snapshot_stale = true;
        }
        self.told_up_to(commit);
        self.refresh_snapshot();
        self.write_faults();
    }

    /// The number of the last commit, if nobody else has committed since the last tick.
    fn last_own_commit(&self) -> Option<u32> {
        let commit = self.files.last_commit();
        commit.filter(|_| data_version(&self.conn) == self.data_version)
    }

    fn told_up_to(&self, commit: Option<u32>) {
        if let Some(commit) = commit.filter(|_| !self.is_displaced) {
            self.changes.told_up_to(commit);
        }
    }

    fn write_faults(&mut self) {
        let noted = self.faults.take();
        if noted.is_empty() {
            return;
        }
        // Nobody is answered by these rows: whoever comes meanwhile would wait for them, and then for himself.
        let patience = if self.is_locked { Duration::ZERO } else { IMPATIENCE };
        let written = self.begin_in_place(patience).and_then(|()| {
            noted.iter().try_for_each(|noted| logs::insert_fault(&self.conn, noted))?;
            self.execute("COMMIT")?;
            self.told_up_to(self.last_own_commit());
            Ok(())
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

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use crate::{
        domain::{
            Columns, Error, Given, Result,
            channels::bouquet::{Category, CategoryChange},
            fields::{text::Name, time::UnixTime},
            page::Page,
        },
        store::{Options, Store, Write, housekeeping},
    };

    fn insert(tx: &Write<'_>, name: &str) -> Result<()> {
        let change = CategoryChange { name: Given::Value(Name::new(name).unwrap()), ..Default::default() };
        let category = Category::create(change, tx.defaults::<Category>()?)?;
        tx.insert::<Category>(&category.facts(), UnixTime::clamped(0)).map(|_| ())
    }

    #[tokio::test]
    async fn a_job_that_fails_after_it_wrote_takes_no_neighbour_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        let origin = || housekeeping(UnixTime::clamped(0), "test");
        // Those behind it wait together, and share the next transaction.
        let (open, shut) = mpsc::channel::<()>();
        let shut = parking_lot::Mutex::new(shut);
        let first = store.write(origin(), move |_| {
            let _ = shut.lock().recv();
            std::thread::sleep(2 * super::GATHER);
            Ok(())
        });
        let runs = std::sync::Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let before = store.write(origin(), move |tx| {
            counted.fetch_add(1, Ordering::Relaxed);
            insert(tx, "before")
        });
        let refused = store.write(origin(), |tx| {
            insert(tx, "refused")?;
            Err::<(), _>(Error::NotEnoughCredits)
        });
        let panicking = store.write(origin(), |tx| -> Result<()> {
            insert(tx, "panicking")?;
            panic!("on purpose")
        });
        let taken = store.write(origin(), |tx| insert(tx, "before"));
        let after = store.write(origin(), |tx| insert(tx, "after"));
        open.send(()).unwrap();
        assert_eq!(first.wait().await, Ok(()));
        assert_eq!(before.wait().await, Ok(()));
        assert_eq!(refused.wait().await, Err(Error::NotEnoughCredits));
        assert!(matches!(panicking.wait().await, Err(Error::Database(_))));
        assert!(matches!(taken.wait().await, Err(Error::Taken { .. })));
        assert_eq!(after.wait().await, Ok(()));
        assert_eq!(runs.load(Ordering::Relaxed), 2, "once without a savepoint, once with");
        let rows = store.read(&origin(), |read| read.page::<Category>(&Page::default())).unwrap().rows;
        let names: Vec<&str> = rows.iter().map(|row| row.record.name.as_str()).collect();
        assert_eq!(names, ["before", "after"]);
        store.close();
    }
}
