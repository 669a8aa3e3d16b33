//! A clock that leaps: what the machine says against the time that is known to have passed.

use crate::domain::fields::time::UnixTime;

/// A clock that stands where it cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leap {
    /// This many seconds ahead of the time that is known.
    Ahead(i64),
    /// This many seconds behind it.
    Behind(i64),
}

impl Leap {
    /// A server may have stood still for a day without a question.
    const AHEAD: i64 = 86_400;
    /// Clocks are set back a little, never an hour: summer time is none of theirs.
    const BEHIND: i64 = 3_600;

    /// For so long a server that was switched off is believed to have been off.
    const OFF: i64 = 60 * 86_400;
    /// For so long its clock must run evenly before it is: time enough to be set right from the network.
    const EVEN: i64 = 3_600;
    /// A clock runs evenly that differs by no more from the time that passed.
    const UNEVEN: i64 = 60;

    /// 2026-01-01: nobody has started this program for the first time before it was written.
    const WRITTEN: i64 = 1_767_225_600;
    /// Nor twenty years after.
    const LAST_FIRST_START: i64 = Self::WRITTEN + 20 * 365 * 86_400;

    /// Whether a clock that nothing is known of says what no right one says at a first start: that it runs on from 1970, or
    /// is decades ahead.
    pub fn is_absurd(now: UnixTime) -> bool {
        !(Self::WRITTEN..=Self::LAST_FIRST_START).contains(&now.seconds())
    }

    /// Whether a clock that says `now` has leapt, when it is known to be at least `known`.
    pub fn between(known: UnixTime, now: UnixTime) -> Option<Self> {
        let ahead = now.seconds() - known.seconds();
        if ahead > Self::AHEAD {
            Some(Self::Ahead(ahead))
        } else if ahead < -Self::BEHIND {
            Some(Self::Behind(-ahead))
        } else {
            None
        }
    }

    /// Whether it is what a server finds that was off: a clock that is ahead by at most 60 days, and has run evenly for an
    /// hour since the start.
    pub fn is_absence(self, since_start: &Even, passed: i64, now: UnixTime) -> bool {
        matches!(self, Self::Ahead(seconds) if seconds <= Self::OFF)
            && since_start.lasts(passed, now) >= Self::EVEN
    }

    /// Whether no server is off for so long: it is the clock that was wrong, before the leap or after it.
    pub fn is_no_absence(self) -> bool {
        !matches!(self, Self::Ahead(seconds) if seconds <= Self::OFF)
    }

    /// What is told of it.
    pub fn words(self) -> String {
        let (seconds, where_to) = match self {
            Self::Ahead(seconds) => (seconds, "ahead of"),
            Self::Behind(seconds) => (seconds, "behind"),
        };
        let (hours, days) = (seconds / 3600, seconds / 86_400);
        let long = if days >= 2 { format!("{days} days") } else { format!("{hours} hours") };
        format!("The clock of this machine is {long} {where_to} the time when Linecard last ran")
    }
}

/// Since when a clock runs evenly, by a count of seconds that nobody sets.
#[derive(Clone, Copy, Debug)]
pub struct Even {
    from: UnixTime,
    counted: i64,
}

impl Even {
    /// From a moment on at which this many seconds are counted.
    pub fn from(now: UnixTime, counted: i64) -> Self {
        Self { from: now, counted }
    }

    /// The same, or from now on if the clock was set meanwhile.
    #[must_use]
    pub fn after(self, now: UnixTime, counted: i64) -> Self {
        if self.is_even(now, counted) { self } else { Self::from(now, counted) }
    }

    /// For how many seconds it runs evenly; 0 if it was set.
    pub fn lasts(&self, counted: i64, now: UnixTime) -> i64 {
        if self.is_even(now, counted) { counted - self.counted } else { 0 }
    }

    /// What a clock would say now that ran evenly since.
    pub fn steady(&self, counted: i64) -> UnixTime {
        UnixTime::clamped(self.from.seconds().saturating_add(counted - self.counted))
    }

    /// Whether it still runs evenly.
    pub fn is_even(&self, now: UnixTime, counted: i64) -> bool {
        let told = now.seconds() - self.from.seconds();
        (told - (counted - self.counted)).abs() <= Leap::UNEVEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_standing_still_is_no_leap_and_more_is() {
        let known = UnixTime::clamped(1_800_000_000);
        let at = |seconds: i64| Leap::between(known, UnixTime::clamped(known.seconds() + seconds));
        assert_eq!(at(0), None);
        assert_eq!(at(86_400), None);
        assert_eq!(at(86_401), Some(Leap::Ahead(86_401)));
        assert_eq!(at(-3600), None);
        assert_eq!(at(-3601), Some(Leap::Behind(3601)));
        assert!(at(366 * 86_400).is_some_and(|leap| leap.words().contains("366 days ahead")));
        assert!(at(-7300).is_some_and(|leap| leap.words().contains("2 hours behind")));
    }

    #[test]
    fn no_first_start_is_before_2026_or_twenty_years_after() {
        let absurd = |seconds| Leap::is_absurd(UnixTime::clamped(seconds));
        assert!(absurd(0) && absurd(1_767_225_599) && absurd(2_400_000_000) && absurd(i64::MAX));
        assert!(!absurd(1_767_225_600) && !absurd(1_796_000_000) && !absurd(2_397_000_000));
    }

    #[test]
    fn a_server_that_was_off_for_days_is_believed_after_an_hour_of_an_even_clock() {
        let start = UnixTime::clamped(1_800_000_000);
        let at = |seconds: i64| UnixTime::clamped(start.seconds() + seconds);
        let even = Even::from(start, 0);
        let off = Leap::Ahead(30 * 86_400);
        assert!(!off.is_absence(&even, 3599, at(3599)), "too soon");
        assert!(off.is_absence(&even, 3600, at(3600)));
        assert!(off.is_absence(&even, 7200, at(7230)), "a clock that runs a little fast");
        assert!(!Leap::Ahead(61 * 86_400).is_absence(&even, 7200, at(7200)), "too long");
        assert!(!Leap::Behind(7200).is_absence(&even, 7200, at(7200)));
        // Set meanwhile: its hour begins anew.
        assert!(!off.is_absence(&even, 3600, at(3600 + 86_400)));
        let set = even.after(at(1800 + 86_400), 1800);
        assert_eq!((set.lasts(1800, at(1800 + 86_400)), set.lasts(5400, at(5400 + 86_400))), (0, 3600));
        assert!(even.after(at(1830), 1800).lasts(1800, at(1830)) == 1800, "set by seconds is not set");
    }
}
