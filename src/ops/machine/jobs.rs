//! How the jobs of a server go: kept in memory, from its start on. Long work that somebody starts is kept in the database.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::{
    domain::{Resource, Result, machine::job::JobReport, people::actor::Actor},
    ops::{Action, Look, Ops, channels::import, clock, machine::backups},
};

const LIST: Action = Action { resource: Resource::Jobs, name: "list" };
/// What the import of a channel list does.
const IMPORT: &str = "Imports the streams of an M3U list, 500 at a time, whenever somebody starts that in the panel or on the command line.";

/// What is known of every job, in the order of the table.
pub type JobReports = Mutex<Vec<JobReport>>;

impl Ops {
    /// How every job of this server goes; on the command line only long work.
    ///
    /// # Errors
    /// `Denied` without the right to look at the settings; a database error.
    pub async fn job_reports(&self, actor: &Actor) -> Result<Vec<JobReport>> {
        let runs = |look: &Look<'_>| Ok((look.read.job_runs(import::JOB)?, look.read.all_backups()?));
        let (imports, made) = self.read(actor, LIST, runs).await?;
        let mut reports = self.jobs().clone();
        reports.push(JobReport::of_runs(backups::JOB, backups::ABOUT, &self.backup_runs(&made)));
        reports.push(JobReport::of_runs(import::JOB, IMPORT, &imports));
        Ok(reports)
    }

    /// Adds a job that has not run yet.
    pub fn add_job(&self, job: JobReport) {
        self.jobs().push(job);
    }

    /// Notes that a job of that name begins a run.
    pub fn job_begins(&self, name: &str) {
        let now = clock::now();
        self.job(name, |job| job.begin(now));
    }

    /// Notes that its run is over, and why it failed if it did; the pause until the next.
    pub fn job_ends(&self, name: &str, took: Duration, error: Option<String>) -> Duration {
        let now = clock::now();
        let failed = error.is_some();
        let mut pause = Duration::ZERO;
        self.job(name, |job| {
            pause = job.rhythm.pause(took, error.is_some(), now);
            job.end(now, took, error, pause);
            if failed {
                self.meters.job_failed(job.name);
            }
        });
        pause
    }

    fn job(&self, name: &str, change: impl FnOnce(&mut JobReport)) {
        if let Some(job) = self.jobs().iter_mut().find(|job| job.name == name) {
            change(job);
        }
    }

    pub(super) fn jobs(&self) -> MutexGuard<'_, Vec<JobReport>> {
        self.jobs.lock()
    }
}
