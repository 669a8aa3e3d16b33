//! Runs a table of jobs: each by its rhythm, anew after a panic, and some once more at the end.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use actix_web::rt;
use futures_util::{FutureExt, future::join_all};
use tokio::{sync::watch, task::JoinHandle};

use super::{Job, Turn};
use crate::{domain::machine::job::JobReport, ops::Ops};

/// What is said of a job that panicked; where it did stands in the log.
const PANICKED: &str = "It panicked and was started again: see the log";

/// Jobs that run.
pub struct Running {
    ops: Ops,
    stopping: watch::Sender<bool>,
    jobs: Vec<(&'static Job, JoinHandle<()>)>,
}

impl Running {
    /// Starts every job of a table.
    pub(super) fn start(ops: &Ops, table: &'static [Job]) -> Self {
        let (stopping, stop) = watch::channel(false);
        let begin = |job: &'static Job| {
            ops.add_job(JobReport::new(job.name, job.about, job.rhythm));
            (job, rt::spawn(keep(ops.clone(), job, stop.clone())))
        };
        Self { ops: ops.clone(), stopping, jobs: table.iter().map(begin).collect() }
    }

    /// Ends them all, and runs those once more that the table marks so: at once, for they share a transaction, and
    /// its wait if another program holds the lock.
    pub async fn finish(self) {
        self.stopping.send_replace(true);
        let (last, others): (Vec<_>, Vec<_>) = self.jobs.into_iter().partition(|(job, _)| job.at_the_end);
        for (_, job) in others {
            job.abort();
        }
        let names: Vec<&Job> = last.iter().map(|(job, _)| *job).collect();
        join_all(last.into_iter().map(|(_, job)| job)).await;
        join_all(names.into_iter().map(|job| run(&self.ops, job, Turn::Last))).await;
    }
}

/// Runs a job until the program ends.
async fn keep(ops: Ops, job: &'static Job, mut stop: watch::Receiver<bool>) {
    for round in 0.. {
        let pause = run(&ops, job, Turn::Round(round)).await;
        tokio::select! {
            () = rt::time::sleep(pause) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Runs it once, and notes how that went; the pause until the next run.
async fn run(ops: &Ops, job: &Job, turn: Turn) -> Duration {
    let begun = Instant::now();
    ops.job_begins(job.name);
    let done = AssertUnwindSafe(async { (job.run)(ops.clone(), turn).await }).catch_unwind().await;
    let error = match done {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            log::warn!("the job \"{}\" failed: {error}", job.name);
            Some(error.to_string())
        }
        Err(_) => {
            log::error!("the job \"{}\" panicked and is started again", job.name);
            Some(PANICKED.to_owned())
        }
    };
    ops.job_ends(job.name, begun.elapsed(), error)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;
    use crate::{
        domain::{Error, machine::job::Rhythm, people::actor::Actor},
        ops::{channels::import, machine::backups},
        store::Options,
    };

    static RUNS: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
    static LAST: AtomicU32 = AtomicU32::new(0);

    const QUICK: Rhythm = Rhythm::every(Duration::from_millis(5));

    const TABLE: &[Job] = &[
        Job {
            name: "panics",
            about: "Panics in its first round.",
            rhythm: QUICK,
            at_the_end: true,
            run: |_, turn| {
                assert_ne!(turn, Turn::Round(0), "on purpose");
                RUNS[0].fetch_add(1, Relaxed);
                LAST.fetch_add(u32::from(turn == Turn::Last), Relaxed);
                Box::pin(async { Ok(()) })
            },
        },
        Job {
            name: "fails",
            about: "Fails always.",
            rhythm: QUICK,
            at_the_end: false,
            run: |_, _| {
                Box::pin(async {
                    RUNS[1].fetch_add(1, Relaxed);
                    Err(Error::Busy)
                })
            },
        },
        Job {
            name: "waits",
            about: "Never ends by itself.",
            rhythm: Rhythm::Always,
            at_the_end: false,
            run: |_, _| {
                Box::pin(async {
                    RUNS[2].fetch_add(1, Relaxed);
                    std::future::pending().await
                })
            },
        },
    ];

    #[actix_web::test]
    async fn a_job_that_panics_or_fails_runs_again_is_told_of_and_has_its_last_run() {
        let folder = tempfile::tempdir().unwrap();
        let ops = crate::app::use_cases(
            folder.path(),
            Options::default(),
            None,
            None,
            crate::host::sealing::Sealing::default(),
            crate::media::Timing::default(),
        )
        .unwrap();
        let running = Running::start(&ops, TABLE);
        while RUNS[..2].iter().any(|runs| runs.load(Relaxed) < 3) {
            rt::time::sleep(Duration::from_millis(5)).await;
        }
        let reports = ops.job_reports(&Actor::COMMAND_LINE).await.unwrap();
        let told: Vec<_> = reports
            .iter()
            .map(|job| (job.name, job.failed, job.last_error.as_ref().map(|(_, why)| why.as_str())))
            .collect();
        let busy = Error::Busy.to_string();
        assert_eq!(
            told,
            [
                ("panics", false, Some(PANICKED)),
                ("fails", true, Some(busy.as_str())),
                ("waits", false, None),
                (backups::JOB, false, None),
                (import::JOB, false, None)
            ]
        );
        assert!(reports[1].last.is_some() && reports[2].running_since.is_some());
        tokio::time::timeout(Duration::from_secs(10), running.finish()).await.expect("it ends");
        let runs = [0, 1, 2].map(|place: usize| RUNS[place].load(Relaxed));
        rt::time::sleep(Duration::from_millis(50)).await;
        assert_eq!([0, 1, 2].map(|place: usize| RUNS[place].load(Relaxed)), runs, "nothing runs any more");
        assert_eq!((LAST.load(Relaxed), runs[2]), (1, 1));
        ops.close();
    }
}
