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
            Self::Always => ANEW,
        }
    }
}

/// A job, and how its runs went since the server was started.
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
            next: None,
            failed: false,
            last_error: None,
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
