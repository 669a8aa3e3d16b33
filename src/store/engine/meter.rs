//! What is measured of the writer and its files, for /metrics.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::Duration,
};

use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of the durations of commits, in seconds.
const COMMITS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// What is measured.
pub struct Meter {
    file: PathBuf,
    waiting: AtomicI64,
    commits: Histogram,
}

/// How large files are, in bytes; 0 for one that is not there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    pub database: u64,
    /// SQLite's log beside it.
    pub log: u64,
    /// The database of the guide.
    pub guide: u64,
}

impl Meter {
    /// Of the database in that file.
    pub fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), waiting: AtomicI64::new(0), commits: Histogram::new(COMMITS) }
    }

    /// A job waits for the writer, or is under way.
    pub fn queued(&self) {
        self.waiting.fetch_add(1, Relaxed);
    }

    /// So many were answered, or not taken.
    pub fn left(&self, many: usize) {
        self.waiting.fetch_sub(i64::try_from(many).unwrap_or(i64::MAX), Relaxed);
    }

    /// A transaction was committed.
    pub fn committed(&self, took: Duration) {
        self.commits.observe(took.as_secs_f64());
    }

    /// Jobs that wait or are under way.
    pub fn waiting(&self) -> i64 {
        self.waiting.load(Relaxed)
    }

    /// How long commits took.
    pub fn commits(&self) -> Histogram {
        self.commits.clone()
    }

    /// How large the files are now.
    pub fn sizes(&self) -> Sizes {
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let mut log = self.file.clone().into_os_string();
        log.push("-wal");
        let guide = self.file.with_file_name(crate::store::guide::FILE);
        Sizes { database: size(&self.file), log: size(Path::new(&log)), guide: size(&guide) }
    }
}
