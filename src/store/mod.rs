//! SQLite: one writer thread that commits in groups, a pool of readers, and what they run.
//!
//! Only this folder names rusqlite and r2d2.

pub mod backup;
pub mod channels;
pub mod engine;
pub mod events;
pub mod guide;
pub mod machine;
pub mod people;
pub mod portal;
pub mod subscribers;
pub mod viewing;

use std::{ops::Deref, path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, config::DbConfig};

use crate::domain::{Error, Fact, Resource, Result, Stored, fields::time::UnixTime, subscribers::line::Line};
pub use engine::fault::Context;
pub use engine::job::Answer;
pub use engine::schema::VERSION as SCHEMA_VERSION;
pub use engine::table::Table;
use engine::{
    changes::{Changed, Changes},
    fault::Faults,
    table::Tables,
};
use machine::snapshot::Snapshot;
pub use subscribers::line_cache::LineKey;

/// The name of the database file in the data folder.
pub const FILE: &str = "linecard.db";

/// It, and what `SQLite` keeps beside it while it is open.
pub const FILES: [&str; 3] = [FILE, "linecard.db-wal", "linecard.db-shm"];

/// How the store is opened. The defaults are what the product runs with; the rest is for the
/// benchmarks and the durability test, which need something to compare with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// At most this many writes share a commit.
    pub batch: usize,
    /// Whether each commit waits until it is on the disk.
    pub sync: Sync,
    /// How many threads read single rows in place.
    pub workers: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { batch: 256, sync: Sync::Full, workers: 2 }
    }
}

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Once the disk has it: survives a power cut.
    Full,
    /// Once the operating system has it: survives only the end of the process.
    Normal,
}

/// The open database.
#[derive(Clone)]
pub struct Store {
    tables: Arc<Tables>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    faults: Arc<Faults>,
    changes: Arc<Changes>,
    writer: Arc<engine::writer::Writer>,
    pages: r2d2::Pool<SqliteConnectionManager>,
    points: r2d2::Pool<SqliteConnectionManager>,
    mark: events::mark::MarkFile,
    ended_sessions: Arc<people::ended_sessions::EndedSessions>,
    files: Arc<engine::watch::Opened>,
}

/// Which commit was the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State(u32);

/// A consistent view of the database.
pub struct Read<'c> {
    conn: &'c Connection,
    tables: &'c Tables,
}

/// One job's part of a write transaction.
pub struct Write<'c> {
    read: Read<'c>,
    snapshot: &'c Snapshot,
    snapshot_changed: std::cell::Cell<bool>,
    changed: std::cell::RefCell<Vec<Changed>>,
    /// How many events it has written.
    told: std::cell::Cell<usize>,
}

impl<'c> Deref for Write<'c> {
    type Target = Read<'c>;

    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}

impl Store {
    /// Opens the database in `folder`, making it if it is not there.
    ///
    /// # Errors
    /// A sentence for the operator: a folder that cannot be written, another program's file, a
    /// newer version's file.
    pub fn open(folder: &Path, options: Options) -> Result<Self, String> {
        make_private(folder).map_err(|e| format!("cannot create the folder {}: {e}", folder.display()))?;
        if backup::is_unfinished(folder) {
            return Err(format!(
                "a restore of {} was cut off: the next start of the server finishes it",
                folder.display()
            ));
        }
        let file = folder.join(FILE);
        engine::overwritten::may_open(&file)?;
        let explain = |e: rusqlite::Error| {
            format!("cannot open {}: {}", file.display(), engine::fault::for_operator(&e))
        };
        let mut conn = Connection::open(&file).map_err(explain)?;
        if conn.is_readonly(rusqlite::MAIN_DB).map_err(explain)? {
            return Err(format!(
                "cannot write to {}: make it writable, or name another folder",
                file.display()
            ));
        }
        // Before anything is written: the file may be another program's. Closing it would move a log
        // that this program left behind into it.
        let keep_log =
            |keep| conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map_err(explain);
        keep_log(folder.join(format!("{FILE}-wal")).exists())?;
        let known = engine::schema::identify(&conn).map_err(|e| match e {
            engine::schema::Strange::Sqlite(e) => explain(e),
            engine::schema::Strange::Refused(why) => format!("cannot use {}: {why}", file.display()),
        })?;
        keep_log(false)?;
        if matches!(known, engine::schema::Known::New) {
            // Without a word: SQLite has just made it. It gives its log and index the rights of the file.
            engine::modes::make_private_anew(&file);
        } else {
            engine::modes::make_private(&file);
        }
        engine::pragma::for_writer(&conn, options.sync).map_err(explain)?;
        engine::schema::bring_up(&mut conn, known).map_err(explain)?;

        let tables = Arc::new(Tables::of(&conn).map_err(explain)?);
        let snapshot = machine::snapshot::load(&Read { conn: &conn, tables: &tables });
        let snapshot = Arc::new(ArcSwap::from_pointee(
            snapshot.map_err(|e| format!("cannot read {}: {}", file.display(), e.for_operator()))?,
        ));
        let faults = Arc::new(Faults::default());
        let changes = Arc::new(Changes::default());
        let place = engine::files::Files::of(file.clone(), &conn)
            .map_err(|e| format!("cannot open {}: {e}", file.display()))?;
        let files = place.opened();
        let writer = engine::writer::Writer::start(
            conn,
            place,
            options.batch,
            tables.clone(),
            snapshot.clone(),
            faults.clone(),
            changes.clone(),
        );
        let writer = Arc::new(writer.map_err(|e| {
            format!("cannot start the writer: {e}; raise the limit of threads (ulimit -u, TasksMax=, --pids-limit)")
        })?);

        let threads = Arc::new(scheduled_threads());
        let pool = |size| {
            r2d2::Pool::builder()
                .max_size(size)
                .min_idle(Some(0))
                .max_lifetime(None)
                .idle_timeout(None)
                .connection_timeout(Duration::from_secs(5))
                .thread_pool(threads.clone())
                .build_unchecked(
                    SqliteConnectionManager::file(&file)
                        .with_flags(engine::pragma::EXISTING)
                        .with_init(|conn| engine::pragma::for_reader(conn)),
                )
        };
        let (pages, points) = (pool(4), pool(options.workers));
        let mark = events::mark::MarkFile::below(folder);
        let ended_sessions = Arc::new(people::ended_sessions::EndedSessions::below(folder));
        Ok(Self { tables, snapshot, faults, changes, writer, pages, points, mark, ended_sessions, files })
    }

    /// Runs `job` in the next write transaction and answers once that is committed. If the job
    /// returns an error, nothing that it did remains. It may run twice, the first time in vain.
    ///
    /// # Errors
    /// The job's own, [`Error::Busy`] when the queue is full, [`Error::Database`].
    pub fn write<T, F>(&self, origin: Context, job: F) -> Answer<T>
    where
        T: Send + 'static,
        F: Fn(&Write<'_>) -> Result<T> + Send + 'static,
    {
        self.writer.submit(origin, job)
    }

    /// Reads on the calling thread with a connection from the pool: for work that may take a
    /// while, away from the threads that serve.
    ///
    /// # Errors
    /// The job's own, [`Error::Busy`] when every connection is in use for 5 seconds, [`Error::Database`].
    pub fn read<T>(&self, origin: &Context, job: impl FnOnce(&Read<'_>) -> Result<T>) -> Result<T> {
        self.read_from(&self.pages, origin, job)
    }

    /// Reads a few rows by their keys on a serving thread itself: handing such a read to another
    /// thread costs more than the read (docs/performance.md).
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn point<T>(&self, origin: &Context, job: impl FnOnce(&Read<'_>) -> Result<T>) -> Result<T> {
        self.read_from(&self.points, origin, job)
    }

    /// The line of that key as last committed; read once and kept in memory until it changes. A change by another process shows after a second at most.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn line(
        &self,
        origin: impl FnOnce() -> Context,
        key: LineKey<'_>,
    ) -> Result<Option<Arc<Stored<Line>>>> {
        let seen = self.changes.seen();
        let moment = match seen.line(key) {
            Ok(line) => return Ok(Some(line)),
            Err(moment) => moment,
        };
        let by =
            |read: &Read<'_>, column, value: &str| read.first::<Line>(column, &Fact::Text(value.to_owned()));
        let line = self.point(&origin(), |read| match key {
            LineKey::Username(name) => by(read, "username", name),
            LineKey::Token(token) => by(read, "token", token.as_str()),
            LineKey::Reference(reference) => read.by_reference(reference),
        });
        let line = line?.map(Arc::new);
        if let Some(line) = &line {
            seen.keep(line, moment);
        }
        Ok(line)
    }

    /// The state of the database, if what is kept in memory is of it: no commit was made that was not told yet. What is read
    /// between two looks that find the same state is of that state, whether it comes from memory or from the database.
    pub fn state(&self) -> Option<State> {
        let last = self.files.last_commit()?;
        self.changes.is_told_up_to(last).then_some(State(last))
    }

    fn read_from<T>(
        &self,
        pool: &r2d2::Pool<SqliteConnectionManager>,
        origin: &Context,
        job: impl FnOnce(&Read<'_>) -> Result<T>,
    ) -> Result<T> {
        let conn = pool.get().map_err(|e| {
            log::warn!("no reader: {e}");
            Error::Busy
        })?;
        let outcome = conn
            .prepare_cached("BEGIN")
            .and_then(|mut begin| begin.execute([]))
            .map_err(Error::from)
            .and_then(|_| job(&Read { conn: &conn, tables: &self.tables }));
        if !conn.is_autocommit() {
            let _ = conn.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        }
        if let Err(Error::Database(fault)) = &outcome {
            self.faults.note(origin, fault);
        }
        outcome
    }

    /// The defaults of a record's columns: what a form for a new one begins with.
    pub fn defaults<R: Table>(&self) -> Vec<(&'static str, crate::domain::Fact)> {
        self.tables.defaults_of::<R>()
    }

    /// Settings, whitelist and API keys as last committed.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The mark of the log of events.
    pub fn mark(&self) -> &events::mark::MarkFile {
        &self.mark
    }

    /// Sessions of the panel that have ended without the database.
    pub fn ended_sessions(&self) -> &Arc<people::ended_sessions::EndedSessions> {
        &self.ended_sessions
    }

    /// What is measured of the writer and its files.
    pub fn meter(&self) -> &engine::meter::Meter {
        self.writer.meter()
    }

    /// What is committed from now on.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Waits for the writes that are queued, moves them from the log into the file, and closes.
    pub fn close(&self) {
        if !self.writer.close() {
            // Whoever closes the last connection moves the log: into a file to which it does not belong.
            std::mem::forget((self.pages.clone(), self.points.clone()));
        }
    }
}

impl Write<'_> {
    /// Settings, whitelist and API keys as committed before this transaction.
    pub fn snapshot(&self) -> &Snapshot {
        self.snapshot
    }

    /// Does a part of the job that may be refused by itself: what it wrote is gone then, and the job goes on.
    ///
    /// # Errors
    /// The part's own, or a database error.
    pub fn attempt<T>(&self, part: impl FnOnce() -> Result<T>) -> Result<T> {
        self.apart(part, Result::is_ok)
    }

    /// Does a part of the job and undoes it, whatever comes of it.
    ///
    /// # Errors
    /// As [`Write::attempt`].
    pub fn rehearse<T>(&self, part: impl FnOnce() -> Result<T>) -> Result<T> {
        self.apart(part, |_| false)
    }

    fn apart<T>(
        &self,
        part: impl FnOnce() -> Result<T>,
        stays: impl FnOnce(&Result<T>) -> bool,
    ) -> Result<T> {
        let execute = |sql| self.conn.prepare_cached(sql)?.execute([]);
        execute("SAVEPOINT part")?;
        let noted = self.changed.borrow().len();
        let outcome = part();
        if !stays(&outcome) {
            execute("ROLLBACK TO part")?;
            self.changed.borrow_mut().truncate(noted);
        }
        execute("RELEASE part")?;
        outcome
    }

    /// Says that settings, whitelist or keys were changed: they are read anew after the commit
    /// and before anybody is answered.
    fn snapshot_changed(&self) {
        self.snapshot_changed.set(true);
    }

    /// Notes a row for those who follow changes: they are told after the commit.
    fn note(&self, resource: Resource, id: i64) {
        self.changed.borrow_mut().push(Changed::Row(resource, id));
    }
}

/// r2d2 opens connections on threads of its own; one is enough for both pools.
fn scheduled_threads() -> scheduled_thread_pool::ScheduledThreadPool {
    scheduled_thread_pool::ScheduledThreadPool::builder()
        .num_threads(1)
        .thread_name_pattern("pool-{}")
        .build()
}

/// Makes the data folder for its owner alone: lines' passwords stand in it. A folder that is there
/// already keeps the rights that the operator gave it.
pub fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Where a read or write that nobody asked for comes from.
pub fn housekeeping(at: UnixTime, action: &'static str) -> Context {
    Context { at, resource: Resource::Settings, action, actor: "linecard".into(), address: None }
}
