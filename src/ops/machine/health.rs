//! Whether the server is ready: what it needs is looked at, and each thing gets a verdict and a sentence that gives nothing away.

use std::time::{Duration, Instant};

use crate::{
    domain::{Result, channels::archive::LEAST_FREE},
    ops::{Ops, blocking, clock},
    store::{self, SCHEMA_VERSION},
};

/// A look is used for so long: whoever asks in a loop costs the database nothing.
const KEPT: Duration = Duration::from_secs(1);
/// So long the writer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// With fewer bytes free nothing can be written for long.
const FULL: u64 = 50_000_000;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Somebody should look, and the server does its work.
    Warning,
    /// The server cannot do its work.
    Bad,
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "failed",
        }
    }
}

/// What was looked at.
#[derive(Clone, Debug)]
pub struct Check {
    pub name: &'static str,
    pub verdict: Verdict,
    /// A sentence for people.
    pub says: String,
}

/// The last look.
pub type Looked = tokio::sync::Mutex<Option<(Instant, Vec<Check>)>>;

/// The worst of them.
pub fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Good)
}

impl Ops {
    /// Looks at everything that serving needs, at most once a second; takes a few seconds where something is wrong.
    pub async fn readiness(&self) -> Vec<Check> {
        let mut looked = self.looked.lock().await;
        if let Some((at, checks)) = &*looked
            && at.elapsed() < KEPT
        {
            return checks.clone();
        }
        let ops = self.clone();
        let mut checks = blocking(move || ops.looks()).await;
        checks.insert(1, self.look_at_writes().await);
        *looked = Some((Instant::now(), checks.clone()));
        checks
    }

    fn looks(&self) -> Vec<Check> {
        let database = match self.healthy() {
            Ok(()) => (Verdict::Good, "The database can be read.".to_owned()),
            Err(_) => (Verdict::Bad, "The database cannot be read: see the log of the server.".to_owned()),
        };
        let schema = match self.schema_version() {
            Ok(found) if usize::try_from(found) == Ok(SCHEMA_VERSION) => {
                (Verdict::Good, format!("Schema {found}."))
            }
            Ok(found) => {
                let why = format!(
                    "The database has schema {found}, this program knows {SCHEMA_VERSION}: was it changed by another version?"
                );
                (Verdict::Bad, why)
            }
            Err(_) => (Verdict::Bad, "The version of the database cannot be read.".to_owned()),
        };
        let clock = match self.leap() {
            None => (Verdict::Good, "The clock runs as expected.".to_owned()),
            Some(_) => (
                Verdict::Warning,
                "The clock has leapt: nothing is deleted for its age until it is right again or confirmed."
                    .to_owned(),
            ),
        };
        let guide = if self.guide.answers() {
            (Verdict::Good, "The database of the guide can be read.".to_owned())
        } else {
            (
                Verdict::Warning,
                "The database of the guide cannot be read: no programmes are shown.".to_owned(),
            )
        };
        let ffmpeg = if self.viewing.media.has_ffmpeg() {
            (Verdict::Good, "ffmpeg is there.".to_owned())
        } else {
            (Verdict::Warning, "ffmpeg or setpriv is not installed: no stream can start.".to_owned())
        };
        let check = |name, (verdict, says)| Check { name, verdict, says };
        vec![
            check("database", database),
            check("schema", schema),
            check("disk", self.look_at_disk()),
            check("clock", clock),
            check("guide", guide),
            check("ffmpeg", ffmpeg),
        ]
    }

    fn look_at_disk(&self) -> (Verdict, String) {
        let Some(disk) = self.load().disk else {
            return (Verdict::Good, "It is not known yet how much is free.".to_owned());
        };
        let free = disk.total.saturating_sub(disk.used);
        let percent = free.saturating_mul(100) / disk.total.max(1);
        let says = format!("{percent}% of the disk of the data folder is free.");
        (
            if free < FULL {
                Verdict::Bad
            } else if free < LEAST_FREE {
                Verdict::Warning
            } else {
                Verdict::Good
            },
            says,
        )
    }

    /// An empty transaction: it takes the lock for writing, and writes nothing.
    async fn look_at_writes(&self) -> Check {
        let begun = self.store.write(store::housekeeping(clock::now(), "ready"), |_| Ok(()));
        let (verdict, says) = match tokio::time::timeout(PATIENCE, begun.wait()).await {
            Ok(Ok(())) => (Verdict::Good, "The database can be written to."),
            Ok(Err(_)) => (Verdict::Bad, "The database cannot be written to: see the log of the server."),
            Err(_) => (Verdict::Bad, "The database is held by another program, or the disk is slow."),
        };
        Check { name: "writes", verdict, says: says.to_owned() }
    }

    fn schema_version(&self) -> Result<i64> {
        let origin = store::housekeeping(clock::now(), "ready");
        self.store.point(&origin, |read| read.schema_version())
    }
}
