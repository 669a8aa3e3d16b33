//! What the server does by itself, again and again: one row for each job.
//!
//! To add one, add a row to `JOBS`; General Settings -> Background jobs shows it by itself.

mod run;

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

pub use run::Running;

use crate::{
    domain::{Result, machine::job::Rhythm},
    ops::{Ops, clock},
};

struct Job {
    /// What it is called: once in the table.
    name: &'static str,
    /// What it does, in a sentence for operators.
    about: &'static str,
    /// When it runs. The first run is at the start.
    rhythm: Rhythm,
    /// Whether it runs once more before the program ends, when its last round is over. The others are left off.
    at_the_end: bool,
    /// What it does. An error is logged and shown; a panic as well.
    run: fn(Ops, Turn) -> LocalBoxFuture<'static, Result<()>>,
}

/// Which run of a job it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// This many came before it.
    Round(u64),
    /// The one at the end.
    Last,
}

const EACH_SECOND: Rhythm = Rhythm::every(Duration::from_secs(1));
const EVERY_MINUTE: Rhythm = Rhythm::every(Duration::from_mins(1));

/// Every job.
const JOBS: &[Job] = &[
    Job {
        name: "Follow changes",
        about: "Starts and stops streams, and ends connections, as soon as somebody has changed something.",
        rhythm: Rhythm::Always,
        at_the_end: false,
        run: |ops, turn| Box::pin(async move { ops.viewing.follow_changes(turn != Turn::Round(0)).await }),
    },
    Job {
        name: "Check viewers",
        about: "Ends connections whose subscription has ended or whose player is gone, and watches the clock.",
        rhythm: EACH_SECOND,
        at_the_end: false,
        run: |ops, _| {
            Box::pin(async move {
                ops.viewing.sweep_viewers()?;
                ops.watch_clock().await
            })
        },
    },
    // Apart from those who are to be cut: it may have to wait for the disk, or for another program.
    Job {
        name: "Connection and refusal logs",
        about: "Records connections that have ended and viewers who were refused.",
        rhythm: Rhythm::Every { period: Duration::from_secs(1), after_failure: Duration::from_secs(10) },
        at_the_end: true,
        run: |ops, turn| {
            Box::pin(async move {
                match turn {
                    Turn::Round(_) => ops.viewing.write_history(clock::now()).await,
                    Turn::Last => ops.viewing.end_all_sessions(ops.believed_now()).await,
                }
            })
        },
    },
    Job {
        name: "Open connections",
        about: "Records which connections are open, so that they are in the connection log even after a power cut.",
        rhythm: Rhythm::every(Duration::from_secs(5)),
        // Only so that no round is broken off: ending all sessions notes them last.
        at_the_end: true,
        run: |ops, turn| {
            Box::pin(async move {
                match turn {
                    // What was sent changes all the time: it is written once a minute.
                    Turn::Round(round) => {
                        ops.viewing.note_open_sessions(round % 12 == 0, ops.believed_now()).await
                    }
                    Turn::Last => Ok(()),
                }
            })
        },
    },
    Job {
        name: "Time",
        about: "Records the time, so that a wrong clock is noticed after a start.",
        rhythm: EVERY_MINUTE,
        at_the_end: false,
        run: |ops, _| Box::pin(async move { ops.note_time().await }),
    },
    Job {
        name: "API call log",
        about: "Records the calls of the Server API.",
        rhythm: EACH_SECOND,
        at_the_end: true,
        run: |ops, _| Box::pin(async move { ops.write_calls().await }),
    },
    Job {
        name: "Known addresses",
        about: "Records from where subscribers and administrators were let in.",
        rhythm: EACH_SECOND,
        at_the_end: true,
        run: |ops, _| Box::pin(async move { ops.lockouts.write_let_in().await }),
    },
    Job {
        name: "Last use of API keys",
        about: "Records when each API key was last used.",
        rhythm: EVERY_MINUTE,
        at_the_end: true,
        run: |ops, _| Box::pin(async move { ops.note_used_keys().await }),
    },
    Job {
        name: "Panel sessions",
        about: "Records when each panel session was last used, and deletes those that have ended.",
        rhythm: EVERY_MINUTE,
        at_the_end: true,
        run: |ops, _| Box::pin(async move { ops.note_seen_sessions().await }),
    },
    Job {
        name: "MAG boxes",
        about: "Records when each MAG box was last seen, and what it reported.",
        rhythm: EVERY_MINUTE,
        at_the_end: true,
        run: |ops, _| Box::pin(async move { ops.note_seen_boxes().await }),
    },
    Job {
        name: "Usage",
        about: "Records viewers, streams online and traffic for the dashboard's charts.",
        rhythm: Rhythm::EachMinute,
        at_the_end: false,
        run: |ops, _| Box::pin(async move { ops.note_usage().await }),
    },
    Job {
        name: "Recordings",
        about: "Deletes recordings that are too old or too many, and pauses recording while the disk is full.",
        rhythm: Rhythm::Every { period: Duration::from_secs(5), after_failure: Duration::from_secs(10) },
        at_the_end: false,
        run: |ops, turn| {
            Box::pin(async move {
                let looks = matches!(turn, Turn::Round(round) if round % 12 == 0);
                ops.keep_recordings(looks).await
            })
        },
    },
    Job {
        name: "Certificates",
        about: "Reads certificates of HTTPS that were replaced on the disk.",
        rhythm: EVERY_MINUTE,
        at_the_end: false,
        run: |ops, _| {
            Box::pin(async move {
                ops.look_at_certificates().await;
                Ok(())
            })
        },
    },
    Job {
        name: "Load",
        about: "Measures processors, memory, disk and network of this machine.",
        rhythm: Rhythm::every(Duration::from_secs(3)),
        at_the_end: false,
        run: |ops, _| Box::pin(async move { ops.measure().await }),
    },
    Job {
        name: "Servers",
        about: "Checks whether every server answers.",
        rhythm: Rhythm::every(Duration::from_secs(5)),
        at_the_end: false,
        run: |ops, _| Box::pin(async move { ops.check_servers().await }),
    },
    Job {
        name: "Events",
        about: "Tells those who follow events what nobody does: streams and servers go down and come up, addresses are blocked, disks fill.",
        rhythm: EACH_SECOND,
        at_the_end: false,
        run: |ops, _| Box::pin(async move { ops.tell_states().await }),
    },
    Job {
        name: "Ends",
        about: "Tells those who follow events of lines and MAGs that end soon or have ended; not while the clock is in doubt.",
        rhythm: EACH_SECOND,
        at_the_end: false,
        run: |ops, _| Box::pin(async move { ops.tell_ends().await }),
    },
    Job {
        name: "Webhooks",
        about: "Sends events to webhooks, and again where they were not taken.",
        rhythm: EACH_SECOND,
        at_the_end: true,
        run: |ops, turn| {
            Box::pin(async move {
                match turn {
                    Turn::Round(_) => ops.send_webhooks(),
                    Turn::Last => ops.end_webhooks().await,
                }
            })
        },
    },
    Job {
        name: "Messages",
        about: "Reminds subscribers and alerts those who run the panel, by e-mail, by calls and on the screens of boxes.",
        rhythm: EACH_SECOND,
        at_the_end: true,
        run: |ops, turn| {
            Box::pin(async move {
                match turn {
                    Turn::Round(_) => ops.send_messages().await,
                    Turn::Last => ops.end_messages().await,
                }
            })
        },
    },
    Job {
        name: "Event log",
        about: "Records how far the log of events has come, so that a restored database is noticed.",
        rhythm: EVERY_MINUTE,
        at_the_end: true,
        run: |ops, _| Box::pin(async move { ops.note_event_log().await }),
    },
    Job {
        name: "Guide",
        about: "Refreshes the sources of the programme guide when it is time, and matches their channels with streams.",
        rhythm: Rhythm::Every { period: Duration::from_secs(1), after_failure: Duration::from_secs(30) },
        at_the_end: false,
        run: |ops, _| Box::pin(async move { ops.keep_guide().await }),
    },
    Job {
        name: "Batches",
        about: "Changes many lines or MAGs as somebody has ordered, a hundred at a time.",
        rhythm: Rhythm::Every { period: Duration::from_millis(500), after_failure: Duration::from_secs(5) },
        at_the_end: false,
        run: |ops, _| Box::pin(async move { ops.run_batches().await }),
    },
    Job {
        name: "Backup schedule",
        about: "Sees to it that a backup is made each day, verified, and sent to the target; deletes those that are no longer kept.",
        rhythm: Rhythm::Every { period: Duration::from_secs(1), after_failure: Duration::from_secs(5) },
        at_the_end: false,
        run: |ops, turn| {
            Box::pin(async move {
                let looks = matches!(turn, Turn::Round(round) if round % 2 == 0);
                ops.keep_backups(looks, turn == Turn::Round(0)).await
            })
        },
    },
    Job {
        name: "Clean up",
        about: "Deletes entries of the logs that are older than the settings say; none while the clock is in doubt.",
        rhythm: Rhythm::every(Duration::from_hours(1)),
        at_the_end: false,
        run: |ops, _| Box::pin(async move { ops.forget_old().await }),
    },
];

/// Starts every job.
pub fn start(ops: &Ops) -> Running {
    Running::start(ops, JOBS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_has_a_name_of_its_own_and_a_whole_sentence() {
        let mut names: Vec<_> = JOBS.iter().map(|job| job.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), JOBS.len());
        assert!(JOBS.iter().all(|job| job.about.ends_with('.')));
    }
}
