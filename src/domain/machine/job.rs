//! Jobs: what the server does by itself, again and again, and how that goes.

use std::time::Duration;

use crate::domain::fields::time::UnixTime;

/// The pause before a job is run anew that is to run all the time and has ended.
const ANEW: Duration = Duration::from_secs(1);

/// When a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// Once in a period, counted from begin to begin; a run that takes longer is followed by the next at once.
    Every {
        period: Duration,
        /// The pause after a run that failed.
        after_failure: Duration,
    },
    /// When a minute of the clock begins.
    EachMinute,
    /// All the time: it waits for its work itself, and ends only by a failure.
    Always,
    /// Whenever somebody starts it.
    OnDemand,
}

impl Rhythm {
    /// Once in a period, also after a failure.
    pub const fn every(period: Duration) -> Self {
        Self::Every { period, after_failure: period }
    }

    /// The pause after a run that took so long and ended now.
    pub fn pause(self, took: Duration, failed: bool, now: UnixTime) -> Duration {
        match self {
            Self::Every { after_failure, .. } if failed => after_failure,
            Self::Every { period, .. } => period.saturating_sub(took),
            Self::EachMinute => Duration::from_secs(60 - now.seconds().unsigned_abs() % 60),
            Self::Always | Self::OnDemand => ANEW,
        }
    }
}

/// A run of long work that somebody has started: it has a row in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongRun {
    /// Its begin.
    pub began: UnixTime,
    /// Its end, however it came; none while it runs.
    pub ended: Option<UnixTime>,
    /// How much is done, and how much there is.
    pub progress: (i64, i64),
    /// Why it ended early; empty if it did not.
    pub why: String,
}

/// A job, and how its runs went since the server was started; those of long work also before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobReport {
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// When it runs.
    pub rhythm: Rhythm,
    /// Since when it runs, if it does.
    pub running_since: Option<UnixTime>,
    /// The last run that is over: its begin, and how long it took.
    pub last: Option<(UnixTime, Duration)>,
    /// How much of it is done, and how much there is: of long work that runs or was cut off.
    pub progress: Option<(i64, i64)>,
    /// When it runs next, unless it runs.
    pub next: Option<UnixTime>,
    /// Whether the last run failed.
    pub failed: bool,
    /// When it last failed, and why; kept when later runs go well.
    pub last_error: Option<(UnixTime, String)>,
}

impl JobReport {
    /// A job that has not run yet.
    pub fn new(name: &'static str, about: &'static str, rhythm: Rhythm) -> Self {
        Self {
            name,
            about,
            rhythm,
            running_since: None,
            last: None,
            progress: None,
            next: None,
            failed: false,
            last_error: None,
        }
    }

    /// Long work as its runs tell, the newest first.
    pub fn of_runs(name: &'static str, about: &'static str, runs: &[LongRun]) -> Self {
        let took = |run: &LongRun| {
            let ended = run.ended?;
            let seconds = ended.seconds().saturating_sub(run.began.seconds());
            Some((run.began, Duration::from_secs(u64::try_from(seconds).unwrap_or(0))))
        };
        let failed = runs.iter().find(|run| !run.why.is_empty());
        let newest = runs.first();
        Self {
            running_since: newest.filter(|run| run.ended.is_none()).map(|run| run.began),
            last: runs.iter().find_map(took),
            progress: newest.filter(|run| run.ended.is_none() || !run.why.is_empty()).map(|run| run.progress),
            failed: newest.is_some_and(|run| !run.why.is_empty()),
            last_error: failed.map(|run| (run.ended.unwrap_or(run.began), run.why.clone())),
            ..Self::new(name, about, Rhythm::OnDemand)
        }
    }

    /// A run begins.
    pub fn begin(&mut self, now: UnixTime) {
        (self.running_since, self.next) = (Some(now), None);
        // It does well as long as it does not end.
        self.failed &= self.rhythm != Rhythm::Always;
    }

    /// The run is over: how long it took, and what went wrong. The next one comes after a pause.
    pub fn end(&mut self, now: UnixTime, took: Duration, error: Option<String>, pause: Duration) {
        self.last = Some((self.running_since.take().unwrap_or(now), took));
        self.next = Some(UnixTime::clamped(
            now.seconds().saturating_add(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX)),
        ));
        self.failed = error.is_some();
        if let Some(why) = error {
            self.last_error = Some((now, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_period_counts_from_begin_to_begin_and_a_failure_has_its_own_pause() {
        let now = UnixTime::clamped(1_000);
        let rhythm = Rhythm::Every { period: seconds(5), after_failure: seconds(10) };
        assert_eq!(rhythm.pause(seconds(2), false, now), seconds(3));
        assert_eq!(rhythm.pause(seconds(7), false, now), Duration::ZERO);
        assert_eq!(rhythm.pause(seconds(7), true, now), seconds(10));
        assert_eq!(Rhythm::EachMinute.pause(seconds(7), false, now), seconds(20));
        assert_eq!(Rhythm::EachMinute.pause(seconds(7), false, UnixTime::clamped(960)), seconds(60));
        assert_eq!(Rhythm::Always.pause(seconds(7), true, now), seconds(1));
    }

    #[test]
    fn long_work_tells_its_newest_run_and_its_last_failure() {
        let at = UnixTime::clamped;
        let run = |began, ended: Option<i64>, why: &str| LongRun {
            began: at(began),
            ended: ended.map(at),
            progress: (3, 9),
            why: why.into(),
        };
        let of = |runs: &[LongRun]| JobReport::of_runs("a", "Does.", runs);
        assert_eq!(of(&[]), JobReport::new("a", "Does.", Rhythm::OnDemand));
        let job = of(&[run(50, None, ""), run(20, Some(30), "full"), run(1, Some(2), "")]);
        assert_eq!((job.running_since, job.progress, job.failed), (Some(at(50)), Some((3, 9)), false));
        assert_eq!(job.last, Some((at(20), seconds(10))));
        assert_eq!(job.last_error, Some((at(30), "full".into())));
        let job = of(&[run(20, Some(30), "full")]);
        assert_eq!((job.running_since, job.progress, job.failed), (None, Some((3, 9)), true));
        let job = of(&[run(40, Some(41), ""), run(20, Some(30), "full")]);
        assert_eq!((job.progress, job.failed, job.last), (None, false, Some((at(40), seconds(1)))));
    }

    #[test]
    fn an_error_stays_known_after_the_job_has_recovered() {
        let mut job = JobReport::new("a", "Does.", Rhythm::every(seconds(5)));
        let at = UnixTime::clamped;
        job.begin(at(10));
        assert_eq!((job.running_since, job.next), (Some(at(10)), None));
        job.end(at(12), seconds(2), Some("full".into()), seconds(3));
        assert_eq!((job.failed, job.last, job.next), (true, Some((at(10), seconds(2))), Some(at(15))));
        job.begin(at(15));
        job.end(at(15), seconds(0), None, seconds(5));
        assert_eq!((job.failed, job.running_since), (false, None));
        assert_eq!(job.last_error, Some((at(12), "full".into())));
    }
}
